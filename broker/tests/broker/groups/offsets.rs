//! What was committed, by whom, and what is left of it later.

use std::path::Path;

use kmirror_broker::Cluster;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::reader::{Reader, poll_until, share_out_evenly};
use super::{GROUP, PARTITIONS, PATIENCE, TOPIC, cluster, create_topic, produce};
use crate::clients::{admin, admin_options, config};

/// A consumer of the group that never joins it, like an admin tool.
fn outsider(cluster: &Cluster) -> BaseConsumer {
    config(cluster)
        .set("group.id", GROUP)
        .create()
        .expect("a consumer")
}

fn position(partition: i32, offset: i64, metadata: &str) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    let mut element = list.add_partition(TOPIC, partition);
    element
        .set_offset(Offset::Offset(offset))
        .expect("a valid offset");
    element.set_metadata(metadata);
    list
}

/// Offset and metadata of every partition.
fn committed(consumer: &BaseConsumer) -> Vec<(Offset, String)> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(TOPIC, 0, PARTITIONS - 1);
    let found = consumer
        .committed_offsets(asked, PATIENCE)
        .expect("offsets");
    found
        .elements()
        .iter()
        .map(|element| (element.offset(), element.metadata().to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_reads_on_where_it_committed() {
    let cluster = cluster().await;
    produce(&cluster, 10);
    let mut first = Reader::join(&cluster, &[]);
    poll_until("half of the records", &mut [&mut first], |readers| {
        readers[0].read.len() == 40
    });
    first
        .consumer
        .commit_consumer_state(CommitMode::Sync)
        .expect("committed");
    let mut read = first.read.clone();
    drop(first);

    let mut second = Reader::join(&cluster, &[]);
    poll_until("the other half", &mut [&mut second], |readers| {
        readers[0].read.len() == 40
    });
    read.append(&mut second.read);
    read.sort_unstable();
    let all: Vec<(i32, i64)> = (0..PARTITIONS)
        .flat_map(|p| (0..10).map(move |offset| (p, offset)))
        .collect();
    assert_eq!(read, all, "every record once");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_group_has_no_offsets_and_that_is_no_error() {
    let cluster = cluster().await;
    assert!(
        committed(&outsider(&cluster))
            .iter()
            .all(|(offset, _)| *offset == Offset::Invalid)
    );
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_commits_with_metadata_until_somebody_joins() {
    let cluster = cluster().await;
    let outsider = outsider(&cluster);
    outsider
        .commit(&position(0, 42, "by hand"), CommitMode::Sync)
        .expect("nobody is a member");
    assert_eq!(
        committed(&outsider)[0],
        (Offset::Offset(42), "by hand".to_owned())
    );

    let mut member = Reader::join(&cluster, &[]);
    poll_until("a member", &mut [&mut member], share_out_evenly);
    let refused = outsider.commit(&position(0, 1, ""), CommitMode::Sync);
    assert_eq!(
        refused,
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::UnknownMemberId
        ))
    );
    assert_eq!(committed(&outsider)[0].0, Offset::Offset(42));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_group_without_members_can_be_deleted() {
    let cluster = cluster().await;
    let mut member = Reader::join(&cluster, &[]);
    poll_until("a member", &mut [&mut member], share_out_evenly);
    assert_eq!(
        delete_group(&cluster).await,
        Err(RDKafkaErrorCode::NonEmptyGroup)
    );
    drop(member);
    assert_eq!(delete_group(&cluster).await, Ok(()));
    assert_eq!(
        delete_group(&cluster).await,
        Err(RDKafkaErrorCode::GroupIdNotFound)
    );
    cluster.shutdown().await;
}

async fn delete_group(cluster: &Cluster) -> Result<(), RDKafkaErrorCode> {
    let deleted = admin(cluster)
        .delete_groups(&[GROUP], &admin_options())
        .await;
    deleted
        .expect("an answer")
        .remove(0)
        .map(|_| ())
        .map_err(|(_, code)| code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_survive_a_kill_of_the_cluster() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = durable(dir.path()).await;
    create_topic(&first).await;
    outsider(&first)
        .commit(&position(3, 7, "note"), CommitMode::Sync)
        .expect("committed");
    drop(first);

    let second = durable(dir.path()).await;
    assert_eq!(
        committed(&outsider(&second))[3],
        (Offset::Offset(7), "note".to_owned())
    );
    second.shutdown().await;
}

async fn durable(dir: &Path) -> Cluster {
    Cluster::builder()
        .data_dir(dir)
        .start()
        .await
        .expect("the cluster starts")
}
