//! Reads what one fetch asks for, within the room that its response has.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use super::fetch_response::{Found, FoundTopic, TOPIC_IDS_FROM};
use super::{About, Context, isolation};
use crate::log::Isolation;
use crate::state::State;
use crate::topics::{Partition, Topic};

/// Reads every partition asked for. The room for records is given out from another partition on each time, so that a
/// busy one does not starve the rest.
pub(super) fn read(
    cx: &Context,
    state: &State,
    version: i16,
    request: &FetchRequest,
) -> Vec<FoundTopic> {
    let limit = state
        .configs
        .number("fetch.max.bytes")
        .min(i64::from(request.max_bytes));
    let mut room = Room {
        left: usize::try_from(limit).unwrap_or(0),
        first: true,
        isolation: isolation(request.isolation_level),
    };
    let mut topics: Vec<_> = request
        .topics
        .iter()
        .map(|asked| find(state, version, asked))
        .collect();
    let numbered = request.topics.iter().enumerate();
    let all: Vec<(usize, &FetchPartition)> = numbered
        .flat_map(|(at, topic)| topic.partitions.iter().map(move |asked| (at, asked)))
        .collect();
    let turn = cx.turn.checked_rem(all.len()).unwrap_or(0);
    for (at, asked) in all[turn..].iter().chain(&all[..turn]) {
        let (topic, found) = &mut topics[*at];
        found.partitions.push(match topic {
            Ok(topic) => room.read(cx, topic, asked),
            Err(error) => Found::failed(asked.partition, *error, None),
        });
    }
    topics.into_iter().map(|(_, found)| found).collect()
}

/// From version 13 on a topic is named by its id alone, which is how a client notices that it was created anew.
fn find<'a>(
    state: &'a State,
    version: i16,
    asked: &FetchTopic,
) -> (Result<&'a Topic, ResponseError>, FoundTopic) {
    let topic = if version >= TOPIC_IDS_FROM {
        state
            .topics
            .by_id(asked.topic_id)
            .ok_or(ResponseError::UnknownTopicId)
    } else {
        state
            .topics
            .get(&asked.topic)
            .ok_or(ResponseError::UnknownTopicOrPartition)
    };
    let name = topic.map_or_else(|_| asked.topic.clone(), |topic| topic.name.clone());
    (
        topic,
        FoundTopic {
            name,
            id: asked.topic_id,
            partitions: Vec::with_capacity(asked.partitions.len()),
        },
    )
}

/// How many bytes of records the response may still hold.
struct Room {
    left: usize,
    /// No records yet: the first batch is given whatever its size, or a large one could never be read (KIP-74).
    first: bool,
    /// Which records the client is shown.
    isolation: Isolation,
}

impl Room {
    fn read(&mut self, cx: &Context, topic: &Topic, asked: &FetchPartition) -> Found {
        let index = asked.partition;
        let Some(partition) = topic.partition(index) else {
            return Found::failed(index, ResponseError::UnknownTopicOrPartition, None);
        };
        if let Err(error) = cx.carry_out(About::Partition(&topic.name, index), || {
            check(cx, partition, asked)
        }) {
            return Found::failed(index, error, Some(partition.log()));
        }
        let most = usize::try_from(asked.partition_max_bytes)
            .unwrap_or(0)
            .min(self.left);
        let log = partition.log();
        let slice = log.read(asked.fetch_offset, most, self.first, self.isolation);
        self.first &= slice.batches.is_empty();
        self.left = self.left.saturating_sub(slice.size);
        Found::records(index, log, slice)
    }
}

fn check(cx: &Context, partition: &Partition, asked: &FetchPartition) -> Result<(), ResponseError> {
    partition.check_leader(cx.node, asked.current_leader_epoch)?;
    let log = partition.log();
    if (log.start()..=log.end()).contains(&asked.fetch_offset) {
        return Ok(());
    }
    Err(ResponseError::OffsetOutOfRange)
}
