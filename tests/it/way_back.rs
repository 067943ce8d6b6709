//! `mm2_offset_syncs`: MirrorMaker 2, or whoever reads its topics, goes on where the mirror is.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const PROGRESS: &str = "mm2-offsets.source.internal";
const SYNCS: &str = "mm2-offset-syncs.target.internal";

/// Values by key.
type Notes = BTreeMap<Vec<u8>, Vec<u8>>;

/// Two partitions with `count` records each.
fn sites(count: usize) -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, count)?;
    Ok(sites)
}

/// Notes for MirrorMaker 2 at the beginning and the end only.
fn config(sites: &Sites) -> Config {
    sites
        .config(&["orders"])
        .set("heartbeats", "'off'")
        .set("mm2_offset_syncs", "true")
        .set("checkpoint_interval", "1h")
}

/// What a reader of a topic knows in the end: the last value of each key, all of them in one partition.
fn notes(site: &mut Site, topic: &str) -> Result<Notes> {
    let (mut notes, mut places) = (Notes::new(), BTreeMap::new());
    for partition in 0..site.client.partitions(topic)? {
        let end = site.client.log_end(topic, partition)?;
        let mut records = Vec::new();
        site.client.read(topic, partition, 0..end, |stored| {
            records.push(stored.record)
        })?;
        for record in records {
            let key = record.key.context("no key")?.to_vec();
            let elsewhere = places.insert(key.clone(), partition);
            ensure!(elsewhere.is_none_or(|known| known == partition));
            notes.insert(key, record.value.context("a tombstone")?.to_vec());
        }
    }
    Ok(notes)
}

