//! Knows the configuration keys of topics and brokers, as `kafka-configs` shows and sets them.

mod broker;
mod broker_keys;
mod definition;
pub(crate) mod describe;
mod topic;
mod topic_keys;

pub(crate) use broker::BrokerConfigs;
pub(crate) use definition::{Definition, Invalid};
pub(crate) use topic::TopicConfigs;
