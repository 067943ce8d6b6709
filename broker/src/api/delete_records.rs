//! DeleteRecords (21): moves the start of logs forward.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{BrokerId, DeleteRecordsRequest, DeleteRecordsResponse};

use super::{About, Context};
use crate::state::State;

/// Asks for everything up to the high watermark to be deleted.
const HIGH_WATERMARK: i64 = -1;

/// Answers each partition on its own, with the new start of its log.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut state = cx.state();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let result =
                DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            let about = About::Partition(&topic.name, asked.partition_index);
            match cx.carry_out(about, || delete(&mut state, cx.node, &topic.name, asked)) {
                Ok(start) => result.with_low_watermark(start),
                Err(error) => result.with_low_watermark(-1).with_error_code(error.code()),
            }
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    DeleteRecordsResponse::default().with_topics(topics)
}

fn delete(
    state: &mut State,
    node: BrokerId,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Result<i64, ResponseError> {
    let end = state
        .topics
        .led_by(node, topic, asked.partition_index, -1)?
        .log()
        .end();
    let offset = if asked.offset == HIGH_WATERMARK {
        end
    } else {
        asked.offset
    };
    state.delete_records(topic, asked.partition_index, offset)
}
