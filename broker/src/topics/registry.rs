//! Finds topics by name and by id, and creates, grows and deletes them.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;
use uuid::Uuid;

use super::leadership::Leader;
use super::name::{check_name, collides};
use super::partition::Partition;
use super::placement::{self, NewTopic, Refused, Surroundings};
use super::topic::{Plan, Topic};
use crate::config::TopicConfigs;
use crate::store::{StoreError, TopicsDir};

/// All topics of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    by_name: BTreeMap<String, Topic>,
    names: HashMap<Uuid, String>,
    dir: Option<TopicsDir>,
}

impl Topics {
    /// Reads all topics back from their directory.
    pub(crate) fn load(
        dir: TopicsDir,
        around: Surroundings<'_>,
        now: i64,
    ) -> Result<Self, StoreError> {
        let mut topics = Self::default();
        for file in dir.load()? {
            topics.insert(Topic::load(&file, &dir, around, now)?);
        }
        topics.dir = Some(dir);
        Ok(topics)
    }

    /// The topic of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    /// The topic of this name.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Topic> {
        self.by_name.get_mut(name)
    }

    /// The topic with this id.
    pub(crate) fn by_id(&self, id: Uuid) -> Option<&Topic> {
        self.get(self.names.get(&id)?)
    }

    /// All topics, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_name.values()
    }

    /// All topics, by name.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Topic> {
        self.by_name.values_mut()
    }

    /// A partition that `node` leads.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, or as [`Partition::check_leader`].
    pub(crate) fn led_by(
        &mut self,
        node: BrokerId,
        topic: &str,
        partition: i32,
        known_epoch: i32,
    ) -> Result<&mut Partition, ResponseError> {
        let found = self
            .get_mut(topic)
            .and_then(|topic| topic.partition_mut(partition));
        let partition = found.ok_or(ResponseError::UnknownTopicOrPartition)?;
        partition.check_leader(node, known_epoch)?;
        Ok(partition)
    }

    /// Checks a new topic and works out what it will be like, without creating it.
    ///
    /// # Errors
    /// With the code and the words of Kafka.
    pub(crate) fn plan(&self, new: NewTopic, around: Surroundings<'_>) -> Result<Plan, Refused> {
        let name = new.name.as_str();
        check_name(name).map_err(|reason| {
            Refused::new(
                ResponseError::InvalidTopicException,
                format!("Topic name is invalid: {reason}"),
            )
        })?;
        if self.by_name.contains_key(name) {
            return Err(Refused::new(
                ResponseError::TopicAlreadyExists,
                format!("Topic '{name}' already exists."),
            ));
        }
        if let Some(other) = self.by_name.keys().find(|other| collides(other, name)) {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(Refused::new(ResponseError::InvalidTopicException, message));
        }
        let replicas = placement::place(&new, self.by_name.len(), around)?;
        let configs = TopicConfigs::new(new.configs, around.broker)
            .map_err(|invalid| Refused::new(ResponseError::InvalidConfig, invalid.to_string()))?;
        Ok(Plan {
            name: new.name,
            replicas,
            configs,
        })
    }

    /// Creates a topic as planned, with a new id.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn create(&mut self, plan: Plan) -> Result<&Topic, Refused> {
        let name = plan.name.to_string();
        let topic = Topic::create(plan, self.dir.as_ref());
        self.save(&topic)?;
        self.insert(topic);
        Ok(&self.by_name[&name])
    }

    fn insert(&mut self, topic: Topic) {
        self.names.insert(topic.id, topic.name.to_string());
        self.by_name.insert(topic.name.to_string(), topic);
    }

    fn save(&self, topic: &Topic) -> Result<(), Refused> {
        self.dir
            .as_ref()
            .map_or(Ok(()), |dir| dir.save(&topic.to_file()))
            .map_err(Refused::storage)
    }

    /// Adds partitions to a topic, up to those of `replicas`, one entry for each new partition.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn grow(&mut self, name: &str, replicas: Vec<Vec<BrokerId>>) -> Result<(), Refused> {
        let Some(topic) = self.by_name.get_mut(name) else {
            return Err(Refused::new(
                ResponseError::UnknownTopicOrPartition,
                "This topic does not exist.",
            ));
        };
        topic.grow(replicas, self.dir.as_ref());
        self.save(&self.by_name[name])
    }

    /// Replaces what is set on a topic.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub(crate) fn configure(&mut self, name: &str, configs: TopicConfigs) -> Result<(), Refused> {
        let Some(topic) = self.by_name.get_mut(name) else {
            return Err(Refused::new(
                ResponseError::UnknownTopicOrPartition,
                "This topic does not exist.",
            ));
        };
        topic.configs = configs;
        self.save(&self.by_name[name])
    }

    /// Deletes a topic with its records and all that was known of its producers.
    ///
    /// # Errors
    /// When there is no such topic or the data directory cannot be written.
    pub(crate) fn delete(&mut self, name: &str) -> Result<(), Refused> {
        let Some(topic) = self.by_name.remove(name) else {
            return Err(Refused::new(
                ResponseError::UnknownTopicOrPartition,
                "This topic does not exist.",
            ));
        };
        self.names.remove(&topic.id);
        self.dir
            .as_ref()
            .map_or(Ok(()), |dir| dir.delete(name, topic.id))
            .map_err(Refused::storage)
    }

    /// Says who answers for a partition.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `KAFKA_STORAGE_ERROR`.
    pub(crate) fn set_leader(
        &mut self,
        name: &str,
        index: i32,
        leader: Leader,
    ) -> Result<(), Refused> {
        let partition = self
            .get_mut(name)
            .and_then(|topic| topic.partition_mut(index))
            .ok_or(ResponseError::UnknownTopicOrPartition)?;
        partition.set_leader(leader).map_err(Refused::storage)?;
        self.save(&self.by_name[name])
    }

    /// Writes nothing any more, so that another cluster can take over the directory.
    pub(crate) fn detach(&mut self) {
        self.dir = None;
        for partition in self.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.log_mut().detach();
        }
    }
}
