//! Claims about the journal of requests.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{GroupId, MetadataRequest, OffsetCommitRequest};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::{Api, Cluster, ErrorCode};

use super::{orders, start, to};
use crate::clients::{produce, producer};
use crate::raw::{Raw, encode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_journaled_with_what_became_of_it() {
    let cluster = start().await;
    let fault = cluster
        .faults()
        .on(Api::Produce)
        .partition(1)
        .fail(ErrorCode::NotEnoughReplicas);
    let mut raw = Raw::connect(&cluster).await;
    raw.ask(&to(&[0, 1]), 9).await;
    raw.ask(&MetadataRequest::default().with_topics(None), 12)
        .await;
    let journal = cluster.journal();
    let [produced, asked] = &journal[..] else {
        panic!("two requests, not {journal:?}");
    };
    assert_eq!((produced.api, produced.version), (Api::Produce, 9));
    assert_eq!((produced.client_id.as_str(), produced.node), ("raw", 0));
    assert_eq!(produced.topics, [("orders".to_owned(), vec![0, 1])]);
    assert_eq!(
        (produced.error, produced.fault),
        (Some(19), Some(fault.id()))
    );
    assert!(produced.answered.is_some_and(|at| at >= produced.arrived));
    assert_eq!((asked.error, asked.fault), (None, None));
    assert_eq!(asked.connection, produced.connection);
    assert_eq!(cluster.requests(Api::Produce), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_an_answer_has_no_time_of_it() {
    let cluster = start().await;
    cluster.faults().on(Api::Produce).drop_after();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    assert!(raw.is_closed().await);
    assert_eq!(cluster.journal()[0].answered, None);
}

/// What a consumer of `readers` commits of partition 0 as `member`.
fn commit(member: &'static str, generation: i32) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(5);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(orders())
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("readers")))
        .with_member_id(StrBytes::from_static_str(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_journaled_with_its_member_and_whether_it_was_taken() {
    let cluster = start().await;
    cluster.faults().on(Api::OffsetCommit).nth(3).drop_after();
    cluster.faults().on(Api::OffsetCommit).nth(4).drop_before();
    for request in [commit("", -1), commit("stranger", 7)] {
        Raw::connect(&cluster).await.ask(&request, 8).await;
    }
    for _ in 0..2 {
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&encode(&commit("", -1), 8)).await;
        assert!(raw.is_closed().await);
    }
    let journal = cluster.journal();
    let seen = journal
        .iter()
        .map(|it| (it.member.as_str(), it.commits[0].taken));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [("", true), ("stranger", false), ("", true), ("", false)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_keeps_the_last_requests_and_counts_all() {
    let cluster = Cluster::builder().journal(3).start().await;
    let cluster = cluster.expect("a cluster starts");
    let mut raw = Raw::connect(&cluster).await;
    for version in 4..=9 {
        raw.ask(&MetadataRequest::default(), version).await;
    }
    let versions: Vec<i16> = cluster.journal().iter().map(|it| it.version).collect();
    assert_eq!(versions, [7, 8, 9]);
    assert_eq!(cluster.requests(Api::Metadata), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_works_leaves_no_errors() {
    let cluster = start().await;
    let producer = producer(&cluster, &[("client.id", "app")]);
    assert_eq!(produce(&producer, "orders", 0, b"value").await, 0);
    let journal = cluster.journal();
    let errors: Vec<_> = journal.iter().filter(|it| it.error.is_some()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let produced = journal.iter().find(|it| it.api == Api::Produce);
    assert_eq!(produced.map(|it| it.client_id.as_str()), Some("app"));
}
