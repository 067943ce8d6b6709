//! Reads a partition as the log holds it, from an offset to the end it had when asked.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, FetchRequest, ListOffsetsRequest};

use super::client::{Client, topic_name};
use super::decode::{self, Header, Stored};
use super::wire::refused;

/// Below 13, where topics are named by id.
const FETCH: i16 = 11;
const LIST_OFFSETS: i16 = 4;
const FETCH_BYTES: i32 = 16 << 20;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const A_CLIENT: BrokerId = BrokerId(-1);

impl Client {
    /// The offset after the last record (the high watermark).
    pub fn log_end(&mut self, topic: &str, partition: i32) -> Result<i64> {
        self.list_offset(topic, partition, LATEST)
    }

    /// The first offset still there.
    pub fn log_start(&mut self, topic: &str, partition: i32) -> Result<i64> {
        self.list_offset(topic, partition, EARLIEST)
    }

    /// The sum of the log ends of all partitions: how many records were ever appended.
    pub fn total_end(&mut self, topic: &str) -> Result<i64> {
        (0..self.partitions(topic)?).try_fold(0, |sum, partition| {
            Ok(sum + self.log_end(topic, partition)?)
        })
    }

    /// Hands every record of `offsets` to `each`, in order.
    pub fn read(
        &mut self,
        topic: &str,
        partition: i32,
        offsets: Range<i64>,
        mut each: impl FnMut(Stored),
    ) -> Result<()> {
        let mut at = offsets.start;
        while at < offsets.end {
            let records = self
                .fetch(topic, partition, at)?
                .records
                .unwrap_or_default();
            let next = decode::batches(records, |stored| {
                // A batch comes whole, even if it was asked for from its middle, or reaches past the end.
                if stored.offset >= at && stored.offset < offsets.end {
                    each(stored);
                }
                Ok(())
            })?;
            let next = next.with_context(|| {
                format!(
                    "{topic}-{partition} gave nothing at {at}, before its end {}",
                    offsets.end
                )
            })?;
            ensure!(
                next > at,
                "{topic}-{partition} gave a batch that ends at {next}, asked for {at}"
            );
            at = next;
        }
        Ok(())
    }

    /// The header of every batch that a partition holds, in order.
    pub fn headers(&mut self, topic: &str, partition: i32) -> Result<Vec<Header>> {
        let end = self.log_end(topic, partition)?;
        let mut at = self.log_start(topic, partition)?;
        let mut headers = Vec::new();
        while at < end {
            let records = self.fetch(topic, partition, at)?.records;
            headers.extend(decode::headers(records.unwrap_or_default()));
            let last = headers.last().map(|last: &Header| last.base + last.records);
            let next = last.context("no batch")?;
            ensure!(next > at, "nothing at {at}");
            at = next;
        }
        Ok(headers)
    }

    /// The record at exactly `offset`, if the log holds one there.
    pub fn read_one(&mut self, topic: &str, partition: i32, offset: i64) -> Result<Option<Stored>> {
        let mut found = None;
        self.read(topic, partition, offset..offset + 1, |stored| {
            found = Some(stored)
        })?;
        Ok(found)
    }

    fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> Result<PartitionData> {
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(FETCH_BYTES);
        let request = FetchRequest::default()
            .with_replica_id(A_CLIENT)
            .with_max_wait_ms(1_000)
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES)
            .with_session_epoch(-1) // no fetch session (KIP-227)
            .with_topics(vec![
                FetchTopic::default()
                    .with_topic(topic_name(topic))
                    .with_partitions(vec![wanted]),
            ]);
        let answer = self.ask_leader(topic, partition, FETCH, &request)?;
        refused(answer.error_code)?;
        let data = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next();
        let data = data.context("no answer about the partition")?;
        if data.error_code != 0 {
            self.forget_leaders(topic);
        }
        refused(data.error_code)
            .with_context(|| format!("fetch {topic}-{partition} at {offset}"))?;
        Ok(data)
    }

    fn list_offset(&mut self, topic: &str, partition: i32, timestamp: i64) -> Result<i64> {
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topics = vec![
            ListOffsetsTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![wanted]),
        ];
        let request = ListOffsetsRequest::default()
            .with_replica_id(A_CLIENT)
            .with_topics(topics);
        let answer = self.ask_leader(topic, partition, LIST_OFFSETS, &request)?;
        let found = answer
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next();
        let found = found.context("no answer about the partition")?;
        if found.error_code != 0 {
            self.forget_leaders(topic);
        }
        refused(found.error_code).with_context(|| format!("offsets of {topic}-{partition}"))?;
        Ok(found.offset)
    }
}
