//! kmirror copies topics from one Kafka cluster to another.

pub mod config;
pub mod status;
