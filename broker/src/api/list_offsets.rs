//! ListOffsets (2): finds the start, the end, and the offset at a time.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::{About, Context, isolation};
use crate::log::{Isolation, Located};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The record with the largest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;

/// Answers each partition on its own.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let isolation = isolation(request.isolation_level);
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let response =
                ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            let about = About::Partition(&topic.name, asked.partition_index);
            match cx.carry_out(about, || find(cx, &topic.name, asked, isolation)) {
                Ok(found) => response
                    .with_offset(found.offset)
                    .with_timestamp(found.timestamp)
                    .with_leader_epoch(if version >= 4 { found.leader_epoch } else { -1 }),
                Err(error) => response
                    .with_error_code(error.code())
                    .with_offset(-1)
                    .with_timestamp(-1),
            }
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn find(
    cx: &Context,
    topic: &TopicName,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Located, ResponseError> {
    let (search, end) = {
        let mut state = cx.state();
        let epoch = asked.current_leader_epoch;
        let log = state
            .topics
            .led_by(cx.node, topic, asked.partition_index, epoch)?
            .log();
        let end = log.end_for(isolation);
        let search = match asked.timestamp {
            LATEST => return Ok(log.locate(end)),
            EARLIEST => return Ok(log.locate(log.start())),
            MAX_TIMESTAMP => log.search_newest(),
            time if time < 0 => return Err(ResponseError::UnsupportedVersion),
            time => log.search_time(time),
        };
        (search, end)
    };
    // Batches are decompressed outside the lock.
    let found = search.run().map_err(|_| ResponseError::CorruptMessage)?;
    Ok(if found.offset < end {
        found
    } else {
        Located::NOWHERE
    })
}
