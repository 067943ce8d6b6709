//! Claims about answers that take longer.

use std::time::{Duration, Instant};

use kmirror_broker::Api;

use super::{ends, start, to};
use crate::raw::{Raw, encode};

const DELAY: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delay_before_comes_before_the_record() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).delay_before(DELAY);
    let mut raw = Raw::connect(&cluster).await;
    let sent = Instant::now();
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    assert_eq!(ends(&cluster), [Some(0), Some(0)]);
    raw.receive().await;
    assert!(sent.elapsed() >= DELAY);
    assert_eq!(ends(&cluster), [Some(1), Some(0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delay_after_comes_after_the_record() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).delay_after(DELAY);
    let mut raw = Raw::connect(&cluster).await;
    let sent = Instant::now();
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    assert_eq!(ends(&cluster), [Some(1), Some(0)]);
    raw.receive().await;
    assert!(sent.elapsed() >= DELAY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trickle_is_whole_in_the_end() {
    let cluster = start().await;
    cluster.faults().on(Api::Produce).trickle(200);
    let sent = Instant::now();
    let response = Raw::connect(&cluster).await.ask(&to(&[0, 1]), 9).await;
    assert_eq!(response.responses[0].partition_responses.len(), 2);
    assert!(sent.elapsed() >= DELAY, "{:?}", sent.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_client_is_told_at_once() {
    let cluster = start().await;
    let hour = Duration::from_secs(3600);
    cluster.faults().on(Api::Produce).throttle(hour);
    let response = Raw::connect(&cluster).await.ask(&to(&[0]), 9).await;
    assert_eq!(response.throttle_time_ms, 3_600_000);
    assert_eq!(ends(&cluster), [Some(1), Some(0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_client_is_heard_when_its_time_has_passed() {
    let cluster = start().await;
    cluster.faults().on(Api::Produce).first(1).throttle(DELAY);
    let mut raw = Raw::connect(&cluster).await;
    let sent = Instant::now();
    assert_eq!(raw.ask(&to(&[0]), 9).await.throttle_time_ms, 300);
    assert_eq!(raw.ask(&to(&[0]), 9).await.throttle_time_ms, 0);
    assert!(sent.elapsed() >= DELAY);
    assert_eq!(ends(&cluster), [Some(2), Some(0)]);
}
