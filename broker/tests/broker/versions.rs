//! Claims that every version that is advertised is answered, whether what is asked for succeeds or fails.

use kafka_protocol::messages::alter_configs_request as alter;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::Cluster;
use uuid::Uuid;

use crate::raw::{Raw, batch};

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic(name: &'static str) -> TopicName {
    TopicName(text(name))
}

/// A cluster with the topic `orders`, and a connection to it.
async fn start() -> (Cluster, Raw) {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("orders", 1, &[])
        .expect("the topic is new");
    let raw = Raw::connect(&cluster).await;
    (cluster, raw)
}

/// The version that the cluster advertises as the highest, which a test's range must end with.
async fn highest(raw: &mut Raw, api: ApiKey) -> i16 {
    let advertised = raw.ask(&ApiVersionsRequest::default(), 0).await.api_keys;
    let found = advertised.iter().find(|it| it.api_key == api as i16);
    found.expect("the API is advertised").max_version
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_produce_is_answered() {
    let (_cluster, mut raw) = start().await;
    let data = |records| PartitionProduceData::default().with_records(Some(records));
    for version in 3..=highest(&mut raw, ApiKey::Produce).await {
        let good = data(batch((-1, -1, -1), 1));
        let corrupt = data(vec![0; 70].into()).with_index(0);
        let topics = [
            ("orders", good),
            ("orders", corrupt.clone()),
            ("unheard-of", corrupt),
        ];
        let topics = topics.map(|(name, data)| {
            TopicProduceData::default()
                .with_name(topic(name))
                .with_partition_data(vec![data])
        });
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_topic_data(topics.into());
        let response = raw.ask(&request, version).await;
        let codes: Vec<i16> = response
            .responses
            .iter()
            .map(|it| it.partition_responses[0].error_code)
            .collect();
        assert_eq!(codes[0], 0, "v{version}");
        assert!(codes[1] != 0 && codes[2] != 0, "v{version}: {codes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_fetch_is_answered() {
    let (_cluster, mut raw) = start().await;
    let id = raw
        .ask(&MetadataRequest::default().with_topics(None), 12)
        .await
        .topics[0]
        .topic_id;
    for version in 4..=highest(&mut raw, ApiKey::Fetch).await {
        let partition = FetchPartition::default().with_current_leader_epoch(-1);
        let by_name = [("orders", 0), ("unheard-of", 3)]
            .map(|(name, error)| (FetchTopic::default().with_topic(topic(name)), error));
        let by_id = [(id, 0), (Uuid::from_u128(1), 100)]
            .map(|(id, error)| (FetchTopic::default().with_topic_id(id), error));
        for (asked, error) in if version < 13 { by_name } else { by_id } {
            let topics = vec![asked.with_partitions(vec![partition.clone()])];
            let response = raw
                .ask(&FetchRequest::default().with_topics(topics), version)
                .await;
            assert_eq!(
                response.responses[0].partitions[0].error_code, error,
                "v{version}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_list_offsets_is_answered() {
    let (_cluster, mut raw) = start().await;
    for version in 1..=highest(&mut raw, ApiKey::ListOffsets).await {
        for (name, time, error) in [
            ("orders", -1, 0),
            ("orders", -2, 0),
            ("orders", 5, 0),
            ("unheard-of", -1, 3),
        ] {
            let partition = ListOffsetsPartition::default()
                .with_timestamp(time)
                .with_current_leader_epoch(-1);
            let topics = vec![
                ListOffsetsTopic::default()
                    .with_name(topic(name))
                    .with_partitions(vec![partition]),
            ];
            let response = raw
                .ask(&ListOffsetsRequest::default().with_topics(topics), version)
                .await;
            assert_eq!(
                response.topics[0].partitions[0].error_code, error,
                "v{version}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_metadata_is_answered() {
    let (_cluster, mut raw) = start().await;
    for version in 0..=highest(&mut raw, ApiKey::Metadata).await {
        let topics = ["orders", "no/name"]
            .map(|name| MetadataRequestTopic::default().with_name(Some(topic(name))));
        let request = MetadataRequest::default().with_topics(Some(topics.into()));
        let request = match version {
            8..=10 => request
                .with_include_cluster_authorized_operations(true)
                .with_include_topic_authorized_operations(true),
            11.. => request.with_include_topic_authorized_operations(true),
            _ => request,
        };
        let response = raw.ask(&request, version).await;
        let codes: Vec<i16> = response
            .topics
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(codes, [0, 17], "v{version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_creating_and_deleting_topics_is_answered() {
    let (_cluster, mut raw) = start().await;
    let (create, delete) = (
        highest(&mut raw, ApiKey::CreateTopics).await,
        highest(&mut raw, ApiKey::DeleteTopics).await,
    );
    for (create, delete) in (2..=create).zip(1..=delete) {
        let wrong = CreatableTopicConfig::default()
            .with_name(text("no.such.key"))
            .with_value(Some(text("1")));
        let topics = [("made", vec![]), ("orders", vec![]), ("wrong", vec![wrong])].map(
            |(name, configs)| {
                let made = CreatableTopic::default()
                    .with_name(topic(name))
                    .with_configs(configs);
                made.with_num_partitions(1).with_replication_factor(1)
            },
        );
        let response = raw
            .ask(
                &CreateTopicsRequest::default().with_topics(topics.into()),
                create,
            )
            .await;
        let codes: Vec<i16> = response
            .topics
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(codes, [0, 36, 40], "v{create}");

        let names = ["made", "unheard-of"].map(topic);
        let state = |name| DeleteTopicState::default().with_name(Some(name));
        let request = match delete {
            6.. => DeleteTopicsRequest::default().with_topics(names.map(state).into()),
            _ => DeleteTopicsRequest::default().with_topic_names(names.into()),
        };
        let response = raw.ask(&request, delete).await;
        let codes: Vec<i16> = response
            .responses
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(codes, [0, 3], "v{delete}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_of_growing_topics_and_deleting_records_is_answered() {
    let (_cluster, mut raw) = start().await;
    for version in 0..=highest(&mut raw, ApiKey::CreatePartitions).await {
        let topics = [("orders", i32::from(version) + 2), ("unheard-of", 2)];
        let topics = topics.map(|(name, count)| {
            CreatePartitionsTopic::default()
                .with_name(topic(name))
                .with_count(count)
                .with_assignments(None)
        });
        let response = raw
            .ask(
                &CreatePartitionsRequest::default().with_topics(topics.into()),
                version,
            )
            .await;
        let codes: Vec<i16> = response
            .results
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(codes, [0, 3], "v{version}");
    }
    for version in 0..=highest(&mut raw, ApiKey::DeleteRecords).await {
        let partitions = vec![
            DeleteRecordsPartition::default(),
            DeleteRecordsPartition::default().with_offset(9),
        ];
        let topics = vec![
            DeleteRecordsTopic::default()
                .with_name(topic("orders"))
                .with_partitions(partitions),
        ];
        let response = raw
            .ask(
                &DeleteRecordsRequest::default().with_topics(topics),
                version,
            )
            .await;
        let codes: Vec<i16> = response.topics[0]
            .partitions
            .iter()
            .map(|it| it.error_code)
            .collect();
        assert_eq!(codes, [0, 1], "v{version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_about_producer_ids_and_leader_epochs_is_answered() {
    let (_cluster, mut raw) = start().await;
    for version in 0..=highest(&mut raw, ApiKey::InitProducerId).await {
        let plain = InitProducerIdRequest::default().with_transactional_id(None);
        assert_eq!(raw.ask(&plain, version).await.error_code, 0, "v{version}");
        let transactional = plain.with_transactional_id(Some(TransactionalId(text("t"))));
        for (timeout, error) in [(60_000, 0), (900_001, 50), (0, 50)] {
            let request = transactional.clone().with_transaction_timeout_ms(timeout);
            let answer = raw.ask(&request, version).await;
            assert_eq!(answer.error_code, error, "v{version}");
        }
    }
    for version in 2..=highest(&mut raw, ApiKey::OffsetForLeaderEpoch).await {
        for (name, error) in [("orders", 0), ("unheard-of", 3)] {
            let partition = OffsetForLeaderPartition::default().with_current_leader_epoch(-1);
            let topics = vec![
                OffsetForLeaderTopic::default()
                    .with_topic(topic(name))
                    .with_partitions(vec![partition]),
            ];
            let response = raw
                .ask(
                    &OffsetForLeaderEpochRequest::default().with_topics(topics),
                    version,
                )
                .await;
            assert_eq!(
                response.topics[0].partitions[0].error_code, error,
                "v{version}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_about_configurations_is_answered() {
    let (_cluster, mut raw) = start().await;
    let resources = [
        (2, "orders"),
        (4, "0"),
        (4, ""),
        (2, "unheard-of"),
        (99, "x"),
    ];
    let failed = |codes: Vec<i16>| codes.into_iter().map(|code| code != 0).collect::<Vec<_>>();
    for version in 1..=highest(&mut raw, ApiKey::DescribeConfigs).await {
        let resources = resources.map(|(kind, name)| {
            let resource = DescribeConfigsResource::default().with_resource_type(kind);
            resource
                .with_resource_name(text(name))
                .with_configuration_keys(None)
        });
        let request = DescribeConfigsRequest::default()
            .with_resources(resources.into())
            .with_include_synonyms(true);
        let results = raw.ask(&request, version).await.results;
        assert_eq!(
            failed(results.iter().map(|it| it.error_code).collect()),
            [false, false, false, true, true]
        );
    }
    for version in 0..=highest(&mut raw, ApiKey::AlterConfigs).await {
        let resources = resources.map(|(kind, name)| {
            alter::AlterConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(name))
        });
        let request = AlterConfigsRequest::default().with_resources(resources.into());
        let results = raw.ask(&request, version).await.responses;
        assert_eq!(
            failed(results.iter().map(|it| it.error_code).collect()),
            [false, false, false, true, true]
        );
    }
    for version in 0..=highest(&mut raw, ApiKey::IncrementalAlterConfigs).await {
        let resources = resources.map(|(kind, name)| {
            incremental::AlterConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(name))
        });
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources.into());
        let results = raw.ask(&request, version).await.responses;
        assert_eq!(
            failed(results.iter().map(|it| it.error_code).collect()),
            [false, false, false, true, true]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_about_the_cluster_and_its_acls_is_answered() {
    let (_cluster, mut raw) = start().await;
    for version in 0..=highest(&mut raw, ApiKey::ApiVersions).await {
        assert_eq!(
            raw.ask(&ApiVersionsRequest::default(), version)
                .await
                .error_code,
            0,
            "v{version}"
        );
    }
    for version in 0..=highest(&mut raw, ApiKey::DescribeCluster).await {
        let request =
            DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
        assert_eq!(
            raw.ask(&request, version).await.brokers.len(),
            1,
            "v{version}"
        );
    }
    for version in 1..=highest(&mut raw, ApiKey::DescribeAcls).await {
        assert_eq!(
            raw.ask(&DescribeAclsRequest::default(), version)
                .await
                .error_code,
            54,
            "v{version}"
        );
        assert!(
            raw.ask(&CreateAclsRequest::default(), version)
                .await
                .results
                .is_empty()
        );
        assert!(
            raw.ask(&DeleteAclsRequest::default(), version)
                .await
                .filter_results
                .is_empty()
        );
    }
}
