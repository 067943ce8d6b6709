//! The two clusters of a mirror as the control loop asks them, with what the configuration says of the mirror.

use std::collections::BTreeMap;

use super::slices::SLICE;
use crate::clusters::configs::ConfigValue;
use crate::clusters::{Error, Inspector};
use crate::config;
use crate::librdkafka::admin::Failure;

/// What is set on each topic, or why that cannot be read.
pub type SetConfigs = BTreeMap<String, Result<Vec<ConfigValue>, Failure>>;

/// Both ends of a mirror.
pub struct Ends {
    /// What it is to do.
    pub mirror: config::Mirror,
    /// Where it reads.
    pub source: Inspector,
    /// Where it writes.
    pub target: Inspector,
}

/// What is set on `topics` of a cluster themselves, in as many requests as it takes.
pub async fn set_configs(cluster: &Inspector, topics: &[String]) -> Result<SetConfigs, Error> {
    let mut configs = SetConfigs::new();
    for slice in topics.chunks(SLICE) {
        let answers = cluster.topic_configs(slice).await?.into_iter();
        configs.extend(answers.map(|topic| (topic.name, topic.values)));
    }
    Ok(configs)
}
