//! DeleteTopics (20): deletes topics by name, or by id from version 6 on.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{About, Context};
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
        .map(|(name, id)| delete(cx, &mut state, version, name, id))
        .collect();
    DeleteTopicsResponse::default().with_responses(results)
}

fn delete(
    cx: &Context,
    state: &mut State,
    version: i16,
    name: Option<TopicName>,
    id: Uuid,
) -> DeletableTopicResult {
    let found = find(state, name.as_deref().map(StrBytes::as_str), id);
    let (name, id) = found
        .clone()
        .map_or((name, id), |(name, id)| (Some(name), id));
    // Before version 6 the name cannot be null.
    let name = if version < 6 {
        Some(name.unwrap_or_default())
    } else {
        name
    };
    let result = DeletableTopicResult::default()
        .with_name(name)
        .with_topic_id(id);
    let mut delete =
        |name: TopicName| cx.carry_out(About::Topic(&name), || state.delete_topic(&name));
    match found.and_then(|(name, _)| delete(name)) {
        Ok(()) => result,
        Err(refused) => result
            .with_error_code(refused.error.code())
            .with_error_message(Some(StrBytes::from_string(refused.message))),
    }
}

fn find(state: &State, name: Option<&str>, id: Uuid) -> Result<(TopicName, Uuid), Refused> {
    let refused = |error: ResponseError| Refused::new(error, error.to_string());
    if !state.configs.is_on("delete.topic.enable") {
        return Err(refused(ResponseError::TopicDeletionDisabled));
    }
    let topic = match name {
        Some(name) => state
            .topics
            .get(name)
            .ok_or(ResponseError::UnknownTopicOrPartition),
        None => state.topics.by_id(id).ok_or(ResponseError::UnknownTopicId),
    };
    topic
        .map(|topic| (topic.name.clone(), topic.id))
        .map_err(refused)
}
