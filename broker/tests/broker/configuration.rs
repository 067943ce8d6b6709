//! Claims about configurations, made by librdkafka's admin client and by raw requests.

use std::collections::HashMap;

use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use rdkafka::admin::{AlterConfig, ConfigResource, ConfigSource, ResourceSpecifier};
use rdkafka::producer::FutureRecord;
use rdkafka::types::RDKafkaErrorCode;

use crate::clients::{PATIENCE, admin, admin_options, producer};
use crate::raw::Raw;

const ORDERS: ResourceSpecifier<'_> = ResourceSpecifier::Topic("orders");
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;

/// A cluster with a topic `orders` on which `configs` are set.
async fn start(configs: &[(&str, &str)]) -> Cluster {
    let builder = Cluster::builder().broker_config("log.segment.bytes", "5000");
    let cluster = builder.start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, configs)
        .expect("the topic is new");
    cluster
}

async fn describe(cluster: &Cluster, resource: ResourceSpecifier<'_>) -> ConfigResource {
    let described = admin(cluster)
        .describe_configs(&[resource], &admin_options())
        .await;
    described
        .expect("an answer")
        .remove(0)
        .expect("the resource is there")
}

async fn value(cluster: &Cluster, resource: ResourceSpecifier<'_>, key: &str) -> String {
    let described = describe(cluster, resource).await;
    described
        .get(key)
        .and_then(|entry| entry.value.clone())
        .unwrap_or_default()
}

async fn replace(cluster: &Cluster, resource: ResourceSpecifier<'_>, key: &str, value: &str) {
    let change = AlterConfig {
        specifier: resource,
        entries: HashMap::from([(key, value)]),
    };
    let answer = admin(cluster)
        .alter_configs(&[change], &admin_options())
        .await;
    assert!(answer.expect("an answer")[0].is_ok());
}

/// Alters one key of `orders`, and gives the error code.
async fn alter(
    cluster: &Cluster,
    key: &'static str,
    operation: i8,
    value: Option<&'static str>,
) -> i16 {
    let change = AlterableConfig::default()
        .with_name(StrBytes::from_static_str(key))
        .with_config_operation(operation)
        .with_value(value.map(StrBytes::from_static_str));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("orders"))
        .with_configs(vec![change]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    Raw::connect(cluster).await.ask(&request, 1).await.responses[0].error_code
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_topic_is_described_with_its_source() {
    let cluster = start(&[("max.message.bytes", "2000000")]).await;
    let described = describe(&cluster, ORDERS).await;
    let entries = described.entry_map();
    assert!(entries.len() >= 30, "{}", entries.len());
    let entry = |key: &str| {
        (
            entries[key].value.as_deref().unwrap_or_default(),
            &entries[key].source,
        )
    };
    assert_eq!(
        entry("max.message.bytes"),
        ("2000000", &ConfigSource::DynamicTopic)
    );
    assert_eq!(
        entry("segment.bytes"),
        ("5000", &ConfigSource::StaticBroker)
    );
    assert_eq!(entry("cleanup.policy"), ("delete", &ConfigSource::Default));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_follows_the_broker_in_what_is_not_set_on_it() {
    let cluster = start(&[]).await;
    let broker = ResourceSpecifier::Broker(0);
    assert!(
        value(&cluster, broker, "advertised.listeners")
            .await
            .starts_with("PLAINTEXT://127.0.0.1:")
    );
    replace(&cluster, broker, "message.max.bytes", "200").await;
    assert_eq!(value(&cluster, broker, "message.max.bytes").await, "200");
    assert_eq!(value(&cluster, ORDERS, "max.message.bytes").await, "200");
    let too_large = "x".repeat(300);
    let record = FutureRecord::<(), _>::to("orders").payload(&too_large);
    let (error, _) = producer(&cluster, &[])
        .send(record, PATIENCE)
        .await
        .expect_err("it is too large now");
    assert_eq!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::MessageSizeTooLarge)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_way_of_altering_replaces_all_that_is_set() {
    let cluster = start(&[("retention.ms", "1"), ("segment.bytes", "1000")]).await;
    replace(&cluster, ORDERS, "retention.ms", "2").await;
    assert_eq!(value(&cluster, ORDERS, "retention.ms").await, "2");
    assert_eq!(value(&cluster, ORDERS, "segment.bytes").await, "5000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_keys_are_set_extended_and_removed() {
    let cluster = start(&[("flush.ms", "7")]).await;
    assert_eq!(alter(&cluster, "retention.ms", SET, Some("1000")).await, 0);
    assert_eq!(
        alter(&cluster, "cleanup.policy", APPEND, Some("compact")).await,
        0
    );
    assert_eq!(
        value(&cluster, ORDERS, "cleanup.policy").await,
        "delete,compact"
    );
    assert_eq!(value(&cluster, ORDERS, "retention.ms").await, "1000");
    assert_eq!(alter(&cluster, "retention.ms", DELETE, None).await, 0);
    assert_eq!(value(&cluster, ORDERS, "retention.ms").await, "604800000");
    assert_eq!(
        value(&cluster, ORDERS, "flush.ms").await,
        "7",
        "the others stay"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_makes_no_sense_is_refused() {
    let cluster = start(&[]).await;
    assert_eq!(alter(&cluster, "retention.ms", SET, Some("soon")).await, 40);
    assert_eq!(
        alter(&cluster, "retention.ms", APPEND, Some("1")).await,
        40,
        "a number is no list"
    );
    assert_eq!(alter(&cluster, "retention.ms", SET, None).await, 42);
    assert_eq!(
        alter(&cluster, "retention.ms", 9, Some("1")).await,
        42,
        "no such operation"
    );
    assert_eq!(alter(&cluster, "no.such.key", SET, Some("1")).await, 40);
    assert_eq!(value(&cluster, ORDERS, "retention.ms").await, "604800000");
}