/// As Kafka Connect stores that both partitions are replicated up to the offset before `next`.
fn progress(next: i64) -> Notes {
    let note = |partition: i32| {
        let key = format!(
            r#"["MirrorSourceConnector",{{"cluster":"source","partition":{partition},"topic":"orders"}}]"#
        );
        let value = format!(r#"{{"offset":{}}}"#, next - 1);
        (key.into_bytes(), value.into_bytes())
    };
    Notes::from([0, 1].map(note))
}

/// As MirrorMaker 2 notes that the records before `next` stand at the same offset on both sides.
fn syncs(next: i64) -> Notes {
    let note = |partition: i32| {
        let key = [b"\0\x06orders".as_slice(), &partition.to_be_bytes()].concat();
        let value = [(next - 1).to_be_bytes(), (next - 1).to_be_bytes()].concat();
        (key, value)
    };
    Notes::from([0, 1].map(note))
}

#[track_caller]
fn await_noted(sites: &mut Sites, next: i64) {
    eventually("it is noted for MirrorMaker 2", SOON, || {
        let made = notes(&mut sites.target, PROGRESS)?;
        ensure!(made == progress(next), "{made:?}");
        let known = notes(&mut sites.source, SYNCS)?;
        ensure!(known == syncs(next), "{known:?}");
        Ok(())
    });
}

#[test]
fn a_clean_stop_tells_mirrormaker_where_it_was() -> Result<()> {
    let mut sites = sites(1_000)?;
    let config = config(&sites).write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    assert_eq!(notes(&mut sites.target, PROGRESS)?, progress(1_000));
    assert_eq!(notes(&mut sites.source, SYNCS)?, syncs(1_000));
    assert_eq!(sites.target.client.partitions(PROGRESS)?, 25);
    assert_eq!(sites.source.client.partitions(SYNCS)?, 1);
    let policies = [
        (&mut sites.target.client, PROGRESS),
        (&mut sites.source.client, SYNCS),
    ];
    for (client, topic) in policies {
        let policy = client.topic_config(topic, "cleanup.policy")?;
        assert_eq!(policy.as_deref(), Some("compact"), "{topic}");
    }
    Ok(())
}

#[test]
fn each_checkpoint_tells_it_once_that_is_asked_for_and_the_source_is_left_alone_before()
-> Result<()> {
    let mut sites = sites(100)?;
    let often = |config: Config| {
        config
            .set("heartbeats", "'off'")
            .set("checkpoint_interval", "200ms")
    };
    let plain = often(sites.config(&["orders"]));
    let file = plain.write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    let topics = sites.source.client.topics()?;
    assert!(!topics.iter().any(|topic| topic == SYNCS), "{topics:?}");
    file.rewrite(&plain.set("mm2_offset_syncs", "true").yaml()?)?;
    daemon.reload()?;
    await_noted(&mut sites, 100);
    sites.write("orders", 100, 50)?;
    await_noted(&mut sites, 150);
    // It is not interrupted by what it tells, and tells nothing twice.
    let written = sites.source.client.total_end(SYNCS)?;
    sites.write("orders", 150, 1)?;
    await_noted(&mut sites, 151);
    let news = sites.source.client.total_end(SYNCS)? - written;
    assert!((2..=4).contains(&news), "{news} records");
    sites.assert_exact("orders")
}

#[test]
fn each_process_tells_of_its_own_partitions() -> Result<()> {
    let mut sites = sites(500)?;
    let config = config(&sites).write()?;
    let mut first = Daemon::start("first", &config)?;
    let mut second = Daemon::start("second", &config)?;
    sites.await_committed("orders");
    assert_eq!(first.terminate(SOON)?.code(), Some(0));
    sites.write("orders", 500, 500)?;
    sites.await_committed("orders");
    assert_eq!(second.terminate(SOON)?.code(), Some(0));
    assert_eq!(notes(&mut sites.target, PROGRESS)?, progress(1_000));
    assert_eq!(notes(&mut sites.source, SYNCS)?, syncs(1_000));
    Ok(())
}

#[test]
fn who_takes_over_goes_on_there() -> Result<()> {
    let mut sites = sites(1_000)?;
    let first = config(&sites).write()?;
    let mut daemon = Daemon::start("first", &first)?;
    sites.await_committed("orders");
    assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    sites.write("orders", 1_000, 500)?;
    // Another mirror knows nothing of the first one's groups and maps.
    let second = sites.config(&["orders"]).set("name", "second");
    let second = second.set("import_from", "mirrormaker2").write()?;
    let _daemon = Daemon::start("second", &second)?;
    let client = &mut sites.target.client;
    eventually("the rest is copied", SOON, || {
        let copied = client.total_end(&copy_of("orders"))?;
        ensure!(copied >= 3_000, "{copied} records");
        Ok(())
    });
    sites.assert_exact("orders")
}

#[test]
fn topics_that_are_missing_are_told_once_and_hold_up_nothing() -> Result<()> {
    let mut sites = sites(100)?;
    let client = &mut sites.target.client;
    client.create_topic(&copy_of("orders"), 2, &[])?;
    client.create_topic("__kmirror_offsets", 8, &[("cleanup.policy", "compact")])?;
    let config = sites
        .config(&["orders"])
        .set("heartbeats", "'off'")
        .set("mm2_offset_syncs", "true")
        .set("checkpoint_interval", "200ms")
        .set("create_topics", "false")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let said = |topic: &str| {
        let log = daemon.log();
        let lines = log.lines().filter(|line| {
            line.contains("topic cannot be written")
                && line.contains("create_topics is false")
                && line.contains(&format!("{topic:?}"))
        });
        lines.count()
    };
    for topic in [PROGRESS, SYNCS] {
        eventually("it is said", SOON, || match said(topic) {
            0 => Err("not yet"),
            _ => Ok(()),
        });
    }
    // Kafka Connect may have been told to use fewer partitions.
    sites.target.client.create_topic(PROGRESS, 5, &[])?;
    sites.source.client.create_topic(SYNCS, 1, &[])?;
    await_noted(&mut sites, 100);
    assert_eq!((said(PROGRESS), said(SYNCS)), (1, 1));
    sites.assert_exact("orders")
}
