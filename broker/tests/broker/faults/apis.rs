//! Claims about every API: each can be made to fail, before it is carried out and after, and to throttle.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{self as kafka, GroupId, TopicName, TransactionalId};
use kafka_protocol::messages::{ApiKey, alter_configs_request, incremental_alter_configs_request};
use kafka_protocol::protocol::{Request, StrBytes};
use kmirror_broker::{Cluster, ErrorCode, Rule};

use super::{orders, start, to};
use crate::raw::{Raw, encode};

const TOPIC: i8 = 2;

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str("readers"))
}

/// An API, and one request of it as a frame.
type Asked = (ApiKey, Vec<u8>);

fn asked<R: Request>(request: &R, version: i16) -> Asked {
    let api = ApiKey::try_from(R::KEY).expect("an API");
    (api, encode(request, version).to_vec())
}

fn about_partitions() -> Vec<Asked> {
    let list = ListOffsetsTopic::default()
        .with_name(orders())
        .with_partitions(vec![ListOffsetsPartition::default().with_timestamp(-1)]);
    let epoch = OffsetForLeaderTopic::default()
        .with_topic(orders())
        .with_partitions(vec![OffsetForLeaderPartition::default()]);
    let records = DeleteRecordsTopic::default()
        .with_name(orders())
        .with_partitions(vec![DeleteRecordsPartition::default()]);
    let list = kafka::ListOffsetsRequest::default().with_topics(vec![list]);
    let epoch = kafka::OffsetForLeaderEpochRequest::default().with_topics(vec![epoch]);
    let records = kafka::DeleteRecordsRequest::default().with_topics(vec![records]);
    vec![
        asked(&to(&[0]), 9),
        asked(&super::from(&[0]).with_max_wait_ms(0), 11),
        asked(&list, 7),
        asked(&epoch, 4),
        asked(&records, 2),
    ]
}

fn about_topics() -> Vec<Asked> {
    let metadata = MetadataRequestTopic::default().with_name(Some(orders()));
    let create = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("fresh")))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let grow = CreatePartitionsTopic::default()
        .with_name(orders())
        .with_count(3)
        .with_assignments(None);
    let delete = DeleteTopicState::default().with_name(Some(orders()));
    let describe = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(orders().0);
    let alter = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(orders().0);
    let incremental = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(orders().0);
    vec![
        asked(
            &kafka::MetadataRequest::default().with_topics(Some(vec![metadata])),
            12,
        ),
        asked(
            &kafka::CreateTopicsRequest::default().with_topics(vec![create]),
            7,
        ),
        asked(
            &kafka::CreatePartitionsRequest::default().with_topics(vec![grow]),
            3,
        ),
        asked(
            &kafka::DescribeConfigsRequest::default().with_resources(vec![describe]),
            4,
        ),
        asked(
            &kafka::AlterConfigsRequest::default().with_resources(vec![alter]),
            2,
        ),
        asked(
            &kafka::IncrementalAlterConfigsRequest::default().with_resources(vec![incremental]),
            1,
        ),
        asked(
            &kafka::DeleteTopicsRequest::default().with_topics(vec![delete]),
            6,
        ),
    ]
}

fn about_groups() -> Vec<Asked> {
    let join = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(Bytes::new());
    let join = kafka::JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![join]);
    let leave = kafka::LeaveGroupRequest::default()
        .with_group_id(group())
        .with_members(vec![MemberIdentity::default()]);
    let describe = kafka::DescribeGroupsRequest::default().with_groups(vec![group()]);
    let delete = kafka::DeleteGroupsRequest::default().with_groups_names(vec![group()]);
    let find = kafka::FindCoordinatorRequest::default().with_coordinator_keys(vec![group().0]);
    vec![
        asked(&join, 3),
        asked(
            &kafka::SyncGroupRequest::default().with_group_id(group()),
            3,
        ),
        asked(
            &kafka::HeartbeatRequest::default().with_group_id(group()),
            3,
        ),
        asked(&leave, 4),
        asked(&describe, 5),
        asked(&delete, 2),
        asked(&find, 4),
        asked(&kafka::ListGroupsRequest::default(), 4),
    ]
}

fn about_offsets() -> Vec<Asked> {
    let commit = OffsetCommitRequestTopic::default()
        .with_name(orders())
        .with_partitions(vec![OffsetCommitRequestPartition::default()]);
    let commit = kafka::OffsetCommitRequest::default()
        .with_group_id(group())
        .with_topics(vec![commit]);
    let fetch = OffsetFetchRequestGroup::default()
        .with_group_id(group())
        .with_topics(None);
    let delete = OffsetDeleteRequestTopic::default()
        .with_name(orders())
        .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
    let delete = kafka::OffsetDeleteRequest::default()
        .with_group_id(group())
        .with_topics(vec![delete]);
    vec![
        asked(&commit, 8),
        asked(
            &kafka::OffsetFetchRequest::default().with_groups(vec![fetch]),
            8,
        ),
        asked(&delete, 0),
    ]
}

