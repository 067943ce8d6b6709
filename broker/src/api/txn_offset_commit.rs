//! TxnOffsetCommit (28): commits offsets as part of a transaction, to be held when that is committed.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};

use super::Context;
use super::offset_commit::commit;
use super::transaction_call::identity;

/// Comes to the coordinator of the group, not to that of the transaction.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let producer = identity(request.producer_id, request.producer_epoch);
    let (id, group) = (&request.transactional_id, &request.group_id);
    let outcomes = commit(
        cx,
        &outside_a_transaction(&request),
        |state, member, commits| {
            let added = state.add_offsets_to_transaction(id, producer, (group, member), commits);
            // To a group an offset is a record: all versions have the word of Produce for a producer that is fenced.
            added.map_err(|error| match error {
                ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
                error => error,
            })
        },
    );
    let partition = |(index, code): (i32, i16)| {
        TxnOffsetCommitResponsePartition::default()
            .with_partition_index(index)
            .with_error_code(code)
    };
    let topics = outcomes.into_iter().map(|(topic, partitions)| {
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic)
            .with_partitions(partitions.into_iter().map(partition).collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// The same commit as a consumer would send it.
fn outside_a_transaction(request: &TxnOffsetCommitRequest) -> OffsetCommitRequest {
    let partition = |at: &TxnOffsetCommitRequestPartition| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(at.partition_index)
            .with_committed_offset(at.committed_offset)
            .with_committed_leader_epoch(at.committed_leader_epoch)
            .with_committed_metadata(at.committed_metadata.clone())
    };
    let topic = |topic: &TxnOffsetCommitRequestTopic| {
        OffsetCommitRequestTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    OffsetCommitRequest::default()
        .with_group_id(request.group_id.clone())
        .with_generation_id_or_member_epoch(request.generation_id)
        .with_member_id(request.member_id.clone())
        .with_group_instance_id(request.group_instance_id.clone())
        .with_topics(request.topics.iter().map(topic).collect())
}
