//! OffsetCommit: records where a group reads on, if whoever says so may.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, TopicName};

use crate::api::group_call::{caller, has_partition, on_coordinator};
use crate::api::{About, Context};
use crate::groups::{Caller, CommittedOffset, OffsetCommit};
use crate::state::State;

/// `offset.metadata.max.bytes`, as in Kafka.
const MAX_METADATA: usize = 4096;

/// What becomes of each partition of a request: its number and a code, by topic and in the order of the request.
pub(super) type Outcomes = Vec<(TopicName, Vec<(i32, i16)>)>;

/// Answers for exactly the topics and partitions asked, in their order: franz-go refuses anything else.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let outcomes = commit(cx, &request, |state, caller, commits| {
        let groups = &mut state.groups;
        groups.commit(&request.group_id, caller, commits, cx.arrived)
    });
    let partition = |(index, code): (i32, i16)| {
        OffsetCommitResponsePartition::default()
            .with_partition_index(index)
            .with_error_code(code)
    };
    let topics = outcomes.into_iter().map(|(topic, partitions)| {
        OffsetCommitResponseTopic::default()
            .with_name(topic)
            .with_partitions(partitions.into_iter().map(partition).collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// Has `take` commit what is well-formed, on the coordinator of the group.
pub(super) fn commit(
    cx: &Context,
    request: &OffsetCommitRequest,
    take: impl FnOnce(&mut State, Caller<'_>, Vec<OffsetCommit>) -> Result<(), ResponseError>,
) -> Outcomes {
    let committed = on_coordinator(cx, &request.group_id, |state| {
        Ok(commit_sound(cx, state, request, take))
    });
    let outcomes = committed.unwrap_or_else(|error| vec![Some(error); partitions(request).count()]);
    cx.offsets_taken(outcomes.iter().map(Option::is_none).collect());
    let mut codes = outcomes
        .into_iter()
        .zip(partitions(request))
        .map(|(error, (topic, at))| {
            cx.denial(About::Partition(topic, at.partition_index))
                .or(error)
        })
        .map(|error| error.map_or(0, |error| error.code()));
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        let answered = partitions.map(|at| (at.partition_index, codes.next().unwrap_or_default()));
        (topic.name.clone(), answered.collect())
    });
    topics.collect()
}

/// One outcome per partition, `None` where it went well.
fn commit_sound(
    cx: &Context,
    state: &mut State,
    request: &OffsetCommitRequest,
    take: impl FnOnce(&mut State, Caller<'_>, Vec<OffsetCommit>) -> Result<(), ResponseError>,
) -> Vec<Option<ResponseError>> {
    let asked = || partitions(request);
    let refusal = |topic: &TopicName, at: i32| cx.refusal(About::Partition(topic, at));
    let flaws: Vec<_> = asked()
        .map(|(topic, at)| refusal(topic, at.partition_index).or_else(|| flaw(state, topic, at)))
        .collect();
    let sound = asked().zip(&flaws).filter(|(_, flaw)| flaw.is_none());
    let commits: Vec<OffsetCommit> = sound.map(|((topic, at), _)| entry(topic, at)).collect();
    if commits.is_empty() {
        return flaws;
    }
    let generation = request.generation_id_or_member_epoch;
    let instance_id = request.group_instance_id.as_ref();
    let caller = caller(&request.member_id, instance_id, generation);
    let outcome = take(state, caller, commits);
    flaws
        .into_iter()
        .map(|flaw| flaw.or(outcome.err()))
        .collect()
}

fn partitions(
    request: &OffsetCommitRequest,
) -> impl Iterator<Item = (&TopicName, &OffsetCommitRequestPartition)> {
    let topics = request.topics.iter();
    topics.flat_map(|topic| topic.partitions.iter().map(move |at| (&topic.name, at)))
}

/// What is wrong with a partition's commit whoever sends it.
fn flaw(
    state: &State,
    topic: &TopicName,
    at: &OffsetCommitRequestPartition,
) -> Option<ResponseError> {
    if !has_partition(state, topic, at.partition_index) {
        return Some(ResponseError::UnknownTopicOrPartition);
    }
    let metadata = at.committed_metadata.as_ref().map_or(0, |text| text.len());
    (metadata > MAX_METADATA).then_some(ResponseError::OffsetMetadataTooLarge)
}

fn entry(topic: &TopicName, at: &OffsetCommitRequestPartition) -> OffsetCommit {
    let epoch = at.committed_leader_epoch;
    let metadata = at.committed_metadata.as_ref();
    OffsetCommit {
        topic: topic.to_string(),
        partition: at.partition_index,
        committed: CommittedOffset {
            offset: at.committed_offset,
            leader_epoch: (epoch >= 0).then_some(epoch),
            metadata: metadata.map(|text| text.to_string()).unwrap_or_default(),
        },
    }
}
