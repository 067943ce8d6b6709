//! ListOffsets (2): finds the start, the end, and the offset at a time.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::{About, Context};
use crate::log::Located;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The record with the largest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
const READ_COMMITTED: i8 = 1;

/// Answers each partition on its own.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let committed = request.isolation_level == READ_COMMITTED;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let response =
                ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            let about = About::Partition(&topic.name, asked.partition_index);
            match cx.carry_out(about, || find(cx, &topic.name, asked, committed)) {
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
    committed: bool,
) -> Result<Located, ResponseError> {
    let search = {
        let mut state = cx.state();
        let epoch = asked.current_leader_epoch;
        let log = state
            .topics
            .led_by(cx.node, topic, asked.partition_index, epoch)?
            .log();
        match asked.timestamp {
            LATEST => {
                return Ok(log.locate(if committed {
                    log.last_stable()
                } else {
                    log.end()
                }));
            }
            EARLIEST => return Ok(log.locate(log.start())),
            MAX_TIMESTAMP => log.search_newest(),
            time if time < 0 => return Err(ResponseError::UnsupportedVersion),
            time => log.search_time(time),
        }
    };
    // Batches are decompressed outside the lock.
    search.run().map_err(|_| ResponseError::CorruptMessage)
}
