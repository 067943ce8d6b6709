//! Claims about the broker, made by real clients and by raw bytes.

mod clients;
mod groups;
mod records;
