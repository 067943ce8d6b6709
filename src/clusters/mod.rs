//! Everything kmirror asks of a cluster outside the data path, and how every client reaches it.
//!
//! - [`properties`]: a cluster's entry in the configuration as librdkafka properties;
//! - [`context`]: librdkafka's own log and its connection errors as events that name the cluster;
//! - `repeats`: how often the same line of that log is passed on;
//! - [`topics`], [`configs`]: what of topics is asked over connections of kmirror's own;
//! - [`inspector`]: topics, log starts and ends, committed offsets, configs, rights, ACLs;
//! - [`administrator`]: what is changed of them: topics, partitions, configs, ACLs;
//! - [`own_topic`]: topics that kmirror itself writes, created when they are missing;
//! - [`rare`]: single records written, each with its acknowledgement;
//! - [`record_times`]: when single records were written;
//! - [`stretches`]: what stands in stretches of partitions;
//! - [`error`]: why a request failed: unreachable, denied or refused.

pub mod administrator;
pub mod configs;
pub mod context;
pub mod error;
pub mod inspector;
pub mod own_topic;
pub mod properties;
pub mod rare;
pub mod record_times;
mod repeats;
pub mod stretches;
pub mod topics;

pub use crate::librdkafka::admin::TopicPartition;
pub use crate::librdkafka::admin::group_offsets::{GroupOffset, GroupQuery};
pub use administrator::ChangeError;
pub use error::Error;
pub use inspector::Inspector;
pub use topics::{TopicId, TopicInfo};