fn about_transactions() -> Vec<Asked> {
    let id = || TransactionalId(StrBytes::from_static_str("writer"));
    let init = kafka::InitProducerIdRequest::default()
        .with_transactional_id(Some(id()))
        .with_transaction_timeout_ms(60_000);
    let add = AddPartitionsToTxnTopic::default()
        .with_name(orders())
        .with_partitions(vec![0]);
    let add = kafka::AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_topics(vec![add]);
    let add_group = kafka::AddOffsetsToTxnRequest::default()
        .with_transactional_id(id())
        .with_group_id(group());
    let commit = TxnOffsetCommitRequestTopic::default()
        .with_name(orders())
        .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
    let commit = kafka::TxnOffsetCommitRequest::default()
        .with_transactional_id(id())
        .with_group_id(group())
        .with_topics(vec![commit]);
    let end = kafka::EndTxnRequest::default().with_transactional_id(id());
    vec![
        asked(&init, 4),
        asked(&add, 3),
        asked(&add_group, 3),
        asked(&commit, 3),
        asked(&end, 3),
    ]
}

fn about_the_cluster() -> Vec<Asked> {
    let create = kafka::CreateAclsRequest::default().with_creations(vec![AclCreation::default()]);
    let delete =
        kafka::DeleteAclsRequest::default().with_filters(vec![DeleteAclsFilter::default()]);
    vec![
        asked(&kafka::ApiVersionsRequest::default(), 4),
        asked(&kafka::DescribeClusterRequest::default(), 0),
        asked(&kafka::DescribeAclsRequest::default(), 3),
        asked(&create, 3),
        asked(&delete, 3),
    ]
}

/// One request of every API. The one that deletes the topic comes last of those that need it.
fn every_api() -> Vec<Asked> {
    [
        about_partitions(),
        about_offsets(),
        about_groups(),
        about_transactions(),
        about_the_cluster(),
        about_topics(),
    ]
    .concat()
}

/// Sends one request of every API under a rule; the API and the first error of each answer.
async fn outcomes(cluster: &Cluster, verb: impl Fn(Rule)) -> Vec<(ApiKey, Option<i16>)> {
    for (api, frame) in every_api() {
        verb(cluster.faults().on(api));
        let mut raw = Raw::connect(cluster).await;
        raw.send_frame(&frame).await;
        raw.receive().await;
        cluster.faults().clear();
    }
    let journal = cluster.journal();
    journal
        .iter()
        .map(|entry| (entry.api, entry.error))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_that_is_advertised_has_a_request_here() {
    let cluster = start().await;
    let request = kafka::ApiVersionsRequest::default();
    let shown = Raw::connect(&cluster).await.ask(&request, 0).await;
    let mut advertised: Vec<i16> = shown.api_keys.iter().map(|it| it.api_key).collect();
    let mut asked: Vec<i16> = every_api().iter().map(|(api, _)| *api as i16).collect();
    advertised.sort_unstable();
    asked.sort_unstable();
    assert_eq!(asked, advertised);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_fails_before_and_does_nothing() {
    let cluster = start().await;
    let outcomes = outcomes(&cluster, |rule| drop(rule.fail(ErrorCode::RequestTimedOut))).await;
    for (api, error) in outcomes {
        assert_eq!(error, Some(7), "{api:?}");
    }
    assert_eq!(cluster.log_end("orders", 0), Some(0));
    assert_eq!(cluster.committed("readers", "orders", 0), None);
    assert!(cluster.members("readers").is_empty());
    assert_eq!(cluster.log_end("orders", 2), None, "no partition was added");
    assert_eq!(cluster.log_end("fresh", 0), None, "no topic was created");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_fails_after_and_has_done_it() {
    let cluster = start().await;
    let deleted = ApiKey::DeleteTopics;
    let outcomes = outcomes(&cluster, |rule| {
        drop(rule.fail_after(ErrorCode::RequestTimedOut));
    })
    .await;
    for (api, error) in outcomes {
        assert_eq!(error, Some(7), "{api:?}");
    }
    assert_eq!(cluster.log_end("fresh", 0), Some(0), "it was created");
    assert_eq!(
        cluster.log_end("orders", 0),
        None,
        "{deleted:?} was carried out"
    );
    assert_eq!(cluster.members("readers").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_can_throttle() {
    let cluster = start().await;
    let hour = Duration::from_secs(3600);
    for (api, frame) in every_api() {
        let mut raw = Raw::connect(&cluster).await;
        cluster.faults().on(api).throttle(hour);
        raw.send_frame(&frame).await;
        let answer = raw.receive().await;
        cluster.faults().clear();
        let throttled = answer
            .windows(4)
            .any(|it| it == 3_600_000_i32.to_be_bytes());
        assert!(throttled, "{api:?}");
    }
}
