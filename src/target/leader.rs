//! Asks the leader of one partition who wrote last, and has it append one batch under another producer's name.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{BrokerId, FetchRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::types::RDKafkaErrorCode;

use super::batch::{self, Signature};
use crate::librdkafka::admin::Failure as Reason;
use crate::offset::TargetOffset;
use crate::wire::{self, Wire};

/// The last versions of Fetch and Produce that name topics: later ones tell their ids.
const NAMED: i16 = 12;

/// How long the leader may wait for the other replicas, in milliseconds: a broker answers a connection's requests one after
/// the other, and the fences of other partitions wait behind this one. Sent again, the batch is known by its sequence.
const REPLICATED_WITHIN_MS: i32 = 1_000;

/// The leader of a partition, as the cluster told a moment ago.
pub(super) struct Leader<'a> {
    wire: &'a Wire,
    topic: TopicName,
    partition: i32,
    node: i32,
}

/// Who wrote the last record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// The log does not end where it was thought to.
    Elsewhere,
    /// This producer, or none that could be told by its name.
    By(Option<Signature>),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// For a cause that may pass.
    Passing(String),
    /// It is not known whether it was.
    Unanswered(String),
    /// It is refused.
    Refused(RDKafkaErrorCode),
}

impl Failure {
    fn passing(cause: impl ToString) -> Self {
        Self::Passing(cause.to_string())
    }

    fn unanswered(cause: impl ToString) -> Self {
        Self::Unanswered(cause.to_string())
    }
}

impl<'a> Leader<'a> {
    /// Asks who leads the partition.
    pub(super) async fn find(wire: &'a Wire, topic: &str, partition: i32) -> Result<Self, Failure> {
        let request = wire::metadata_of(Some(&[topic.to_owned()]));
        let reply = wire.ask(&request).await.and_then(|reply| reply.read());
        let metadata = reply.map_err(Failure::passing)?;
        wire.learn_nodes(&metadata).await;
        let untold = || Failure::passing("the cluster does not tell who leads the partition");
        let told = metadata.topics.first().ok_or_else(untold)?;
        check(told.error_code)?;
        let mut partitions = told.partitions.iter();
        let told = partitions.find(|told| told.partition_index == partition);
        let told = told.filter(|told| *told.leader_id >= 0);
        let node = *told.ok_or_else(untold)?.leader_id;
        Ok(Self {
            wire,
            topic: TopicName(StrBytes::from_string(topic.to_owned())),
            partition,
            node,
        })
    }

    /// Who wrote last, if the log ends at `end`.
    pub(super) async fn tail(&self, end: TargetOffset) -> Result<Tail, Failure> {
        let last = TargetOffset::new(end.get() - 1);
        let is_out_of_range =
            |read: &PartitionData| read.error_code == ResponseError::OffsetOutOfRange.code();
        let mut read = self.read(last).await?;
        if is_out_of_range(&read) {
            // Retention may have taken all there was.
            read = self.read(end).await?;
        }
        if is_out_of_range(&read) {
            return Ok(Tail::Elsewhere);
        }
        check(read.error_code)?;
        if read.high_watermark != end.get() {
            return Ok(Tail::Elsewhere);
        }
        let log = read.records.unwrap_or_default();
        Ok(Tail::By(batch::writer_of(&log, last)))
    }

    /// What the log holds from `offset` on: the batch that `offset` lies in, if any.
    async fn read(&self, offset: TargetOffset) -> Result<PartitionData, Failure> {
        let partition = FetchPartition::default()
            .with_partition(self.partition)
            .with_fetch_offset(offset.get())
            // The first batch is answered whole, however long it is (KIP-74).
            .with_partition_max_bytes(1);
        let topic = FetchTopic::default()
            .with_topic(self.topic.clone())
            .with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(0)
            .with_min_bytes(0)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        let reply = self.wire.ask_node_within(NAMED, self.node, &request).await;
        let answer = reply.and_then(|reply| reply.read());
        let answer = answer.map_err(Failure::passing)?;
        check(answer.error_code)?;
        let mut topics = answer.responses.into_iter();
        let partition = topics.next().and_then(|mut topic| topic.partitions.pop());
        partition.ok_or_else(|| Failure::passing("the leader answers something else"))
    }

    /// Has the batch appended on all replicas; answers with the offset of its first record, which is below 0 when it is
    /// there and the leader does not know where.
    pub(super) async fn append(&self, batch: Bytes) -> Result<TargetOffset, Failure> {
        let partition = PartitionProduceData::default()
            .with_index(self.partition)
            .with_records(Some(batch));
        let topic = TopicProduceData::default()
            .with_name(self.topic.clone())
            .with_partition_data(vec![partition]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(REPLICATED_WITHIN_MS)
            .with_topic_data(vec![topic]);
        let reply = self.wire.ask_node_within(NAMED, self.node, &request).await;
        let answer = reply.and_then(|reply| reply.read());
        let answer = answer.map_err(Failure::unanswered)?;
        let mut topics = answer.responses.into_iter();
        let topic = topics.next();
        let partition = topic.and_then(|mut topic| topic.partition_responses.pop());
        let untold = || Failure::unanswered("the leader answers something else");
        let partition = partition.ok_or_else(untold)?;
        match ResponseError::try_from_code(partition.error_code) {
            Some(ResponseError::DuplicateSequenceNumber) => Ok(TargetOffset::new(-1)),
            // Appended, and not on enough replicas yet.
            Some(
                error @ (ResponseError::NotEnoughReplicasAfterAppend
                | ResponseError::RequestTimedOut),
            ) => Err(Failure::unanswered(error)),
            _ => check(partition.error_code).map(|()| TargetOffset::new(partition.base_offset)),
        }
    }
}

/// Tells an error that may pass from one that will not.
fn check(code: i16) -> Result<(), Failure> {
    let Some(reason) = Reason::of_broker(code, None) else {
        return Ok(());
    };
    let error = ResponseError::try_from_code(code);
    // A batch that arrives otherwise than it was sent is for the record's sake, as far as librdkafka can tell.
    let passes =
        error.is_some_and(|error| error.is_retriable() && error != ResponseError::CorruptMessage);
    Err(match passes {
        true => Failure::Passing(reason.message),
        false => Failure::Refused(reason.code),
    })
}
