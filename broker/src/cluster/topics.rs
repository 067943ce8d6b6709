//! Creates, grows, deletes and recreates topics, past the wire.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;

use super::{AdminError, Cluster};
use crate::topics::{Layout, NewTopic, check_count, place_more};

impl Cluster {
    /// Creates a topic with one replica of each partition.
    ///
    /// # Errors
    /// As CreateTopics: an invalid or taken name, a wrong count, an unknown configuration.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<(), AdminError> {
        let new = NewTopic {
            name: TopicName(StrBytes::from_string(name.to_owned())),
            layout: Layout::Spread {
                partitions: Some(partitions),
                replication_factor: None,
            },
            configs: configs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        self.shared.lock().create_topic(new)?;
        Ok(())
    }

    /// Deletes a topic with its records, and the offsets that groups committed for it.
    ///
    /// # Errors
    /// When there is no such topic or the data directory cannot be written.
    pub fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        Ok(self.shared.lock().delete_topic(name)?)
    }

    /// Deletes a topic and creates it again with the same partitions and configuration: another topic, with another id,
    /// no records, and no offsets that any group committed. Nobody sees a moment without it.
    ///
    /// # Errors
    /// As [`Cluster::delete_topic`].
    pub fn recreate_topic(&self, name: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let topic = state.topics.get(name).ok_or_else(|| no_topic(name))?;
        let replicas = topic.partitions.iter().map(|it| it.replicas.clone());
        let again = NewTopic {
            name: topic.name.clone(),
            layout: Layout::Assigned(replicas.collect()),
            configs: topic.configs.set().clone(),
        };
        state.delete_topic(name)?;
        state.create_topic(again)?;
        Ok(())
    }

    /// Adds `count` partitions to a topic, and gives how many it then has.
    ///
    /// # Errors
    /// When there is no such topic, `count` is less than 1, or the data directory cannot be written.
    pub fn add_partitions(&self, name: &str, count: i32) -> Result<usize, AdminError> {
        let mut state = self.shared.lock();
        let nodes = state.nodes.len();
        let topic = state.topics.get(name).ok_or_else(|| no_topic(name))?;
        let have = topic.partitions.len();
        check_count(i64::from(count))?;
        let want = check_count(have as i64 + i64::from(count))?;
        let first = topic.partitions.first().map(|it| it.replicas.clone());
        let replicas = place_more(&first.unwrap_or_default(), have, want, nodes);
        state.grow_topic(name, replicas)?;
        Ok(want)
    }
}

pub(super) fn no_topic(name: &str) -> AdminError {
    let message = format!("there is no topic {name}");
    AdminError::new(ResponseError::UnknownTopicOrPartition, message)
}
