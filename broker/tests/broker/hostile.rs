//! Claims about peers that do not speak the protocol: each loses its connection, and nobody else notices.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};
use kafka_protocol::protocol::Decodable;
use kmirror_broker::Cluster;

use crate::raw::{Raw, encode};

async fn start() -> Cluster {
    Cluster::builder().start().await.expect("a cluster starts")
}

/// The broker is well: it still answers.
async fn assert_serves(cluster: &Cluster) {
    let response = Raw::connect(cluster)
        .await
        .ask(&MetadataRequest::default(), 12)
        .await;
    assert_eq!(response.brokers.len(), 1);
}

/// A header for `api` in `version`, without a client id, and a body behind it.
fn frame(api: i16, version: i16, body: &[u8]) -> Vec<u8> {
    [
        &api.to_be_bytes()[..],
        &version.to_be_bytes(),
        &7_i32.to_be_bytes(),
        &(-1_i16).to_be_bytes(),
        body,
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_length_that_is_no_length_closes_the_connection() {
    let cluster = start().await;
    for length in [-1, 0, 7, i32::MIN, i32::MAX, 100 * 1024 * 1024 + 1] {
        let mut raw = Raw::connect(&cluster).await;
        raw.send(&length.to_be_bytes()).await;
        assert!(raw.is_closed().await, "{length}");
    }
    assert_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_protocol_closes_the_connection() {
    let cluster = start().await;
    for greeting in [
        "GET / HTTP/1.1\r\nHost: kafka\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
    ] {
        let mut raw = Raw::connect(&cluster).await;
        raw.send(greeting.as_bytes()).await;
        assert!(raw.is_closed().await, "{greeting:?}");
    }
    assert_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_or_version_that_was_not_advertised_closes_the_connection() {
    let cluster = start().await;
    for (api, version) in [
        (3, 99),
        (3, -1),
        (999, 0),
        (-1, 0),
        (71, 0),
        (75, 0),
        (0, 2),
        (4, 0),
    ] {
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&frame(api, version, &[0; 30])).await;
        assert!(raw.is_closed().await, "api {api} v{version}");
    }
    assert_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_versions_from_the_future_are_answered_in_version_0_with_the_list() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&frame(18, 77, b"whatever the future brings"))
        .await;
    let mut answer = raw.receive().await.split_off(4);
    let answer = ApiVersionsResponse::decode(&mut answer, 0).expect("version 0");
    assert_eq!(answer.error_code, 35);
    assert!(
        answer
            .api_keys
            .iter()
            .any(|api| (api.api_key, api.min_version, api.max_version) == (18, 0, 4))
    );
    assert_eq!(
        raw.ask(&ApiVersionsRequest::default(), 3).await.error_code,
        0,
        "and the connection goes on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_array_that_claims_two_billion_elements_closes_the_connection() {
    let cluster = start().await;
    let claim = [&i32::MAX.to_be_bytes()[..], &[0; 100]].concat();
    let compact = [&[0, 0xff, 0xff, 0xff, 0xff, 0x07][..], &[0; 100]].concat();
    for (api, version, body) in [
        (3, 1, &claim),
        (3, 12, &compact),
        (20, 1, &claim),
        (15, 0, &claim),
        (42, 0, &claim),
    ] {
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&frame(api, version, body)).await;
        assert!(raw.is_closed().await, "api {api} v{version}");
    }
    assert_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_cut_anywhere_closes_the_connection() {
    let cluster = start().await;
    let whole = encode(&MetadataRequest::default().with_topics(None), 12);
    for length in 8..whole.len() {
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&whole[..length]).await;
        assert!(raw.is_closed().await, "{length} of {} bytes", whole.len());
    }
    assert_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_leaves_in_mid_request_is_not_missed() {
    let cluster = start().await;
    let whole = encode(&MetadataRequest::default(), 12);
    for length in [0, 1, 5, whole.len() - 1] {
        let mut raw = Raw::connect(&cluster).await;
        raw.send(&(whole.len() as i32).to_be_bytes()).await;
        raw.send(&whole[..length]).await;
    }
    assert_serves(&cluster).await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_sent_at_once_are_answered_in_order() {
    let cluster = start().await;
    let mut raw = Raw::connect(&cluster).await;
    let mut pipelined = Vec::new();
    for correlation_id in 0..50_i32 {
        let mut frame = encode(&MetadataRequest::default(), 12);
        frame[4..8].copy_from_slice(&correlation_id.to_be_bytes());
        pipelined.extend((frame.len() as i32).to_be_bytes());
        pipelined.extend(frame);
    }
    raw.send(&pipelined).await;
    for correlation_id in 0..50_i32 {
        assert_eq!(raw.receive().await[..4], correlation_id.to_be_bytes());
    }
}
