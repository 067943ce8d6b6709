//! OffsetFetch: tells where groups read on; "nowhere yet" is an answer, not an error (batched from v8 on, KIP-709).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::api::group_call::{code, on_coordinator};
use crate::api::{About, Context};
use crate::groups::{CommittedOffset, Offsets};
use crate::state::State;

/// The partitions asked for by topic; `None` asks for all that have an offset.
type Asked = Option<Vec<(TopicName, Vec<i32>)>>;
type Positions = Vec<(TopicName, Vec<Position>)>;

/// A partition with the group's offset in it, if there is one, or with the error of a fault rule.
struct Position {
    partition: i32,
    committed: Result<Option<CommittedOffset>, ResponseError>,
}

/// What is said of an offset that an open transaction may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unstable {
    /// Where it stands now.
    Told,
    /// That nobody knows yet (KIP-447).
    Refused,
}

/// The two shapes of the request differ in nesting only.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    let unstable = match request.require_stable {
        true => Unstable::Refused,
        false => Unstable::Told,
    };
    if version >= 8 {
        let groups = request.groups.into_iter();
        let groups = groups.map(|group| {
            let asked = group
                .topics
                .map(|topics| topics.into_iter().map(asked_in_batch).collect());
            let fetched = fetch(cx, &group.group_id, asked, unstable);
            answer_in_batch(group.group_id, fetched)
        });
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let asked: Asked = request
        .topics
        .map(|topics| topics.into_iter().map(asked_alone).collect());
    let fetched = fetch(cx, &request.group_id, asked.clone(), unstable);
    answer_alone(version, asked, fetched)
}

/// An unknown group has no offsets, as any other that has not committed: an error would stop librdkafka consumers
/// that assign their partitions themselves.
fn fetch(
    cx: &Context,
    group: &str,
    asked: Asked,
    unstable: Unstable,
) -> Result<Positions, ResponseError> {
    let mut found = on_coordinator(cx, group, |state| {
        let mut found = positions(state.groups.offsets(group), asked);
        if unstable == Unstable::Refused {
            refuse_unstable(state, group, &mut found);
        }
        Ok(found)
    })?;
    for (topic, positions) in &mut found {
        for position in positions {
            if let Err(error) = cx.read(About::Partition(topic, position.partition)) {
                position.committed = Err(error);
            }
        }
    }
    Ok(found)
}

fn refuse_unstable(state: &State, group: &str, found: &mut Positions) {
    for (topic, positions) in found {
        for position in positions {
            if state
                .transactions
                .may_move(group, topic, position.partition)
            {
                position.committed = Err(ResponseError::UnstableOffsetCommit);
            }
        }
    }
}

fn positions(offsets: Option<&Offsets>, asked: Asked) -> Positions {
    let Some(asked) = asked else {
        return offsets.map(every_position).unwrap_or_default();
    };
    let of_topic = |(topic, partitions): (TopicName, Vec<i32>)| {
        let position = |partition| Position {
            partition,
            committed: Ok(offsets
                .and_then(|offsets| offsets.get(&topic, partition))
                .cloned()),
        };
        let found = partitions.into_iter().map(position).collect();
        (topic, found)
    };
    asked.into_iter().map(of_topic).collect()
}

fn every_position(offsets: &Offsets) -> Positions {
    let of_topic =
        |(topic, partitions): (&str, &std::collections::BTreeMap<i32, CommittedOffset>)| {
            let position = |(partition, committed): (&i32, &CommittedOffset)| Position {
                partition: *partition,
                committed: Ok(Some(committed.clone())),
            };
            let topic = TopicName(StrBytes::from_string(topic.to_owned()));
            (topic, partitions.iter().map(position).collect())
        };
    offsets.topics().map(of_topic).collect()
}

fn asked_alone(topic: OffsetFetchRequestTopic) -> (TopicName, Vec<i32>) {
    (topic.name, topic.partition_indexes)
}

fn asked_in_batch(topic: OffsetFetchRequestTopics) -> (TopicName, Vec<i32>) {
    (topic.name, topic.partition_indexes)
}

fn answer_in_batch(
    group: GroupId,
    fetched: Result<Positions, ResponseError>,
) -> OffsetFetchResponseGroup {
    let error_code = code(&fetched);
    let topic = |(name, positions): (TopicName, Vec<Position>)| {
        OffsetFetchResponseTopics::default()
            .with_name(name)
            .with_partitions(positions.into_iter().map(partition_in_batch).collect())
    };
    OffsetFetchResponseGroup::default()
        .with_group_id(group)
        .with_error_code(error_code)
        .with_topics(fetched.unwrap_or_default().into_iter().map(topic).collect())
}

fn partition_in_batch(at: Position) -> OffsetFetchResponsePartitions {
    let error_code = code(&at.committed);
    let (offset, leader_epoch, metadata) = wire(at.committed.unwrap_or(None));
    OffsetFetchResponsePartitions::default()
        .with_error_code(error_code)
        .with_partition_index(at.partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(leader_epoch)
        .with_metadata(Some(metadata))
}

fn answer_alone(
    version: i16,
    asked: Asked,
    fetched: Result<Positions, ResponseError>,
) -> OffsetFetchResponse {
    let error_code = code(&fetched);
    let nowhere = || positions(None, asked);
    let topic = |(name, positions): (TopicName, Vec<Position>)| {
        let partitions = positions
            .into_iter()
            .map(|at| partition_alone(error_code, at));
        OffsetFetchResponseTopic::default()
            .with_name(name)
            .with_partitions(partitions.collect())
    };
    let topics = fetched.unwrap_or_else(|_| nowhere()).into_iter().map(topic);
    OffsetFetchResponse::default()
        // v1 has the error in every partition only.
        .with_error_code(if version >= 2 { error_code } else { 0 })
        .with_topics(topics.collect())
}

fn partition_alone(group_error: i16, at: Position) -> OffsetFetchResponsePartition {
    let error_code = at
        .committed
        .as_ref()
        .err()
        .map_or(group_error, ResponseError::code);
    let (offset, leader_epoch, metadata) = wire(at.committed.unwrap_or(None));
    OffsetFetchResponsePartition::default()
        .with_partition_index(at.partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(leader_epoch)
        .with_metadata(Some(metadata))
        .with_error_code(error_code)
}

/// Offset, leader epoch and metadata; -1, -1 and nothing where there is no offset.
fn wire(committed: Option<CommittedOffset>) -> (i64, i32, StrBytes) {
    committed.map_or((-1, -1, StrBytes::new()), |at| {
        (
            at.offset,
            at.leader_epoch.unwrap_or(-1),
            StrBytes::from_string(at.metadata),
        )
    })
}
