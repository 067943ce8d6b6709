//! OffsetForLeaderEpoch (23): tells where an epoch ended, so that a client sees whether the log was cut back (KIP-320).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

use super::{About, Context};
use crate::log::EpochEnd;
use crate::state::State;

/// What is answered for an epoch that is yet to come.
const UNDEFINED: EpochEnd = EpochEnd {
    epoch: -1,
    end_offset: -1,
};

/// Answers each partition on its own.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let mut state = cx.state();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let about = About::Partition(&topic.topic, asked.partition);
            let found = cx.carry_out(about, || find(&mut state, cx.node, &topic.topic, asked));
            let end = found.unwrap_or(UNDEFINED);
            EpochEndOffset::default()
                .with_error_code(found.err().map_or(0, |error| error.code()))
                .with_partition(asked.partition)
                .with_leader_epoch(end.epoch)
                .with_end_offset(end.end_offset)
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

fn find(
    state: &mut State,
    node: BrokerId,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<EpochEnd, ResponseError> {
    let log = state
        .topics
        .led_by(node, topic, asked.partition, asked.current_leader_epoch)?
        .log();
    Ok(log
        .epochs()
        .end_of(asked.leader_epoch, log.end())
        .unwrap_or(UNDEFINED))
}
