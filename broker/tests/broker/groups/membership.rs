//! Who holds which partitions while members come, go, die and come back.

use rdkafka::consumer::Consumer;

use super::ghost::Ghost;
use super::reader::{Reader, poll_until, share_out_evenly};
use super::{GROUP, PATIENCE, cluster};

const COOPERATIVE: (&str, &str) = ("partition.assignment.strategy", "cooperative-sticky");
const EAGER: (&str, &str) = ("partition.assignment.strategy", "range");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cooperative_members_share_out_and_take_over_from_one_that_leaves() {
    let cluster = cluster().await;
    let (mut first, mut second) = (
        Reader::join(&cluster, &[COOPERATIVE]),
        Reader::join(&cluster, &[COOPERATIVE]),
    );
    poll_until(
        "an even share",
        &mut [&mut first, &mut second],
        share_out_evenly,
    );
    drop(second);
    poll_until("the take-over", &mut [&mut first], share_out_evenly);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eager_members_share_out_and_take_over_from_one_that_leaves() {
    let cluster = cluster().await;
    let (mut first, mut second) = (
        Reader::join(&cluster, &[EAGER]),
        Reader::join(&cluster, &[EAGER]),
    );
    poll_until(
        "an even share",
        &mut [&mut first, &mut second],
        share_out_evenly,
    );
    drop(first);
    poll_until("the take-over", &mut [&mut second], share_out_evenly);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_dies_is_expired_and_its_partitions_are_taken_over() {
    let cluster = cluster().await;
    let mut survivor = Reader::join(&cluster, &[EAGER]);
    poll_until(
        "the first generation",
        &mut [&mut survivor],
        share_out_evenly,
    );
    let ghost = Ghost::start(&cluster).await;
    poll_until(
        "a second generation, with the ghost in it",
        &mut [&mut survivor],
        |readers| ghost.has_joined() && readers[0].partitions().len() == 4,
    );
    // The ghost has never sent a heartbeat since.
    poll_until("the ghost's end", &mut [&mut survivor], share_out_evenly);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_member_restarts_without_a_rebalance() {
    let cluster = cluster().await;
    let named = |id| {
        [
            COOPERATIVE,
            ("group.instance.id", id),
            ("session.timeout.ms", "60000"),
        ]
    };
    let (mut first, mut second) = (
        Reader::join(&cluster, &named("one")),
        Reader::join(&cluster, &named("two")),
    );
    poll_until(
        "an even share",
        &mut [&mut first, &mut second],
        share_out_evenly,
    );
    let (held, rebalances) = (second.partitions(), first.rebalances());

    drop(second);
    let mut second = Reader::join(&cluster, &named("two"));
    poll_until(
        "the same share as before",
        &mut [&mut first, &mut second],
        share_out_evenly,
    );
    assert_eq!(second.partitions(), held);
    assert_eq!(
        first.rebalances(),
        rebalances,
        "the other member noticed nothing"
    );
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_group_is_listed_once_with_its_members() {
    let cluster = cluster().await;
    let (mut first, mut second) = (
        Reader::join(&cluster, &[COOPERATIVE]),
        Reader::join(&cluster, &[COOPERATIVE]),
    );
    poll_until(
        "an even share",
        &mut [&mut first, &mut second],
        share_out_evenly,
    );
    let list = first
        .consumer
        .fetch_group_list(None, PATIENCE)
        .expect("listed");
    assert_eq!(list.groups().len(), 1, "though all three nodes were asked");
    let group = &list.groups()[0];
    assert_eq!(
        (group.name(), group.state(), group.protocol()),
        (GROUP, "Stable", "cooperative-sticky")
    );
    assert_eq!(group.members().len(), 2);
    cluster.shutdown().await;
}
