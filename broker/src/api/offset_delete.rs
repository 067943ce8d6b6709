//! OffsetDelete: forgets offsets of partitions that nobody in the group reads (KIP-496).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::api::Context;
use crate::api::group_call::{code, has_partition, on_coordinator};
use crate::state::State;

type Outcome = Result<(), ResponseError>;

/// Answers for the partitions asked, in their order, unless the group itself is refused.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let deleted = on_coordinator(cx, &request.group_id, |state| delete(state, &request));
    let mut outcomes = match deleted {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => return OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(outcomes.by_ref());
        let partitions = partitions.map(|(asked, outcome)| {
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

fn delete(state: &mut State, request: &OffsetDeleteRequest) -> Result<Vec<Outcome>, ResponseError> {
    let topics = request.topics.iter();
    let asked: Vec<(&str, i32)> = topics
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|at| (&**topic.name, at.partition_index))
        })
        .collect();
    let known: Vec<bool> = asked
        .iter()
        .map(|(topic, at)| has_partition(state, topic, *at))
        .collect();
    let outcomes = state.groups.delete_offsets(&request.group_id, &asked)?;
    let or_unknown = |(outcome, known)| {
        if known {
            outcome
        } else {
            Err(ResponseError::UnknownTopicOrPartition)
        }
    };
    Ok(outcomes.into_iter().zip(known).map(or_unknown).collect())
}
