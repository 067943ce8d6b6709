//! Claims about records: what goes in comes out, in order, unchanged.

use kmirror_broker::Cluster;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::FutureRecord;

use crate::clients::{PATIENCE, next, producer, reader, take, text};

#[tokio::test]
async fn records_of_every_codec_come_back_in_order() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        cluster
            .create_topic(codec, 1, &[])
            .expect("the topic is new");
        let producer = producer(
            &cluster,
            &[("compression.type", codec), ("linger.ms", "20")],
        );
        let values: Vec<String> = (0..1000)
            .map(|number| format!("record {number} {}", "x".repeat(100)))
            .collect();
        let sent: Vec<_> = values
            .iter()
            .map(|value| {
                producer
                    .send_result(FutureRecord::<str, _>::to(codec).payload(value))
                    .expect("room")
            })
            .collect();
        for (offset, sent) in (0..).zip(sent) {
            assert_eq!(
                sent.await
                    .expect("not cancelled")
                    .expect("delivered")
                    .offset,
                offset
            );
        }
        let reader = reader(&cluster, codec, 0, 0);
        let read: Vec<String> = take(&reader, 1000).iter().map(text).collect();
        assert_eq!(read, values, "{codec}");
    }
    cluster.shutdown().await;
}
