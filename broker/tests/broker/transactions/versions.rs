//! Claims that every version of the transaction APIs is answered, whether what is asked for succeeds or fails.

use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, FindCoordinatorRequest, InitProducerIdRequest, ProducerId,
};
use kafka_protocol::protocol::StrBytes;

use super::start;
use super::writer::{Writer, init};
use crate::raw::Raw;

/// The version that the cluster advertises as the highest.
async fn highest(raw: &mut Raw, api: ApiKey) -> i16 {
    let advertised = raw.ask(&ApiVersionsRequest::default(), 0).await.api_keys;
    let found = advertised.iter().find(|it| it.api_key == api as i16);
    found.expect("the API is advertised").max_version
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_about_a_transaction_is_answered() {
    let cluster = start().await;
    let mut writer = Writer::init(&cluster, "writer").await;
    for api in [
        ApiKey::AddPartitionsToTxn,
        ApiKey::AddOffsetsToTxn,
        ApiKey::TxnOffsetCommit,
        ApiKey::EndTxn,
    ] {
        assert_eq!(highest(&mut writer.raw, api).await, 3, "{api:?}");
    }
    for version in 0..=3 {
        assert_eq!(writer.add_in(version, "orders", 0).await, 0, "v{version}");
        let unknown = writer.add_in(version, "unheard-of", 0).await;
        assert_eq!(unknown, 3, "v{version}");
        assert_eq!(writer.add_group_in(version, "billing").await, 0);
        let nowhere = writer.add_group_in(version, "").await;
        assert_eq!(nowhere, 24, "v{version}");
        let request = writer.offset("billing", i64::from(version));
        assert_eq!(writer.send_offset(version, &request).await, 0);
        let request = writer.offset("shipping", 0);
        let not_added = writer.send_offset(version, &request).await;
        assert_eq!(not_added, 48, "v{version}");
        assert_eq!(writer.end_in(version, true).await, 0, "v{version}");
        assert_eq!(writer.end_in(version, false).await, 48, "v{version}");
        let committed = cluster.committed("billing", "orders", 0);
        assert_eq!(committed, Some(i64::from(version)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_instance_is_fenced_in_the_words_of_its_version() {
    let cluster = start().await;
    let mut old = Writer::init(&cluster, "writer").await;
    Writer::init(&cluster, "writer").await;
    for (version, fenced) in [(3, 47), (4, 90)] {
        let request: InitProducerIdRequest = init("writer")
            .with_producer_id(ProducerId(old.producer_id))
            .with_producer_epoch(old.epoch);
        let answer = old.raw.ask(&request, version).await;
        assert_eq!(answer.error_code, fenced, "v{version}");
    }
    for (version, fenced) in [(1, 47), (2, 90)] {
        let added = old.add_group_in(version, "billing").await;
        assert_eq!(added, fenced, "AddOffsetsToTxn v{version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_coordinator_of_a_transactional_id_is_found_in_every_version_that_can_ask() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let key = || StrBytes::from_static_str("writer");
    for version in 1..=highest(&mut raw, ApiKey::FindCoordinator).await {
        let request = FindCoordinatorRequest::default().with_key_type(1);
        let request = match version {
            4.. => request.with_coordinator_keys(vec![key()]),
            _ => request.with_key(key()),
        };
        let answer = raw.ask(&request, version).await;
        let node = match answer.coordinators.first() {
            Some(found) => found.node_id,
            None => answer.node_id,
        };
        assert_eq!(Some(node.0), cluster.coordinator("writer"), "v{version}");
    }
}
