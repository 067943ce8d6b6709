//! DeleteTopics (20): deletes topics by name, or by id from version 6 on.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Context;
use crate::state::State;
use crate::topics::Refused;

/// Answers each topic on its own.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let mut state = cx.state();
    let named = request
        .topic_names
        .into_iter()
        .map(|name| (Some(name), Uuid::nil()));
    let listed = request
        .topics
        .into_iter()
        .map(|topic| (topic.name, topic.topic_id));
    let results = named
        .chain(listed)
        .map(|(name, id)| delete(&mut state, version, name, id))
        .collect();
    DeleteTopicsResponse::default().with_responses(results)
}

fn delete(
    state: &mut State,
    version: i16,
    name: Option<TopicName>,
    id: Uuid,
) -> DeletableTopicResult {
    let found = match &name {
        Some(name) => state
            .topics
            .get(name)
            .ok_or(ResponseError::UnknownTopicOrPartition),
        None => state.topics.by_id(id).ok_or(ResponseError::UnknownTopicId),
    };
    let found = found.map(|topic| (topic.name.clone(), topic.id));
    let deleted = match &found {
        _ if !state.configs.is_on("delete.topic.enable") => Err(Refused::new(
            ResponseError::TopicDeletionDisabled,
            "Topic deletion is disabled.",
        )),
        Ok((name, _)) => state.delete_topic(name),
        Err(error) => Err(Refused::new(*error, error.to_string())),
    };
    // Before version 6 the name cannot be null.
    let name = found.as_ref().ok().map(|(name, _)| name.clone()).or(name);
    let id = found.map_or(id, |(_, id)| id);
    let result = DeletableTopicResult::default()
        .with_name(if version < 6 {
            Some(name.unwrap_or_default())
        } else {
            name
        })
        .with_topic_id(id);
    match deleted {
        Ok(()) => result,
        Err(refused) => result
            .with_error_code(refused.error.code())
            .with_error_message(Some(StrBytes::from_string(refused.message))),
    }
}
