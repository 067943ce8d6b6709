//! Claims about transactions that a kill meets: they are where they were.

use std::fs;
use std::path::Path;

use kmirror_broker::Cluster;
use serde_json::{Value, json};

use super::poll;
use super::writer::Writer;
use crate::raw::Raw;

async fn start(dir: &Path) -> Cluster {
    let cluster = Cluster::builder().data_dir(dir).start().await;
    cluster.expect("a cluster starts")
}

/// A cluster with a transaction that is open in both partitions of `orders`.
async fn with_open(dir: &Path) -> (Cluster, Writer) {
    let cluster = start(dir).await;
    cluster.create_topic("orders", 2, &[]).expect("it is new");
    let mut writer = Writer::init(&cluster, "writer").await;
    writer.begin(&[0, 1]).await;
    (cluster, writer)
}

/// Up to where partition 0 is stable, and how many aborted transactions a reader is told of.
async fn stable(cluster: &Cluster) -> (i64, usize) {
    let mut raw = Raw::connect(cluster).await;
    let start = cluster.log_start("orders", 0).expect("it exists");
    let read = raw.ask(&poll(start).with_max_wait_ms(0), 11).await;
    let partition = &read.responses[0].partitions[0];
    let aborted = partition.aborted_transactions.as_ref();
    (partition.last_stable_offset, aborted.map_or(0, Vec::len))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_stays_open_and_its_producer_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let (cluster, mut writer) = with_open(dir.path()).await;
    cluster.kill().await;
    let cluster = start(dir.path()).await;
    assert_eq!(stable(&cluster).await, (0, 0));
    writer.raw = Raw::connect(&cluster).await;
    assert_eq!(writer.send(0, 2).await, 0);
    assert_eq!(writer.commit().await, 0);
    assert_eq!(stable(&cluster).await, (4, 0));
    let again = Writer::init(&cluster, "writer").await;
    assert_eq!(
        (again.producer_id, again.epoch),
        (writer.producer_id, writer.epoch + 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aborted_records_stay_aborted_also_behind_a_log_start_that_moved() {
    let dir = tempfile::tempdir().expect("a directory");
    let (cluster, mut writer) = with_open(dir.path()).await;
    assert_eq!(writer.send(0, 1).await, 0);
    assert_eq!(writer.abort().await, 0);
    cluster.kill().await;
    let cluster = start(dir.path()).await;
    assert_eq!(stable(&cluster).await, (3, 1));
    assert_eq!(cluster.delete_records("orders", 0, 1).ok(), Some(1));
    cluster.kill().await;
    let cluster = start(dir.path()).await;
    assert_eq!(stable(&cluster).await, (3, 1));
}

/// Makes the last line of the journal say that the end of the transaction was decided.
fn decide(dir: &Path, ending: &str) {
    let path = dir.join("transactions.journal");
    let text = fs::read_to_string(&path).expect("readable");
    let last = text.lines().last().expect("a line");
    let mut line: Value = serde_json::from_str(last).expect("JSON");
    let open = line["stage"]["open"].take();
    assert!(open.is_object(), "{last}");
    line["stage"] = json!({"ending": [ending, open]});
    fs::write(&path, format!("{text}{line}\n")).expect("writable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_a_kill_interrupted_is_finished_before_anybody_asks() {
    for (ending, told) in [("commit", 0), ("abort", 1)] {
        let dir = tempfile::tempdir().expect("a directory");
        let (cluster, mut writer) = with_open(dir.path()).await;
        cluster.kill().await;
        decide(dir.path(), ending);
        let cluster = start(dir.path()).await;
        assert_eq!(stable(&cluster).await, (2, told), "{ending}");
        assert_eq!(cluster.log_end("orders", 1), Some(2), "{ending}");
        writer.raw = Raw::connect(&cluster).await;
        assert_eq!(writer.end_in(3, ending == "commit").await, 0, "{ending}");
        cluster.kill().await;
        decide_again(dir.path());
        let cluster = start(dir.path()).await;
        assert_eq!(
            cluster.log_end("orders", 0),
            Some(2),
            "where its marker is there already it gets no other"
        );
    }
}

/// Takes the last line of the journal back: the markers were written, but not that all of them were.
fn decide_again(dir: &Path) {
    let path = dir.join("transactions.journal");
    let text = fs::read_to_string(&path).expect("readable");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    fs::write(&path, format!("{}\n", lines.join("\n"))).expect("writable");
}
