//! Fetch (1): reads batches, and waits for them (long poll).

use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use super::fetch_response::{FetchAnswer, Found, FoundTopic};
use crate::api::{Context, wake_or};
use crate::state::State;
use crate::topics::{Partition, Topic};

/// Answers as soon as there are `min_bytes`, an error, or no time left.
pub(crate) async fn handle(cx: &Context, version: i16, request: FetchRequest) -> FetchAnswer {
    if let Err(error) = check_session(&request) {
        return FetchAnswer::failed(error);
    }
    let wait = u64::try_from(request.max_wait_ms).unwrap_or(0);
    let deadline = cx.arrived + Duration::from_millis(wait);
    loop {
        match read_or_wait(cx, version, &request, deadline) {
            Some(topics) => return FetchAnswer::found(topics),
            None => wake_or(&cx.wake, deadline).await,
        }
    }
}

/// The sessions of KIP-227 are not kept, as on a broker whose session cache is full: every request names all it wants.
fn check_session(request: &FetchRequest) -> Result<(), ResponseError> {
    match (request.session_id, request.session_epoch) {
        (0, 0 | -1) => Ok(()),
        (0, _) => Err(ResponseError::InvalidFetchSessionEpoch),
        _ => Err(ResponseError::FetchSessionIdNotFound),
    }
}

/// Reads what there is; `None` when it is too little, and then the connection is woken at the next change.
fn read_or_wait(
    cx: &Context,
    version: i16,
    request: &FetchRequest,
    deadline: Instant,
) -> Option<Vec<FoundTopic>> {
    let mut state = cx.state();
    let topics = read(cx, &state, version, request);
    let found = || topics.iter().flat_map(|topic| &topic.partitions);
    let size: usize = found().map(|partition| partition.slice.size).sum();
    let enough = usize::try_from(request.min_bytes).is_ok_and(|least| size >= least);
    if enough || found().any(|partition| partition.error.is_some()) || Instant::now() >= deadline {
        return Some(topics);
    }
    for topic in &topics {
        for partition in &topic.partitions {
            if let Ok(partition) = state
                .topics
                .led_by(cx.node, &topic.name, partition.index, -1)
            {
                partition.wait(cx.connection, &cx.wake);
            }
        }
    }
    None
}

/// Reads every partition asked for. The room for records is given out from another partition on each time, so that a
/// busy one does not starve the rest; the answer keeps the order of the request.
fn read(cx: &Context, state: &State, version: i16, request: &FetchRequest) -> Vec<FoundTopic> {
    let limit = state
        .configs
        .number("fetch.max.bytes")
        .min(i64::from(request.max_bytes));
    let mut room = Room {
        left: usize::try_from(limit).unwrap_or(0),
        first: true,
    };
    let mut topics: Vec<(Option<&Topic>, FoundTopic)> = request
        .topics
        .iter()
        .map(|asked| find(state, version, asked))
        .collect();
    let all: Vec<(usize, &FetchPartition)> = request
        .topics
        .iter()
        .enumerate()
        .flat_map(|(at, topic)| {
            topic
                .partitions
                .iter()
                .map(move |partition| (at, partition))
        })
        .collect();
    let turn = cx.turn.checked_rem(all.len()).unwrap_or(0);
    for (at, asked) in all[turn..].iter().chain(&all[..turn]) {
        let (topic, found) = &mut topics[*at];
        let missing = if found.by_id {
            ResponseError::UnknownTopicId
        } else {
            ResponseError::UnknownTopicOrPartition
        };
        found.partitions.push(match topic {
            None => Found::failed(asked.partition, missing, None),
            Some(topic) => room.read(cx, topic, asked),
        });
    }
    topics.into_iter().map(|(_, found)| found).collect()
}

/// From version 13 on a topic is named by its id alone, which is how a client notices that it was created anew.
fn find<'a>(state: &'a State, version: i16, asked: &FetchTopic) -> (Option<&'a Topic>, FoundTopic) {
    let by_id = version >= 13;
    let topic = if by_id {
        state.topics.by_id(asked.topic_id)
    } else {
        state.topics.get(&asked.topic)
    };
    let name = topic.map_or_else(|| asked.topic.clone(), |topic| topic.name.clone());
    (
        topic,
        FoundTopic {
            name,
            id: asked.topic_id,
            by_id,
            partitions: Vec::with_capacity(asked.partitions.len()),
        },
    )
}

/// How many bytes of records the response may still hold.
struct Room {
    left: usize,
    /// No records yet: the first batch is given whatever its size, or a large one could never be read (KIP-74).
    first: bool,
}

impl Room {
    fn read(&mut self, cx: &Context, topic: &Topic, asked: &FetchPartition) -> Found {
        let index = asked.partition;
        let Some(partition) = topic.partition(index) else {
            return Found::failed(index, ResponseError::UnknownTopicOrPartition, None);
        };
        if let Err(error) = check(cx, partition, asked) {
            return Found::failed(index, error, Some(partition.log()));
        }
        let most = usize::try_from(asked.partition_max_bytes)
            .unwrap_or(0)
            .min(self.left);
        let slice = partition.log().read(asked.fetch_offset, most, self.first);
        self.first &= slice.batches.is_empty();
        self.left = self.left.saturating_sub(slice.size);
        Found::records(index, partition.log(), slice)
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
