//! Claims about ACLs: kept by a cluster that has an authorizer, and by no other.

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{
    CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::{Api, Cluster, ErrorCode};

use crate::raw::Raw;

/// Kafka's numbers: anything; a topic; a name in full; to read; to write; allowed.
const ANY: i8 = 1;
const TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const READ: i8 = 3;
const WRITE: i8 = 4;
const ALLOW: i8 = 3;

fn allow(topic: &'static str, operation: i8) -> AclCreation {
    AclCreation::default()
        .with_resource_type(TOPIC)
        .with_resource_name(StrBytes::from_static_str(topic))
        .with_resource_pattern_type(LITERAL)
        .with_principal(StrBytes::from_static_str("User:alice"))
        .with_host(StrBytes::from_static_str("*"))
        .with_operation(operation)
        .with_permission_type(ALLOW)
}

async fn create(raw: &mut Raw, creations: Vec<AclCreation>) -> Vec<i16> {
    let request = CreateAclsRequest::default().with_creations(creations);
    let results = raw.ask(&request, 3).await.results.into_iter();
    results.map(|result| result.error_code).collect()
}

async fn all(raw: &mut Raw) -> DescribeAclsResponse {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    raw.ask(&request, 3).await
}

/// Topics with how many ACLs each has.
async fn listed(raw: &mut Raw) -> Vec<(String, usize)> {
    let resources = all(raw).await.resources.into_iter();
    resources
        .map(|resource| (resource.resource_name.to_string(), resource.acls.len()))
        .collect()
}

fn named(topic: &str, count: usize) -> (String, usize) {
    (topic.to_owned(), count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_authorizer_every_request_is_answered_so() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    let mut raw = Raw::connect(&cluster).await;
    assert_eq!(all(&mut raw).await.error_code, 54);
    let codes = create(&mut raw, vec![allow("orders", READ); 2]).await;
    assert_eq!(codes, [54, 54], "one answer for each, never fewer");
    let delete = DeleteAclsRequest::default().with_filters(vec![DeleteAclsFilter::default()]);
    let deleted = raw.ask(&delete, 3).await.filter_results;
    assert_eq!(deleted[0].error_code, 54);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acls_are_created_described_and_deleted() {
    let cluster = Cluster::builder().authorizer().start().await;
    let cluster = cluster.expect("a cluster starts");
    let mut raw = Raw::connect(&cluster).await;
    let mut nobody = allow("orders", READ);
    nobody.principal = StrBytes::from_static_str("alice");
    let asked = vec![
        allow("orders", READ),
        allow("orders", WRITE),
        nobody,
        allow("payments", READ),
        allow("orders", READ),
    ];
    let codes = create(&mut raw, asked).await;
    assert_eq!(
        codes,
        [0, 0, 42, 0, 0],
        "what exists is created all the same"
    );
    assert_eq!(
        listed(&mut raw).await,
        [named("orders", 2), named("payments", 1)]
    );
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(TOPIC)
        .with_resource_name_filter(Some(StrBytes::from_static_str("orders")))
        .with_pattern_type_filter(LITERAL)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(WRITE)
        .with_permission_type(ANY);
    let delete = DeleteAclsRequest::default().with_filters(vec![filter]);
    let deleted = raw.ask(&delete, 3).await.filter_results;
    assert_eq!(deleted[0].matching_acls.len(), 1);
    assert_eq!(
        listed(&mut raw).await,
        [named("orders", 1), named("payments", 1)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acls_outlive_the_process_in_the_data_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..2 {
        let builder = Cluster::builder().authorizer().data_dir(directory.path());
        let cluster = builder.start().await.expect("a cluster starts");
        let mut raw = Raw::connect(&cluster).await;
        if round == 0 {
            create(&mut raw, vec![allow("orders", READ)]).await;
        }
        assert_eq!(listed(&mut raw).await, [named("orders", 1)]);
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_denies_the_acls_of_one_topic() {
    let cluster = Cluster::builder().authorizer().start().await;
    let cluster = cluster.expect("a cluster starts");
    let rule = cluster.faults().on(Api::CreateAcls).topic("orders");
    rule.fail(ErrorCode::ClusterAuthorizationFailed);
    let mut raw = Raw::connect(&cluster).await;
    let asked = vec![allow("orders", READ), allow("payments", READ)];
    assert_eq!(create(&mut raw, asked).await, [31, 0]);
    assert_eq!(listed(&mut raw).await, [named("payments", 1)]);
}
