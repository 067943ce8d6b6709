//! Produces batches as encoded here, with `acks=all`, once each, so that the log holds exactly what was written.

use anyhow::{Context, Result};
use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};

use super::batch;
use super::client::{Client, topic_name};
use super::codec::Codec;
use super::record::Record;
use super::wire::refused;

/// Below 13, where topics are named by id.
const PRODUCE: i16 = 9;
const ACKS_ALL: i16 = -1;
const TIMEOUT_MS: i32 = 30_000;
/// How often a leader may move between being looked up and being asked.
const MOST_MOVES: u32 = 10;

impl Client {
    /// Writes `records` as one batch and answers the offset of the first.
    ///
    /// An error leaves open whether they were written: the answer may have been lost.
    pub fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        records: &[Record],
        codec: Codec,
    ) -> Result<i64> {
        self.produce_batch(topic, partition, batch::encode(records, codec)?)
    }

    /// Writes one encoded batch and answers the offset of its first record. A leader that has moved is followed: the
    /// old one says that it wrote nothing.
    pub fn produce_batch(&mut self, topic: &str, partition: i32, batch: Bytes) -> Result<i64> {
        let mut moves = 0;
        loop {
            match self.produce_to_leader(topic, partition, batch.clone()) {
                Err(error) if moves < MOST_MOVES && has_moved(&error) => moves += 1,
                outcome => return outcome,
            }
        }
    }

    fn produce_to_leader(&mut self, topic: &str, partition: i32, batch: Bytes) -> Result<i64> {
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(batch));
        let topic_data = TopicProduceData::default()
            .with_name(topic_name(topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_transactional_id(None)
            .with_acks(ACKS_ALL)
            .with_timeout_ms(TIMEOUT_MS)
            .with_topic_data(vec![topic_data]);
        let answer = self.ask_leader(topic, partition, PRODUCE, &request)?;
        let result = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partition_responses)
            .next();
        let result = result.context("no answer about the partition")?;
        if result.error_code != 0 {
            self.forget_leaders(topic);
        }
        refused(result.error_code).with_context(|| {
            format!("produce to {topic}-{partition}: {:?}", result.error_message)
        })?;
        Ok(result.base_offset)
    }
}

fn has_moved(error: &anyhow::Error) -> bool {
    error.downcast_ref() == Some(&ResponseError::NotLeaderOrFollower)
}
