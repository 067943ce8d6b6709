//! Claims about requests that wait for a test to let them go.

use kmirror_broker::Api;

use super::{ends, start, to};
use crate::raw::{Raw, encode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_before_is_carried_out_on_release() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hold_before();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    assert_eq!((fault.held(), ends(&cluster)), (1, [Some(0), Some(0)]));
    fault.release();
    raw.receive().await;
    assert_eq!(ends(&cluster), [Some(1), Some(0)]);
    raw.ask(&to(&[0]), 9).await;
    assert_eq!((fault.held(), fault.hits()), (0, 1));
    assert!(cluster.faults().list().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_after_was_carried_out_when_it_is_hit() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hold_after();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    assert_eq!((fault.held(), ends(&cluster)), (1, [Some(1), Some(0)]));
    fault.release();
    raw.receive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_request_holds_nobody_else() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).partition(0).hold_before();
    let mut held = Raw::connect(&cluster).await;
    held.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    Raw::connect(&cluster).await.ask(&to(&[1]), 9).await;
    assert_eq!(ends(&cluster), [Some(0), Some(1)]);
    fault.remove();
    held.receive().await;
    assert_eq!(ends(&cluster), [Some(1), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_requests_are_released_one_by_one_in_their_order() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hold_before();
    let mut connections = Vec::new();
    for partition in 0..2 {
        let mut raw = Raw::connect(&cluster).await;
        raw.send_frame(&encode(&to(&[partition]), 9)).await;
        fault.hit(partition as u64 + 1).await;
        connections.push(raw);
    }
    assert_eq!(fault.held(), 2);
    assert!(fault.release_one());
    connections[0].receive().await;
    assert_eq!((fault.held(), ends(&cluster)), (1, [Some(1), Some(0)]));
    assert!(fault.release_one());
    connections[1].receive().await;
    assert!(!fault.release_one(), "nobody waits any more");
    assert_eq!(ends(&cluster), [Some(1), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_while_it_is_held_is_forgotten() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hold_before();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    drop(raw);
    while fault.held() > 0 {
        tokio::task::yield_now().await;
    }
    fault.release();
    Raw::connect(&cluster).await.ask(&to(&[1]), 9).await;
    assert_eq!(ends(&cluster), [Some(0), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dying_process_had_in_flight_can_arrive_after_its_death() {
    let cluster = start().await;
    let fault = cluster
        .faults()
        .on(Api::Produce)
        .first(1)
        .hold_before_even_if_gone();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    raw.send_frame(&encode(&to(&[1]), 9)).await;
    fault.hit(1).await;
    drop(raw);
    Raw::connect(&cluster).await.ask(&to(&[0]), 9).await;
    assert_eq!((fault.held(), ends(&cluster)), (1, [Some(1), Some(0)]));
    let written = cluster.faults().on(Api::Produce).partition(1).hold_after();
    fault.release();
    written.hit(1).await;
    assert_eq!(ends(&cluster), [Some(2), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_ends_with_its_rule_and_the_connection() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hang();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    assert_eq!(fault.held(), 1);
    cluster.faults().clear();
    assert!(raw.is_closed().await);
    assert_eq!((fault.held(), ends(&cluster)), (0, [Some(0), Some(0)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_stops_whatever_it_holds() {
    let cluster = start().await;
    let fault = cluster.faults().on(Api::Produce).hold_before_even_if_gone();
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&to(&[0]), 9)).await;
    fault.hit(1).await;
    cluster.shutdown().await;
    assert!(raw.is_closed().await);
}
