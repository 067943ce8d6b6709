//! Fetch (1): reads batches, and waits for them (long poll).

use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::FetchRequest;

use super::fetch_read::read;
use super::fetch_response::{FetchAnswer, FoundTopic};
use crate::api::{Context, wake_or};

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
