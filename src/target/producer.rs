//! The producer's settings: those that the promises rest on, then those that make it fast.

use rdkafka::ClientConfig;

use crate::clusters::properties;
use crate::config::{self, Compression};

/// Configuration of a producer of the mirror on `cluster`, for batches of at most `batch_bytes`.
pub(super) fn config(
    cluster: &config::Cluster,
    mirror: &config::Mirror,
    batch_bytes: u32,
) -> ClientConfig {
    let mut config = properties::producer(cluster, &format!("kmirror-{}", mirror.name));
    config
        // I2: order and no duplicates within the producer's life; implies acks=all (I1).
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Never gives a record up by time: a target that is down is waited for, with the budget as the bound.
        .set("message.timeout.ms", "0")
        // The budget bounds the queue (I3); a second bound would refuse records that hold a permit.
        .set("queue.buffering.max.messages", "0")
        .set("queue.buffering.max.kbytes", "2147483647")
        // A copy is made as it is to be, or not at all: a broker would give it the partitions and configs of its own choice.
        .set("allow.auto.create.topics", "false")
        // Any record that the source took; the target's own limit is the one that counts.
        .set("message.max.bytes", "1000000000")
        .set("compression.type", codec(mirror.compression))
        // A copy that somebody grew is seen at each look, and looked up at once. This is for a look-up that failed.
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("linger.ms", "5")
        // A batch that is larger than the topic allows would be refused with all its records.
        .set("batch.size", batch_bytes.to_string())
        .set("batch.num.messages", "10000");
    config
}

fn codec(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "none",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    }
}
