//! Topics as an administrator sees them: create, grow, configure, list, delete.

use std::time::Duration;

use anyhow::{Context, Result};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicsRequest;
use kafka_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, IncrementalAlterConfigsRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::client::{Client, topic_name};
use super::wait::eventually;
use super::wire::refused;

const CREATE_TOPICS: i16 = 5;
const DELETE_TOPICS: i16 = 4;
const CREATE_PARTITIONS: i16 = 1;
const ALTER_CONFIGS: i16 = 1;
const DESCRIBE_CONFIGS: i16 = 1;

/// Kafka's number for a topic among the resources that have configs.
const TOPIC: i8 = 2;
/// KIP-339's number for taking a config back to its default.
const RESET: i8 = 1;
const ADMIN_TIMEOUT_MS: i32 = 20_000;
const LEADERS_DEADLINE: Duration = Duration::from_secs(20);

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

impl Client {
    /// Creates `topic` with the broker's default replication and waits until every partition has a leader.
    pub fn create_topic(
        &mut self,
        topic: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<()> {
        let configs = configs
            .iter()
            .map(|(name, value)| {
                CreatableTopicConfig::default()
                    .with_name(text(name))
                    .with_value(Some(text(value)))
            })
            .collect();
        let creatable = CreatableTopic::default()
            .with_name(topic_name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(-1)
            .with_configs(configs);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable])
            .with_timeout_ms(ADMIN_TIMEOUT_MS);
        let answer = self.ask(CREATE_TOPICS, &request)?;
        for result in answer.topics {
            refused(result.error_code)
                .with_context(|| format!("create {topic}: {:?}", result.error_message))?;
        }
        self.await_leaders(topic, partitions);
        Ok(())
    }

    /// Raises `topic` to `partitions` in total.
    pub fn grow_topic(&mut self, topic: &str, partitions: i32) -> Result<()> {
        let grown = CreatePartitionsTopic::default()
            .with_name(topic_name(topic))
            .with_count(partitions)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![grown])
            .with_timeout_ms(ADMIN_TIMEOUT_MS);
        for result in self.ask(CREATE_PARTITIONS, &request)?.results {
            refused(result.error_code)
                .with_context(|| format!("grow {topic}: {:?}", result.error_message))?;
        }
        self.await_leaders(topic, partitions);
        Ok(())
    }

    /// Deletes `topic`; brokers drop it a moment later.
    pub fn delete_topic(&mut self, topic: &str) -> Result<()> {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name(topic)])
            .with_timeout_ms(ADMIN_TIMEOUT_MS);
        for result in self.ask(DELETE_TOPICS, &request)?.responses {
            refused(result.error_code).with_context(|| format!("delete {topic}"))?;
        }
        self.forget_leaders(topic);
        Ok(())
    }

    /// Sets configs of an existing topic, one by one (KIP-339).
    pub fn set_topic_configs(&mut self, topic: &str, configs: &[(&str, &str)]) -> Result<()> {
        let set = configs.iter().map(|(name, value)| {
            AlterableConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        self.alter_topic_configs(topic, set.collect())
    }

    /// Takes configs of a topic back to what the broker has for them.
    pub fn reset_topic_configs(&mut self, topic: &str, names: &[&str]) -> Result<()> {
        let reset = names.iter().map(|name| {
            AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(RESET)
                .with_value(None)
        });
        self.alter_topic_configs(topic, reset.collect())
    }

    fn alter_topic_configs(&mut self, topic: &str, configs: Vec<AlterableConfig>) -> Result<()> {
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(topic))
            .with_configs(configs);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        for result in self.ask(ALTER_CONFIGS, &request)?.responses {
            refused(result.error_code)
                .with_context(|| format!("configure {topic}: {:?}", result.error_message))?;
        }
        Ok(())
    }

    /// The value of one topic config in force, default or not.
    pub fn topic_config(&mut self, topic: &str, name: &str) -> Result<Option<String>> {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(topic))
            .with_configuration_keys(Some(vec![text(name)]));
        let answer = self.ask(
            DESCRIBE_CONFIGS,
            &DescribeConfigsRequest::default().with_resources(vec![resource]),
        )?;
        let result = answer
            .results
            .into_iter()
            .next()
            .context("no answer about configs")?;
        refused(result.error_code).with_context(|| format!("configs of {topic}"))?;
        Ok(result
            .configs
            .into_iter()
            .find(|config| config.name.as_str() == name)
            .and_then(|config| config.value)
            .map(|value| value.to_string()))
    }

    /// Names of all topics, internal ones too, sorted.
    pub fn topics(&mut self) -> Result<Vec<String>> {
        let mut names: Vec<_> = self
            .metadata(None)?
            .topics
            .into_iter()
            .filter_map(|topic| topic.name)
            .map(|name| name.to_string())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Names of all topics but internal ones, sorted.
    pub fn visible_topics(&mut self) -> Result<Vec<String>> {
        let mut names = self.topics()?;
        names.retain(|name| !name.starts_with("__"));
        Ok(names)
    }

    /// How many partitions `topic` has; an error when it does not exist.
    pub fn partitions(&mut self, topic: &str) -> Result<i32> {
        let described = self
            .metadata(Some(topic))?
            .topics
            .into_iter()
            .next()
            .context("no metadata")?;
        refused(described.error_code).with_context(|| topic.to_owned())?;
        Ok(i32::try_from(described.partitions.len())?)
    }

    fn await_leaders(&mut self, topic: &str, partitions: i32) {
        self.forget_leaders(topic);
        eventually(
            &format!("{topic} has {partitions} partitions, all led"),
            LEADERS_DEADLINE,
            || (0..partitions).try_for_each(|partition| self.log_end(topic, partition).map(drop)),
        );
    }
}
