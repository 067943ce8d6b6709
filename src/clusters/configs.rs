//! Configs of topics and brokers, and where each value comes from.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use crate::librdkafka::admin::Failure;

/// Kafka's numbers: `ConfigResource.Type`, and `ConfigSource` of what is set on a topic itself.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET_ON_TOPIC: i8 = 1;

/// One config of a topic or a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// Key, for example `retention.ms`.
    pub name: String,
    /// Absent when the broker keeps it secret.
    pub value: Option<String>,
    /// Whether it is set on the topic itself, not inherited from the broker.
    pub set_on_topic: bool,
}

/// Which configs are wanted. The broker sends all; what is not wanted is never copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Every one, wherever its value comes from.
    InEffect,
    /// Those that are set on the topic itself.
    SetOnTopic,
}

/// The configs of one topic, or why they cannot be read.
#[derive(Debug, Clone)]
pub struct Configs {
    /// Name of the topic or id of the broker.
    pub name: String,
    /// In the broker's order.
    pub values: Result<Vec<ConfigValue>, Failure>,
}

/// Asks for those of topics.
pub(super) fn of_topics(topics: &[String]) -> DescribeConfigsRequest {
    let resources = topics.iter().map(|topic| resource(TOPIC, topic.clone()));
    DescribeConfigsRequest::default().with_resources(resources.collect())
}

/// Asks for those of one broker, which is to be asked itself.
pub(super) fn of_broker(node: i32) -> DescribeConfigsRequest {
    let resources = vec![resource(BROKER, node.to_string())];
    DescribeConfigsRequest::default().with_resources(resources)
}

fn resource(kind: i8, name: String) -> DescribeConfigsResource {
    DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(StrBytes::from_string(name))
        .with_configuration_keys(None)
}

/// What was answered.
pub(super) fn read(answer: &DescribeConfigsResponse, which: Which) -> Vec<Configs> {
    let results = answer.results.iter();
    results.map(|result| configs(result, which)).collect()
}

fn configs(result: &DescribeConfigsResult, which: Which) -> Configs {
    let message = result.error_message.as_ref().map(StrBytes::to_string);
    let values = match Failure::of_broker(result.error_code, message) {
        Some(failure) => Err(failure),
        None => {
            let wanted = result.configs.iter();
            let wanted = wanted.filter(|one| which == Which::InEffect || is_set_on_topic(one));
            Ok(wanted.map(value).collect())
        }
    };
    Configs {
        name: result.resource_name.to_string(),
        values,
    }
}

fn value(config: &DescribeConfigsResourceResult) -> ConfigValue {
    ConfigValue {
        name: config.name.to_string(),
        value: config.value.as_ref().map(StrBytes::to_string),
        set_on_topic: is_set_on_topic(config),
    }
}

fn is_set_on_topic(config: &DescribeConfigsResourceResult) -> bool {
    config.config_source == SET_ON_TOPIC
}
