//! Lists the APIs with their versions, and hands each request to the file that answers it.

mod acls;
mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod alter_configs;
mod api_versions;
mod call;
mod config_resource;
mod context;
mod create_acls;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod end_txn;
mod fetch;
mod fetch_read;
mod fetch_response;
#[cfg(test)]
mod fetch_response_tests;
mod find_coordinator;
mod group_call;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod injected;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod named;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod outcome;
mod produce;
mod reply;
mod shape;
#[cfg(test)]
mod shape_tests;
mod shapes;
mod sync_group;
mod transaction_call;
mod txn_offset_commit;
mod versions;

use std::time::Instant;

use kafka_protocol::messages as kafka;
use kafka_protocol::messages::ApiKey;
use tokio::sync::Notify;

pub(crate) use call::Answered;
pub(crate) use context::Context;
pub(crate) use injected::{About, Injected};
pub(crate) use named::{Named, detach};
pub(crate) use reply::{Answer, IntoReply, Reply};
pub(crate) use versions::Versions;

use call::Call;
use named::Names;

use crate::log::Isolation;
use crate::net::frame::{Refusal, Request};

/// Declares the table of APIs and the dispatch over it in one place, so that what is advertised is what is answered.
macro_rules! apis {
    ($($api:ident $min:literal..=$max:literal => $handler:ident :: $handle:ident ($request:ident),)*) => {
        /// Every API with the lowest and the highest version of it that can be answered.
        pub(crate) const VERSIONS: &[(ApiKey, i16, i16)] = &[$((ApiKey::$api, $min, $max),)*];

        async fn handle(cx: &mut Context, request: Request) -> Result<Answered, Refusal> {
            match request.api {
                $(ApiKey::$api => {
                    let body: kafka::$request = reply::decode(&request)?;
                    let call = Call::begin(cx, &request, body.named(cx));
                    if let Some(answered) = call.before(cx).await {
                        return Ok(answered);
                    }
                    let mut response = $handler::$handle(cx, request.version, body).await;
                    call.after(cx, &mut response).await;
                    Ok(call.answer(response.into_reply(&request)?))
                })*
                _ => Err(unsupported(&request)),
            }
        }

        /// How many bytes of a body the decoder leaves; `None` when it refuses it.
        #[cfg(test)]
        fn left_by_decoder(api: ApiKey, version: i16, mut body: bytes::Bytes) -> Option<usize> {
            use kafka_protocol::protocol::Decodable;
            match api {
                $(ApiKey::$api => kafka::$request::decode(&mut body, version).ok().map(|_| body.len()),)*
                _ => None,
            }
        }
    };
}

// Produce 0 to 2 are only claimed: librdkafka before 2.11.1 compresses nothing unless version 0 is in the range. They
// cannot be decoded, which closes the connection.
apis! {
    Produce                 0..=11 => produce::handle(ProduceRequest),
    Fetch                   4..=16 => fetch::handle(FetchRequest),
    ListOffsets             1..=7 => list_offsets::handle(ListOffsetsRequest),
    Metadata                0..=12 => metadata::handle(MetadataRequest),
    OffsetCommit            2..=9 => offset_commit::handle(OffsetCommitRequest),
    OffsetFetch             1..=9 => offset_fetch::handle(OffsetFetchRequest),
    FindCoordinator         0..=4 => find_coordinator::handle(FindCoordinatorRequest),
    JoinGroup               0..=9 => join_group::handle(JoinGroupRequest),
    Heartbeat               0..=4 => heartbeat::handle(HeartbeatRequest),
    LeaveGroup              0..=5 => leave_group::handle(LeaveGroupRequest),
    SyncGroup               0..=5 => sync_group::handle(SyncGroupRequest),
    DescribeGroups          0..=5 => describe_groups::handle(DescribeGroupsRequest),
    ListGroups              0..=5 => list_groups::handle(ListGroupsRequest),
    ApiVersions             0..=4 => api_versions::handle(ApiVersionsRequest),
    CreateTopics            2..=7 => create_topics::handle(CreateTopicsRequest),
    DeleteTopics            1..=6 => delete_topics::handle(DeleteTopicsRequest),
    DeleteRecords           0..=2 => delete_records::handle(DeleteRecordsRequest),
    InitProducerId          0..=4 => init_producer_id::handle(InitProducerIdRequest),
    OffsetForLeaderEpoch    2..=4 => offset_for_leader_epoch::handle(OffsetForLeaderEpochRequest),
    AddPartitionsToTxn      0..=3 => add_partitions_to_txn::handle(AddPartitionsToTxnRequest),
    AddOffsetsToTxn         0..=3 => add_offsets_to_txn::handle(AddOffsetsToTxnRequest),
    EndTxn                  0..=3 => end_txn::handle(EndTxnRequest),
    TxnOffsetCommit         0..=3 => txn_offset_commit::handle(TxnOffsetCommitRequest),
    DescribeAcls            1..=3 => describe_acls::handle(DescribeAclsRequest),
    CreateAcls              1..=3 => create_acls::handle(CreateAclsRequest),
    DeleteAcls              1..=3 => delete_acls::handle(DeleteAclsRequest),
    DescribeConfigs         1..=4 => describe_configs::handle(DescribeConfigsRequest),
    AlterConfigs            0..=2 => alter_configs::handle(AlterConfigsRequest),
    CreatePartitions        0..=3 => create_partitions::handle(CreatePartitionsRequest),
    DeleteGroups            0..=2 => delete_groups::handle(DeleteGroupsRequest),
    IncrementalAlterConfigs 0..=1 => incremental_alter_configs::handle(IncrementalAlterConfigsRequest),
    OffsetDelete            0..=0 => offset_delete::handle(OffsetDeleteRequest),
    DescribeCluster         0..=1 => describe_cluster::handle(DescribeClusterRequest),
}

/// Answers one request. An error closes the connection: its peer does not speak what was advertised.
pub(crate) async fn dispatch(cx: &mut Context, request: Request) -> Result<Answered, Refusal> {
    cx.turn_to(&request);
    match cx.shared.versions.range(request.api) {
        Some((min, max)) if (min..=max).contains(&request.version) => handle(cx, request).await,
        Some(_) if request.api == ApiKey::ApiVersions => {
            let call = Call::begin(cx, &request, Named::default());
            Ok(call.answer(api_versions::unsupported(cx, &request)?))
        }
        _ => {
            Call::begin(cx, &request, Named::default());
            Err(unsupported(&request))
        }
    }
}

fn unsupported(request: &Request) -> Refusal {
    Refusal::Unsupported {
        key: request.api as i16,
        version: request.version,
    }
}

const READ_COMMITTED: i8 = 1;

/// Which records a request with this number asks for (KIP-98).
fn isolation(level: i8) -> Isolation {
    match level {
        READ_COMMITTED => Isolation::Committed,
        _ => Isolation::Uncommitted,
    }
}

/// Waits for `wake`, but not beyond `deadline`.
async fn wake_or(wake: &Notify, deadline: Instant) {
    let _ = tokio::time::timeout_at(deadline.into(), wake.notified()).await;
}
