//! Deletes the front of a partition's log, as retention does (KIP-107).

use anyhow::{Context, Result};
use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};

use super::client::{Client, topic_name};
use super::wire::refused;

const DELETE_RECORDS: i16 = 1;
const TIMEOUT_MS: i32 = 20_000;

impl Client {
    /// Makes `offset` the first that the log of a partition holds.
    pub fn delete_records_before(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<()> {
        let asked = DeleteRecordsPartition::default()
            .with_partition_index(partition)
            .with_offset(offset);
        let topics = DeleteRecordsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![asked]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![topics])
            .with_timeout_ms(TIMEOUT_MS);
        let answer = self.ask_leader(topic, partition, DELETE_RECORDS, &request)?;
        let answered = answer
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next();
        let answered = answered.context("no answer about the partition")?;
        refused(answered.error_code)
            .with_context(|| format!("delete {topic}-{partition} before {offset}"))
    }
}
