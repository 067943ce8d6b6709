//! Claims about compaction: of each key the last record stays, at its offset.

use std::time::Duration;

use kmirror_broker::{ClockOffset, Cluster};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::clients::{PATIENCE, producer, reader, take};

/// Sends key and value as they are; `None` is a tombstone.
async fn put(producer: &FutureProducer, key: &str, value: Option<&str>) {
    let mut record = FutureRecord::<str, str>::to("state").partition(0).key(key);
    record.payload = value;
    let sent = producer.send(record, PATIENCE).await;
    sent.map_err(|(error, _)| error).expect("it is taken");
}

fn seen(message: &OwnedMessage) -> (i64, String, Option<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        message.offset(),
        message.key().map(text).unwrap_or_default(),
        message.payload().map(text),
    )
}

async fn start(codec: &str) -> (Cluster, FutureProducer) {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    cluster
        .create_topic("state", 1, &[("cleanup.policy", "compact")])
        .expect("the topic is new");
    // Batches of several records, so that some keep only a part of them.
    let settings = [("compression.type", codec), ("linger.ms", "50")];
    let producer = producer(&cluster, &settings);
    (cluster, producer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_each_key_the_last_record_stays_at_its_offset_whatever_the_codec() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let (cluster, producer) = start(codec).await;
        let mut sent = Vec::new();
        for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5")] {
            sent.push(put(&producer, key, Some(value)));
        }
        // All at once and in order: the producer puts them into one batch.
        futures(sent).await;
        put(&producer, "d", Some("6")).await;
        cluster.compact("state").expect("it exists");
        let read = take(&reader(&cluster, "state", 0, 0), 4);
        let read: Vec<_> = read.iter().map(seen).collect();
        let expected = [(2, "a", "3"), (3, "c", "4"), (4, "b", "5"), (5, "d", "6")]
            .map(|(offset, key, value)| (offset, key.to_owned(), Some(value.to_owned())));
        assert_eq!(read, expected, "{codec}");
        assert_eq!(
            (cluster.log_start("state", 0), cluster.log_end("state", 0)),
            (Some(0), Some(6)),
            "{codec}"
        );
    }
}

/// Runs the futures side by side, each begun before the next.
async fn futures(all: Vec<impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tombstone_stays_for_delete_retention_ms() {
    let (cluster, producer) = start("none").await;
    put(&producer, "a", Some("1")).await;
    put(&producer, "a", None).await;
    cluster.compact("state").expect("it exists");
    let read = take(&reader(&cluster, "state", 0, 0), 1);
    assert_eq!(seen(&read[0]), (1, "a".to_owned(), None));
    let day = Duration::from_secs(24 * 60 * 60);
    cluster.set_clock_offset(ClockOffset::Ahead(day));
    cluster.compact("state").expect("it exists");
    put(&producer, "b", Some("2")).await;
    let read = take(&reader(&cluster, "state", 0, 0), 1);
    assert_eq!(seen(&read[0]), (2, "b".to_owned(), Some("2".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_that_compaction_took_are_not_given_out_again_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let builder = || Cluster::builder().data_dir(dir.path());
    let cluster = builder().start().await.expect("a cluster starts");
    cluster.create_topic("state", 1, &[]).expect("it is new");
    let first = producer(&cluster, &[]);
    put(&first, "a", None).await;
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    cluster.set_clock_offset(ClockOffset::Ahead(week));
    cluster.compact("state").expect("it exists");
    cluster.kill().await;
    let cluster = builder().start().await.expect("a cluster starts");
    assert_eq!(
        (cluster.log_start("state", 0), cluster.log_end("state", 0)),
        (Some(0), Some(1))
    );
    let second = producer(&cluster, &[]);
    put(&second, "b", Some("2")).await;
    let read = take(&reader(&cluster, "state", 0, 0), 1);
    assert_eq!(read[0].offset(), 1);
}
