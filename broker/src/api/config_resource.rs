//! Finds what a configuration request is about, and puts a changed configuration in force.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;

use super::About;
use crate::config::{BrokerConfigs, Definition, Invalid, TopicConfigs};
use crate::state::State;
use crate::topics::Refused;

/// The number of resources that are topics.
pub(super) const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// What has a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    /// A topic that exists.
    Topic(String),
    /// One node, by its place among the nodes. They share what is altered.
    Broker(usize),
    /// All nodes together.
    Brokers,
}

/// Finds the resource of a request.
pub(super) fn find(state: &State, kind: i8, name: &str) -> Result<Resource, Refused> {
    match kind {
        TOPIC if state.topics.get(name).is_some() => Ok(Resource::Topic(name.to_owned())),
        TOPIC => {
            let message = format!("The topic '{name}' does not exist.");
            Err(Refused::new(
                ResponseError::UnknownTopicOrPartition,
                message,
            ))
        }
        BROKER if name.is_empty() => Ok(Resource::Brokers),
        BROKER => match name.parse() {
            Ok(id) if id < state.nodes.len() => Ok(Resource::Broker(id)),
            _ => Err(Refused::new(
                ResponseError::InvalidRequest,
                format!("There is no broker '{name}'."),
            )),
        },
        _ => {
            let message = format!("Resources of type {kind} have no configuration here.");
            Err(Refused::new(ResponseError::InvalidRequest, message))
        }
    }
}

/// What a fault rule may be about.
pub(super) fn about(kind: i8, name: &str) -> About<'_> {
    if kind == TOPIC {
        About::Topic(name)
    } else {
        About::Request
    }
}

/// The definition of one of its keys.
pub(super) fn definition(resource: &Resource, key: &str) -> Result<&'static Definition, Refused> {
    let definition = match resource {
        Resource::Topic(_) => TopicConfigs::definition(key),
        Resource::Broker(_) | Resource::Brokers => BrokerConfigs::definition(key),
    };
    definition.map_err(refused)
}

/// The value that a key has while `set` is what is set, wherever it comes from.
pub(super) fn held<'a>(
    state: &'a State,
    resource: &Resource,
    set: &'a BTreeMap<String, String>,
    definition: &'a Definition,
) -> &'a str {
    match (resource, set.get(definition.name)) {
        (_, Some(value)) => value,
        (Resource::Topic(_), None) => TopicConfigs::inherited(&state.configs, definition),
        (Resource::Broker(_) | Resource::Brokers, None) => state.configs.get(definition),
    }
}

/// What is set on it now.
pub(super) fn current<'a>(state: &'a State, resource: &Resource) -> &'a BTreeMap<String, String> {
    static NOTHING: BTreeMap<String, String> = BTreeMap::new();
    match resource {
        Resource::Topic(name) => state
            .topics
            .get(name)
            .map_or(&NOTHING, |topic| topic.configs.set()),
        Resource::Broker(_) | Resource::Brokers => state.configs.altered(),
    }
}

/// Replaces what is set on it, or only checks that it could be.
pub(super) fn replace(
    state: &mut State,
    resource: &Resource,
    set: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Refused> {
    match resource {
        Resource::Topic(name) => {
            let configs = TopicConfigs::new(set, &state.configs).map_err(refused)?;
            if validate_only {
                Ok(())
            } else {
                state.topics.configure(name, configs)
            }
        }
        Resource::Broker(_) | Resource::Brokers if validate_only => {
            BrokerConfigs::check(&set).map_err(refused)
        }
        Resource::Broker(_) | Resource::Brokers => state.alter_broker(set),
    }
}

fn refused(invalid: Invalid) -> Refused {
    Refused::new(ResponseError::InvalidConfig, invalid.to_string())
}
