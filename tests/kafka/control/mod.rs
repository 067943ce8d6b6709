//! Copies follow their sources: created, grown, configured, and with their ACLs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kmirror_broker::Cluster;
use serde_json::Value;

use crate::broker::KafkaBroker;
use crate::clusters::{Clusters, copy_of};
use crate::support::acls::{Operation, Permission};
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::record::Record;
use crate::support::wait::eventually;

const DEADLINE: Duration = Duration::from_secs(90);

#[track_caller]
fn await_config(client: &mut Client, topic: &str, name: &str, value: &str) {
    eventually(&format!("{name} of {topic} is {value}"), DEADLINE, || {
        let seen = client.topic_config(topic, name)?;
        ensure!(seen.as_deref() == Some(value), "{seen:?}");
        Ok(())
    });
}

fn notices_of(daemon: &Daemon, topic: &str) -> Result<String> {
    let status = daemon.status()?;
    let topics: &[Value] = status["mirrors"][0]["topics"]
        .as_array()
        .map_or(&[], Vec::as_slice);
    let found = topics.iter().find(|one| one["source_topic"] == topic);
    let found = found.context("the topic is not in the status")?;
    Ok(found["notices"].to_string())
}

#[test]
fn a_copy_is_created_grown_and_configured_as_its_source() -> Outcome {
    const TOPIC: &str = "control-followed";
    let clusters = Clusters::shared()?;
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    let copy = copy_of(TOPIC);
    source.create_topic(TOPIC, 2, &[("max.message.bytes", "2000000")])?;
    let config = clusters.config(&[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    await_config(&mut target, &copy, "max.message.bytes", "2000000");
    assert_eq!(target.partitions(&copy)?, 2);

    let set = [
        ("max.message.bytes", "3000000"),
        ("cleanup.policy", "delete,compact"),
    ];
    source.set_topic_configs(TOPIC, &set)?;
    await_config(&mut target, &copy, "cleanup.policy", "delete,compact");
    await_config(&mut target, &copy, "max.message.bytes", "3000000");
    source.reset_topic_configs(TOPIC, &["cleanup.policy"])?;
    await_config(&mut target, &copy, "cleanup.policy", "delete");

    source.grow_topic(TOPIC, 4)?;
    let grown = Instant::now();
    for partition in 0..4 {
        let records = (0..10).map(|number| Record::at(1_700_000_000_000 + number).key("k"));
        let records: Vec<_> = records.collect();
        source.produce(TOPIC, partition, &records, Codec::None)?;
    }
    eventually("the records of all partitions are copied", DEADLINE, || {
        let copied = target.total_end(&copy)?;
        ensure!(copied == 40, "{copied}: {}", daemon.status()?);
        Ok(())
    });
    println!("records of new partitions after {:?}", grown.elapsed());
    assert_eq!(target.partitions(&copy)?, 4);
    let comparison = clusters.compare(TOPIC)?;
    assert!(comparison.is_exact(), "{comparison}");
    Ok(())
}

#[test]
fn acls_are_copied_by_mirrormakers_rules_and_what_is_added_later_follows() -> Outcome {
    const TOPIC: &str = "control-secured";
    let clusters = Clusters::shared()?;
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    let copy = copy_of(TOPIC);
    source.create_topic(TOPIC, 1, &[])?;
    source.add_acl(TOPIC, "User:reader", Permission::Allow, Operation::Read)?;
    source.add_acl(TOPIC, "User:writer", Permission::Allow, Operation::Write)?;
    source.add_acl(TOPIC, "User:admin", Permission::Allow, Operation::All)?;
    let config = clusters.config(&[TOPIC]).set("sync_acls", "true").write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    let (allow, deny) = (Permission::Allow as i8, Permission::Deny as i8);
    let (read, write) = (Operation::Read as i8, Operation::Write as i8);
    let mut expected = vec![
        ("User:admin".to_owned(), allow, read),
        ("User:reader".to_owned(), allow, read),
    ];
    let mut await_acls = |expected: &[(String, i8, i8)]| {
        eventually("the copy has the ACLs", DEADLINE, || {
            let seen = target.acls(&copy)?;
            ensure!(seen == expected, "{seen:?}");
            Ok(())
        });
    };
    await_acls(&expected);
    source.add_acl(TOPIC, "User:writer", Permission::Deny, Operation::Write)?;
    expected.push(("User:writer".to_owned(), deny, write));
    await_acls(&expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_kafka_refuses_is_told_in_its_words_and_holds_up_no_other() -> Outcome {
    const TOPIC: &str = "tiered";
    // The in-tree broker takes a config that Kafka refuses while it has no remote storage.
    let source = Cluster::builder()
        .start()
        .await
        .context("an in-tree cluster")?;
    let target = KafkaBroker::start("target broker")?;
    let created = source.create_topic(TOPIC, 1, &[]);
    created.context("a topic")?;
    let servers = source.bootstrap_servers();
    let config = Config::mirror(&servers, &target.bootstrap(), &[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    let copy = copy_of(TOPIC);
    let mut copies = target.client();
    eventually("the copy is there", DEADLINE, || copies.partitions(&copy));
    let set = [
        ("remote.storage.enable", "true"),
        ("retention.ms", "80000000"),
    ];
    let mut originals = Client::new(servers);
    originals.set_topic_configs(TOPIC, &set)?;
    await_config(&mut copies, &copy, "retention.ms", "80000000");
    eventually("the refusal is told", DEADLINE, || {
        let notices = notices_of(&daemon, TOPIC)?;
        let told = notices.contains("remote.storage.enable of target topic source.tiered")
            && notices.contains("Tiered Storage");
        ensure!(told, "{notices}");
        Ok(())
    });
    let record = [Record::at(1_700_000_000_000).key("k")];
    originals.produce(TOPIC, 0, &record, Codec::None)?;
    eventually("the topic runs", DEADLINE, || {
        let copied = copies.total_end(&copy)?;
        ensure!(copied == 1, "{copied} records");
        Ok(())
    });
    Ok(())
}
