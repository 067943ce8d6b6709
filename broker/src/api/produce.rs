//! Produce (0): appends batches to logs.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::api::{About, Answer, Context};
use crate::log::{AppendRules, Appended, Incoming, Rejected};
use crate::state::State;
use crate::topics::Topic;
use crate::transactions::Identity;

/// The acknowledgements a producer can ask for (`acks`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acks {
    None,
    Leader,
    All,
}

impl Acks {
    fn read(number: i16) -> Result<Self, ResponseError> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Leader),
            -1 => Ok(Self::All),
            _ => Err(ResponseError::InvalidRequiredAcks),
        }
    }
}

/// Checks the batches before it takes the lock, and appends them all under one.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: ProduceRequest,
) -> Answer<ProduceResponse> {
    let acks = Acks::read(request.acks);
    let checked: Vec<Checked> = request
        .topic_data
        .into_iter()
        .map(|topic| check(topic, version))
        .collect();
    let mut state = cx.state();
    let appended = checked
        .into_iter()
        .map(|topic| append_topic(cx, &mut state, topic, acks))
        .collect();
    let response = ProduceResponse::default().with_responses(appended);
    match acks {
        Ok(Acks::None) if has_errors(&response) => Answer::Close,
        Ok(Acks::None) => Answer::Silence,
        _ => Answer::Respond(response),
    }
}

/// One topic's batches, each by itself found sound or not.
struct Checked {
    topic: TopicName,
    partitions: Vec<(i32, Result<Incoming, Rejected>)>,
}

fn check(topic: TopicProduceData, version: i16) -> Checked {
    let check =
        |data: PartitionProduceData| (data.index, Incoming::check(data.records.as_ref(), version));
    Checked {
        topic: topic.name,
        partitions: topic.partition_data.into_iter().map(check).collect(),
    }
}

fn append_topic(
    cx: &Context,
    state: &mut State,
    checked: Checked,
    acks: Result<Acks, ResponseError>,
) -> TopicProduceResponse {
    let topic = checked.topic;
    let append = |(index, incoming): (i32, Result<Incoming, Rejected>)| {
        let appended = match acks {
            Ok(acks) => cx.carry_out(About::Partition(&topic, index), || {
                append(state, cx.node, &topic, index, incoming?, acks)
            }),
            Err(error) => Err(error.into()),
        };
        answer(index, appended)
    };
    let responses = checked.partitions.into_iter().map(append).collect();
    TopicProduceResponse::default()
        .with_name(topic)
        .with_partition_responses(responses)
}

fn append(
    state: &mut State,
    node: BrokerId,
    topic: &str,
    index: i32,
    incoming: Incoming,
    acks: Acks,
) -> Result<(Appended, i64), Rejected> {
    let now = state.clock.now_ms();
    let denied = denial(state, &incoming, topic, index);
    let topic = state
        .topics
        .get_mut(topic)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let partition = topic
        .partition(index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    partition.check_leader(node, -1)?;
    let in_sync = state.nodes.live_of(&partition.replicas).len();
    check_against(topic, in_sync, &incoming, acks, now)?;
    let configs = topic.configs.resolved();
    let rules = AppendRules {
        log_append_time: configs.log_append_time,
        segment_bytes: configs.segment_bytes,
        now,
        disk_full: state.disk_full,
        denied,
    };
    let log = topic
        .partition_mut(index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?
        .log_mut();
    Ok((log.append(incoming, rules)?, log.start()))
}

/// Why the transaction that a batch belongs to does not take it.
fn denial(state: &State, incoming: &Incoming, topic: &str, index: i32) -> Option<ResponseError> {
    let header = &incoming.header;
    if !header.is_transactional() {
        return None;
    }
    let writer = Identity {
        producer_id: header.producer_id,
        epoch: header.producer_epoch,
    };
    let checked = state.transactions.check_append(writer, topic, index);
    checked.err()
}

/// Checks a sound batch against what its topic takes.
fn check_against(
    topic: &Topic,
    in_sync: usize,
    incoming: &Incoming,
    acks: Acks,
    now: i64,
) -> Result<(), Rejected> {
    let configs = topic.configs.resolved();
    if acks == Acks::All && configs.min_insync_replicas > in_sync {
        return Err(ResponseError::NotEnoughReplicas.into());
    }
    if incoming.bytes.len() > configs.max_message_bytes {
        let (size, limit) = (incoming.bytes.len(), configs.max_message_bytes);
        let message = format!(
            "The record batch is {size} bytes, more than max.message.bytes, which is {limit}"
        );
        return Err(Rejected::batch(ResponseError::MessageTooLarge, message));
    }
    if !configs.log_append_time {
        incoming.check_timestamps(
            now,
            configs.timestamp_before_max_ms,
            configs.timestamp_after_max_ms,
        )?;
    }
    if configs.compact {
        incoming.check_keys()?;
    }
    Ok(())
}

fn answer(index: i32, appended: Result<(Appended, i64), Rejected>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match appended {
        Ok((appended, log_start)) => response
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.log_append_time.unwrap_or(-1))
            .with_log_start_offset(log_start),
        Err(rejected) => response
            .with_error_code(rejected.error.code())
            .with_base_offset(-1)
            .with_record_errors(
                rejected
                    .records
                    .iter()
                    .map(|index| at_fault(*index, &rejected))
                    .collect(),
            )
            .with_error_message(Some(StrBytes::from_string(rejected.message))),
    }
}

fn at_fault(index: i32, rejected: &Rejected) -> BatchIndexAndErrorMessage {
    let message = StrBytes::from_string(rejected.message.clone());
    BatchIndexAndErrorMessage::default()
        .with_batch_index(index)
        .with_batch_index_error_message(Some(message))
}

fn has_errors(response: &ProduceResponse) -> bool {
    response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses)
        .any(|partition| partition.error_code != 0)
}
