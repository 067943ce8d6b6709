//! CreateTopics (19): creates topics, or says what they would be like.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{About, Context};
use crate::config::{BrokerConfigs, TopicConfigs, describe};
use crate::state::State;
use crate::topics::{Layout, NewTopic, Plan, Refused};

/// Answers each topic on its own; a name that occurs twice is refused both times.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let mut state = cx.state();
    let mut seen = HashMap::new();
    for topic in &request.topics {
        *seen.entry(&topic.name).or_insert(0) += 1;
    }
    let results = request.topics.iter().map(|topic| {
        if seen[&topic.name] > 1 {
            return failed(
                topic,
                Refused::new(ResponseError::InvalidRequest, "Duplicate topic name."),
            );
        }
        cx.carry_out(About::Topic(&topic.name), || {
            create(&mut state, topic, request.validate_only)
        })
        .unwrap_or_else(|refused| failed(topic, refused))
    });
    let results = results.collect();
    CreateTopicsResponse::default().with_topics(results)
}

fn create(
    state: &mut State,
    asked: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Refused> {
    let plan = state.plan_topic(read(asked)?)?;
    let response = planned(&plan, &state.configs);
    let id = if validate_only {
        Uuid::nil()
    } else {
        state.create_planned(plan)?.id
    };
    Ok(response.with_topic_id(id))
}

fn planned(plan: &Plan, broker: &BrokerConfigs) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(plan.name.clone())
        .with_error_message(None)
        .with_num_partitions(plan.replicas.len() as i32)
        .with_replication_factor(
            plan.replicas
                .first()
                .map_or(-1, |replicas| replicas.len() as i16),
        )
        .with_configs(Some(configs(&plan.configs, broker)))
}

fn configs(configs: &TopicConfigs, broker: &BrokerConfigs) -> Vec<CreatableTopicConfigs> {
    let entry = |entry: describe::Entry| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(entry.name))
            .with_value(Some(StrBytes::from_string(entry.value().to_owned())))
            .with_config_source(entry.source() as i8)
    };
    describe::topic(configs.set(), broker)
        .into_iter()
        .map(entry)
        .collect()
}

fn read(asked: &CreatableTopic) -> Result<NewTopic, Refused> {
    let mut configs = BTreeMap::new();
    for config in &asked.configs {
        let value = config.value.as_ref().ok_or_else(|| {
            let message = format!(
                "Null value not supported for topic configs: {}",
                config.name
            );
            Refused::new(ResponseError::InvalidConfig, message)
        })?;
        configs.insert(config.name.to_string(), value.to_string());
    }
    Ok(NewTopic {
        name: asked.name.clone(),
        layout: layout(asked)?,
        configs,
    })
}

fn layout(asked: &CreatableTopic) -> Result<Layout, Refused> {
    let (partitions, replicas) = (asked.num_partitions, asked.replication_factor);
    if asked.assignments.is_empty() {
        let replication_factor = (replicas != -1).then_some(replicas);
        return Ok(Layout::Spread {
            partitions: (partitions != -1).then_some(partitions),
            replication_factor,
        });
    }
    if partitions != -1 || replicas != -1 {
        let message =
            "Either partitions and replication factor are given, or an assignment, not both.";
        return Err(Refused::new(ResponseError::InvalidRequest, message));
    }
    let mut assignments: Vec<_> = asked.assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.partition_index);
    if (0..)
        .zip(&assignments)
        .any(|(index, assignment): (i32, _)| assignment.partition_index != index)
    {
        let message = "Partitions must be numbered from 0 without a gap.";
        return Err(Refused::new(
            ResponseError::InvalidReplicaAssignment,
            message,
        ));
    }
    Ok(Layout::Assigned(
        assignments
            .into_iter()
            .map(|assignment| assignment.broker_ids.clone())
            .collect(),
    ))
}

fn failed(asked: &CreatableTopic, refused: Refused) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(asked.name.clone())
        .with_error_code(refused.error.code())
        .with_error_message(Some(StrBytes::from_string(refused.message)))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_configs(None)
}
