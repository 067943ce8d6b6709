//! Claims about errors that a rule puts in the place of outcomes.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, MetadataRequest, OffsetCommitRequest, ProduceResponse,
};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::{Api, ErrorCode};

use super::{ends, from, orders, start, to};
use crate::raw::Raw;

fn errors(response: &ProduceResponse) -> Vec<i16> {
    let partitions = &response.responses[0].partition_responses;
    partitions.iter().map(|at| at.error_code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_partition_of_the_rule_fails() {
    let cluster = start().await;
    let fault = cluster
        .faults()
        .on(Api::Produce)
        .topic("orders")
        .partition(0)
        .first(1)
        .fail(ErrorCode::NotLeaderOrFollower);
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(errors(&raw.ask(&to(&[0, 1]), 9).await), [6, 0]);
    assert_eq!(ends(&cluster), [Some(0), Some(1)]);
    assert_eq!(errors(&raw.ask(&to(&[0, 1]), 9).await), [0, 0]);
    assert_eq!((fault.hits(), ends(&cluster)), (1, [Some(1), Some(2)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_comes_after_takes_nothing_back() {
    let cluster = start().await;
    cluster
        .faults()
        .on(Api::Produce)
        .partition(1)
        .fail_after(ErrorCode::RequestTimedOut);
    let response = Raw::connect(&cluster).await.ask(&to(&[0, 1]), 9).await;
    assert_eq!(errors(&response), [0, 7]);
    assert_eq!(ends(&cluster), [Some(1), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_partition_all_of_them_fail() {
    let cluster = start().await;
    cluster
        .faults()
        .on(Api::Produce)
        .fail(ErrorCode::KafkaStorageError);
    let response = Raw::connect(&cluster).await.ask(&to(&[0, 1]), 9).await;
    assert_eq!(errors(&response), [56, 56]);
    assert_eq!(ends(&cluster), [Some(0), Some(0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_with_an_error_is_answered_at_once() {
    let cluster = start().await;
    cluster
        .faults()
        .on(Api::Fetch)
        .topic("orders")
        .partition(1)
        .fail(ErrorCode::FencedLeaderEpoch);
    let response = Raw::connect(&cluster).await.ask(&from(&[0, 1]), 11).await;
    let partitions = response.responses[0].partitions.iter();
    let mut errors: Vec<_> = partitions
        .map(|at| (at.partition_index, at.error_code))
        .collect();
    errors.sort_unstable(); // a fetch gives out its room from another partition on each time
    assert_eq!(errors, [(0, 0), (1, 74)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_fails_by_topic_or_by_partition() {
    let cluster = start().await;
    let asked = MetadataRequestTopic::default().with_name(Some(orders()));
    for request in [
        MetadataRequest::default().with_topics(None),
        MetadataRequest::default().with_topics(Some(vec![asked])),
    ] {
        let rule = || cluster.faults().on(Api::Metadata).topic("orders");
        let mut raw = Raw::connect(&cluster).await;
        let partition = rule().partition(1).fail(ErrorCode::LeaderNotAvailable);
        let topic = &raw.ask(&request, 12).await.topics[0];
        let partitions = topic.partitions.iter();
        let seen: Vec<_> = partitions
            .map(|at| (at.error_code, at.leader_id.0))
            .collect();
        assert_eq!((topic.error_code, seen), (0, vec![(0, 0), (5, -1)]));
        partition.remove();
        let whole = rule().fail(ErrorCode::UnknownTopicOrPartition);
        let topic = &raw.ask(&request, 12).await.topics[0];
        assert_eq!((topic.error_code, topic.partitions.len()), (3, 0));
        whole.remove();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_fails_by_partition_before_and_after() {
    let cluster = start().await;
    let partitions = (0..2).map(|index| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(index)
            .with_committed_offset(5)
    });
    let topic = OffsetCommitRequestTopic::default()
        .with_name(orders())
        .with_partitions(partitions.collect());
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("readers")))
        .with_topics(vec![topic]);
    let rule = |partition| cluster.faults().on(Api::OffsetCommit).partition(partition);
    rule(0).first(1).fail(ErrorCode::RebalanceInProgress);
    rule(1).nth(2).fail_after(ErrorCode::RequestTimedOut);
    let mut raw = Raw::connect(&cluster).await;
    for expected in [[27, 0], [0, 7], [0, 0]] {
        let response = raw.ask(&request, 8).await;
        let partitions = response.topics[0].partitions.iter();
        let errors: Vec<i16> = partitions.map(|at| at.error_code).collect();
        assert_eq!(errors, expected);
    }
    let commits: Vec<_> = cluster.journal().into_iter().map(|it| it.commits).collect();
    assert_eq!((commits[0][1].partition, commits[0][1].offset), (1, 5));
    let taken = commits
        .iter()
        .map(|it| it.iter().map(|commit| commit.taken).collect());
    assert_eq!(
        taken.collect::<Vec<Vec<_>>>(),
        [[false, true], [true, true], [true, true]],
        "whatever was answered"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_for_a_group_leaves_other_groups_alone() {
    let cluster = start().await;
    cluster
        .faults()
        .on(Api::Heartbeat)
        .group("mine")
        .fail(ErrorCode::RebalanceInProgress);
    let mut raw = Raw::connect(&cluster).await;
    for (group, expected) in [("mine", 27), ("yours", 25)] {
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str(group)))
            .with_member_id(StrBytes::from_static_str("nobody"));
        assert_eq!(raw.ask(&request, 3).await.error_code, expected, "{group}");
    }
}
