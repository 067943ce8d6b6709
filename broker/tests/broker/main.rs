//! Claims about the broker, made by librdkafka and by raw bytes.

mod acls;
mod administration;
mod clients;
mod configuration;
mod control_socket;
mod controls;
mod faults;
mod groups;
mod hostile;
mod idempotence;
mod nodes;
mod positions;
mod raw;
mod records;
mod restart;
mod retention;
mod transactions;
mod versions;
