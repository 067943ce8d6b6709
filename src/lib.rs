//! kmirror copies topics from one Kafka cluster to another.

pub mod board;
pub mod budget;
pub mod cli;
pub mod clusters;
pub mod config;
pub mod daemon;
pub mod deadline;
pub mod http;
pub mod librdkafka;
pub mod metrics;
pub mod mirror;
pub mod offset;
pub mod pipeline;
pub mod prefix;
pub mod retry;
pub mod status;
pub mod target;
