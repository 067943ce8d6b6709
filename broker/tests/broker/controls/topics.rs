//! Claims about topics that are recreated or grow under their clients.

use kafka_protocol::messages::MetadataRequest;
use kmirror_broker::Cluster;

use super::{append, described, poll, send, start};
use crate::clients::produce;
use crate::clients::producer;
use crate::raw::{Raw, named};

async fn id_of(cluster: &Cluster) -> uuid::Uuid {
    let request = MetadataRequest::default().with_topics(Some(vec![named("orders")]));
    let response = Raw::connect(cluster).await.ask(&request, 12).await;
    response.topics[0].topic_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recreated_topic_is_another_one_of_the_same_shape() {
    let cluster = start(1).await;
    let mut raw = Raw::connect(&cluster).await;
    send(&mut raw, &append(0, (9, 0, 0), 3)).await;
    let before = id_of(&cluster).await;
    cluster.recreate_topic("orders").expect("it exists");
    let after = id_of(&cluster).await;
    assert_ne!(before, after);
    assert_eq!(described(&cluster, 0).await.len(), 2);
    assert_eq!(cluster.log_end("orders", 0), Some(0));
    let mut stale = poll(0);
    stale.topics[0].topic_id = before;
    let answer = raw.ask(&stale, 13).await;
    assert_eq!(answer.responses[0].partitions[0].error_code, 100);
    assert_eq!(
        send(&mut raw, &append(0, (9, 0, 3), 1)).await,
        (0, 0),
        "its producers are forgotten"
    );
    assert!(cluster.recreate_topic("nothing").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_added_to_those_there_are() {
    let cluster = start(2).await;
    assert_eq!(cluster.add_partitions("orders", 3).expect("it exists"), 5);
    let leaders: Vec<i32> = described(&cluster, 0)
        .await
        .iter()
        .map(|it| it.leader_id.0)
        .collect();
    assert_eq!(leaders, [0, 1, 0, 1, 0]);
    assert_eq!(
        produce(&producer(&cluster, &[]), "orders", 4, b"value").await,
        0
    );
    for count in [0, -1] {
        assert!(cluster.add_partitions("orders", count).is_err());
    }
    assert!(cluster.add_partitions("nothing", 1).is_err());
}
