//! Claims about the broker, made by librdkafka and by raw bytes.

mod administration;
mod clients;
mod groups;
mod hostile;
mod idempotence;
mod nodes;
mod raw;
mod records;
mod restart;
mod retention;
