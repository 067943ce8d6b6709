//! Claims about connections that end, and about bytes that are not what they should be.

use kmirror_broker::{Api, Cluster};

use super::{ends, start, to};
use crate::raw::{Raw, encode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_before_leaves_nothing_in_the_log() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).drop_before();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    assert!(raw.is_closed().await);
    assert_eq!((fault.hits(), ends(&cluster)), (1, [Some(0), Some(0)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_after_leaves_the_record_and_no_answer() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).nth(2).drop_after();
    let mut raw = Raw::connect(&cluster).await;
    raw.ask(&to(&[0]), 9).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    assert!(raw.is_closed().await);
    assert_eq!((fault.hits(), ends(&cluster)), (1, [Some(2), Some(0)]));
    Raw::connect(&cluster).await.ask(&to(&[0]), 9).await;
    assert_eq!((fault.hits(), cluster.log_end("orders", 0)), (1, Some(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_gets_no_answer_can_lose_its_connection_too() {
    let cluster = start().await;
    cluster.faults().on(Api::Produce).drop_after();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]).with_acks(0), 9)).await;
    assert!(raw.is_closed().await);
    assert_eq!(cluster.log_end("orders", 0), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_response_is_half_of_its_bytes() {
    let cluster = start().await;
    let whole = 4 + answer_length(&cluster).await;
    let fault = cluster.faults().on(Api::Produce).half_response();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[1]), 9)).await;
    let got = raw.receive_all().await;
    assert_eq!(got.len(), whole / 2);
    assert_eq!(got[..4], ((whole - 4) as u32).to_be_bytes());
    assert_eq!((fault.hits(), ends(&cluster)), (1, [Some(1), Some(1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_has_a_true_length_and_comes_from_the_seed() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let cluster = start().await;
        let length = answer_length(&cluster).await;
        let fault = cluster.faults().on(Api::Produce).first(1).garbage();
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&encode(&to(&[1]), 9)).await;
        let garbage = raw.receive().await;
        assert_eq!(garbage.len(), length);
        assert_ne!(garbage[..4], [0, 0, 0, 7], "not even the correlation id");
        raw.ask(&to(&[1]), 9).await;
        assert_eq!((fault.hits(), ends(&cluster)), (1, [Some(1), Some(2)]));
        seen.push(garbage);
    }
    assert_eq!(seen[0], seen[1]);
}

/// The length of the answer to a record for partition 0, which is that for any other.
async fn answer_length(cluster: &Cluster) -> usize {
    let mut raw = Raw::connect(cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    raw.receive().await.len()
}
