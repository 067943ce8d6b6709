//! Speaks for a transactional id by hand: every answer is an error code.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, GroupId,
    InitProducerIdRequest, ProducerId, TopicName, TransactionalId, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;

use super::append;
use crate::raw::Raw;

/// One instance of a producer.
pub struct Writer {
    pub raw: Raw,
    id: &'static str,
    pub producer_id: i64,
    pub epoch: i16,
    sequence: [i32; 2],
}

impl Writer {
    /// Takes a transactional id over.
    pub async fn init(cluster: &Cluster, id: &'static str) -> Self {
        let node = cluster.coordinator(id).expect("a node is up");
        let mut raw = Raw::connect_to(cluster, node as usize).await;
        let answer = raw.ask(&init(id), 4).await;
        assert_eq!(answer.error_code, 0);
        Self {
            raw,
            id,
            producer_id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            sequence: [0; 2],
        }
    }

    /// Asks for a new epoch as the one who has the id (KIP-360).
    pub async fn recover(&mut self) -> Result<(), i16> {
        let request = init(self.id)
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch);
        let answer = self.raw.ask(&request, 4).await;
        if answer.error_code != 0 {
            return Err(answer.error_code);
        }
        assert_eq!(answer.producer_id.0, self.producer_id);
        (self.epoch, self.sequence) = (answer.producer_epoch, [0; 2]);
        Ok(())
    }

    /// Adds a partition of `orders`.
    pub async fn add(&mut self, partition: i32) -> i16 {
        self.add_in(3, "orders", partition).await
    }

    /// Adds a partition, in a version of the request.
    pub async fn add_in(&mut self, version: i16, topic: &'static str, partition: i32) -> i16 {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(TopicName(StrBytes::from_static_str(topic)))
            .with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional(self.id))
            .with_v3_and_below_producer_id(ProducerId(self.producer_id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let answer = self.raw.ask(&request, version).await;
        let topic = &answer.results_by_topic_v3_and_below[0];
        topic.results_by_partition[0].partition_error_code
    }

    /// Sends records to a partition of `orders`.
    pub async fn send(&mut self, partition: i32, count: i32) -> i16 {
        let sequence = self.sequence[partition as usize];
        let request = append(partition, (self.producer_id, self.epoch, sequence), count);
        let answer = self.raw.ask(&request, 9).await;
        let code = answer.responses[0].partition_responses[0].error_code;
        if code == 0 {
            self.sequence[partition as usize] += count;
        }
        code
    }

    /// Adds partitions of `orders` and sends a record to each.
    pub async fn begin(&mut self, partitions: &[i32]) {
        for partition in partitions {
            assert_eq!(self.add(*partition).await, 0);
            assert_eq!(self.send(*partition, 1).await, 0);
        }
    }

    /// Adds a group.
    pub async fn add_group(&mut self, group: &'static str) -> i16 {
        self.add_group_in(3, group).await
    }

    /// Adds a group, in a version of the request.
    pub async fn add_group_in(&mut self, version: i16, group: &'static str) -> i16 {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional(self.id))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(StrBytes::from_static_str(group)));
        self.raw.ask(&request, version).await.error_code
    }

    /// What commits an offset of partition 0 of `orders` for a group, for nobody in particular.
    pub fn offset(&self, group: &'static str, offset: i64) -> TxnOffsetCommitRequest {
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional(self.id))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(StrBytes::from_static_str(group)))
            .with_topics(vec![topic])
    }

    /// Sends an offset, in a version of the request.
    pub async fn send_offset(&mut self, version: i16, request: &TxnOffsetCommitRequest) -> i16 {
        let answer = self.raw.ask(request, version).await;
        answer.topics[0].partitions[0].error_code
    }

    /// Adds a group and sends an offset for it.
    pub async fn put_offset(&mut self, group: &'static str, offset: i64) {
        assert_eq!(self.add_group(group).await, 0);
        let request = self.offset(group, offset);
        assert_eq!(self.send_offset(3, &request).await, 0);
    }

    /// Commits.
    pub async fn commit(&mut self) -> i16 {
        self.end_in(3, true).await
    }

    /// Aborts.
    pub async fn abort(&mut self) -> i16 {
        self.end_in(3, false).await
    }

    /// Commits or aborts, in a version of the request.
    pub async fn end_in(&mut self, version: i16, committed: bool) -> i16 {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional(self.id))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_committed(committed);
        self.raw.ask(&request, version).await.error_code
    }
}

fn transactional(id: &'static str) -> TransactionalId {
    TransactionalId(StrBytes::from_static_str(id))
}

/// Asks for a transactional id as somebody new.
pub fn init(id: &'static str) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(id)))
        .with_transaction_timeout_ms(60_000)
}
