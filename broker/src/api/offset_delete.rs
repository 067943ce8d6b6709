//! OffsetDelete: forgets offsets of partitions that nobody in the group reads (KIP-496).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::api::group_call::{code, has_partition, on_coordinator};
use crate::api::{About, Context};
use crate::state::State;

type Outcome = Result<(), ResponseError>;

/// Answers for the partitions asked, in their order, unless the group itself is refused.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let deleted = on_coordinator(cx, &request.group_id, |state| delete(cx, state, &request));
    let mut outcomes = match deleted {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => return OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(outcomes.by_ref());
        let partitions = partitions.map(|(asked, outcome)| {
            let about = About::Partition(&topic.name, asked.partition_index);
            let outcome = cx.denial(about).map_or(outcome, Err);
            OffsetDeleteResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code(&outcome))
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

fn delete(
    cx: &Context,
    state: &mut State,
    request: &OffsetDeleteRequest,
) -> Result<Vec<Outcome>, ResponseError> {
    let topics = request.topics.iter();
    let asked: Vec<(&str, i32)> = topics
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|at| (&**topic.name, at.partition_index))
        })
        .collect();
    let flaws: Vec<Option<ResponseError>> = asked
        .iter()
        .map(|(topic, at)| {
            let unknown = !has_partition(state, topic, *at);
            let unknown = unknown.then_some(ResponseError::UnknownTopicOrPartition);
            cx.refusal(About::Partition(topic, *at)).or(unknown)
        })
        .collect();
    let sound = asked.iter().zip(&flaws).filter(|(_, flaw)| flaw.is_none());
    let sound: Vec<(&str, i32)> = sound.map(|(at, _)| *at).collect();
    let mut outcomes = state
        .groups
        .delete_offsets(&request.group_id, &sound)?
        .into_iter();
    let outcome = |flaw: Option<ResponseError>| match flaw {
        Some(error) => Err(error),
        None => outcomes.next().unwrap_or(Ok(())),
    };
    Ok(flaws.into_iter().map(outcome).collect())
}
