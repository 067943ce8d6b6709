//! Offsets of consumer groups are translated, published, and written to the target's groups, as far as they may be.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::checkpoints::{self, Checkpoint};
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const TOPIC: &str = "source.checkpoints.internal";

pub fn config(sites: &Sites, topics: &[&str]) -> Config {
    let config = sites.config(topics).set("heartbeats", "'off'");
    config.set("checkpoint_interval", "200ms")
}

/// `orders` with two partitions of a hundred records.
pub fn orders() -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    Ok(sites)
}

/// A mirror of `orders` that has copied it all.
pub fn mirrored() -> Result<(Sites, ConfigFile, Daemon)> {
    let mut sites = orders()?;
    let file = config(&sites, &["orders"]).write()?;
    let daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    Ok((sites, file, daemon))
}

/// What is published of a group in a partition of `orders`.
pub fn published(site: &mut Site, group: &str, partition: i32) -> Result<Option<Checkpoint>> {
    let key = (group.to_owned(), copy_of("orders"), partition);
    if !site.client.topics()?.iter().any(|topic| topic == TOPIC) {
        return Ok(None);
    }
    Ok(checkpoints::read(&mut site.client, TOPIC)?.remove(&key))
}

#[track_caller]
pub fn await_published(site: &mut Site, group: &str, partition: i32, upstream: i64) -> Checkpoint {
    let what = format!("{upstream} of {group} in partition {partition} is published");
    eventually(&what, SOON, || {
        let found = published(site, group, partition)?.context("nothing")?;
        ensure!(found.upstream == upstream, "{found:?}");
        Ok(found)
    })
}

/// What a group has committed on the target for a partition of `orders`.
pub fn moved(sites: &Sites, group: &str, partition: i32) -> Option<i64> {
    let target = sites.target.cluster();
    target.committed(group, &copy_of("orders"), partition)
}

#[track_caller]
pub fn await_moved(sites: &Sites, group: &str, partition: i32, offset: i64) {
    let what = format!("{group} is moved to {offset} in partition {partition}");
    eventually(&what, SOON, || {
        let found = moved(sites, group, partition);
        ensure!(found == Some(offset), "{found:?}");
        Ok(())
    });
}

/// Waits until so many rounds have begun after this, so that one began and ended in between.
#[track_caller]
pub fn await_rounds(sites: &Sites, rounds: usize) {
    let begun = || sites.source.cluster().requests(Api::ListGroups);
    let before = begun();
    eventually("rounds have passed", SOON, || {
        let passed = begun() - before;
        ensure!(passed > rounds, "{passed}");
        Ok(())
    });
}

pub fn refused(daemon: &Daemon, reason: &str) -> Result<f64> {
    let metrics = daemon.metrics()?;
    let name = "kmirror_group_offsets_refused_total";
    Ok(metrics.sum(name, &[("reason", reason)]).unwrap_or(0.0))
}

fn said(daemon: &Daemon, words: &str) -> usize {
    let log = daemon.log();
    log.lines().filter(|line| line.contains(words)).count()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_millis() as i64
}

#[test]
fn offsets_are_published_in_mirror_makers_format_and_only_when_they_change() -> Result<()> {
    // With everything copied, one round translates both partitions.
    let (mut sites, _file, daemon) = mirrored()?;
    let started = now_ms();
    let offsets = [("orders", 0, 37), ("orders", 1, 100)];
    let source = &mut sites.source.client;
    source.commit_with("billing", &offsets, "from a test")?;
    let found = await_published(&mut sites.target, "billing", 0, 37);
    assert_eq!(found.downstream, 37);
    assert_eq!(found.metadata, "from a test");
    let written = started..=now_ms();
    assert!(written.contains(&found.timestamp), "{found:?}");
    await_published(&mut sites.target, "billing", 1, 100);
    let target = &mut sites.target.client;
    assert_eq!(target.partitions(TOPIC)?, 1);
    let policy = target.topic_config(TOPIC, "cleanup.policy")?;
    assert_eq!(policy.as_deref(), Some("compact"));
    let first = target.read_one(TOPIC, 0, 0)?.context("no record")?.record;
    let key = b"\x00\x07billing\x00\x0dsource.orders\x00\x00\x00\x00";
    assert_eq!(first.key.as_deref(), Some(&key[..]));
    await_moved(&sites, "billing", 0, 37);
    await_moved(&sites, "billing", 1, 100);

    await_rounds(&sites, 3);
    assert_eq!(sites.target.client.log_end(TOPIC, 0)?, 2);
    let commits = sites.target.cluster().requests(Api::OffsetCommit);
    assert_eq!(commits, 1, "nothing is written to a group twice");
    sites.source.client.commit("billing", "orders", 0, 38)?;
    await_published(&mut sites.target, "billing", 0, 38);
    assert_eq!(sites.target.client.log_end(TOPIC, 0)?, 3);
    await_moved(&sites, "billing", 0, 38);
    let metrics = daemon.metrics()?;
    let synced = metrics.sum("kmirror_group_offsets_synced_total", &[]);
    assert_eq!(synced, Some(3.0));
    let age = metrics.sum("kmirror_checkpoint_age_seconds", &[]);
    assert!(age.is_some_and(|age| age < 30.0), "{age:?}");
    Ok(())
}

#[test]
fn a_group_that_is_active_on_the_target_is_left_alone_until_it_is_idle() -> Result<()> {
    let mut sites = orders()?;
    let member = sites.target.client.join_group("billing")?;
    sites.source.client.commit("billing", "orders", 0, 37)?;
    sites.source.client.commit("idle", "orders", 0, 38)?;
    let file = config(&sites, &["orders"]).write()?;
    let daemon = Daemon::start("daemon", &file)?;
    await_moved(&sites, "idle", 0, 38);
    eventually("it is counted", SOON, || {
        let active = refused(&daemon, "active")?;
        ensure!(active == 1.0, "{active}");
        Ok(())
    });
    await_rounds(&sites, 3);
    assert_eq!(moved(&sites, "billing", 0), None);
    assert_eq!(refused(&daemon, "active")?, 1.0, "each offset counts once");
    assert_eq!(said(&daemon, "left alone"), 1);
    await_published(&mut sites.target, "billing", 0, 37);
    sites.target.client.leave_group("billing", &member)?;
    await_moved(&sites, "billing", 0, 37);
    Ok(())
}

#[test]
fn i5_a_group_is_never_moved_back_also_when_it_goes_back_on_the_source() -> Result<()> {
    let mut sites = orders()?;
    sites.source.client.commit("billing", "orders", 0, 60)?;
    let copy = copy_of("orders");
    let file = config(&sites, &["orders"]).write()?;
    let daemon = Daemon::start("daemon", &file)?;
    await_moved(&sites, "billing", 0, 60);
    // It went on by itself on the target.
    sites.target.client.commit("billing", &copy, 0, 80)?;
    sites.source.client.commit("billing", "orders", 0, 70)?;
    await_published(&mut sites.target, "billing", 0, 70);
    // It was reset on the source.
    sites.source.client.commit("billing", "orders", 0, 5)?;
    await_published(&mut sites.target, "billing", 0, 5);
    eventually("both are counted", SOON, || {
        let backwards = refused(&daemon, "backwards")?;
        ensure!(backwards == 2.0, "{backwards}");
        Ok(())
    });
    await_rounds(&sites, 3);
    assert_eq!(moved(&sites, "billing", 0), Some(80));
    assert_eq!(refused(&daemon, "backwards")?, 2.0);
    assert_eq!(said(&daemon, "not moved back"), 1);
    sites.source.client.commit("billing", "orders", 0, 90)?;
    await_moved(&sites, "billing", 0, 90);
    Ok(())
}

#[test]
fn a_deleted_group_stops_being_published() -> Result<()> {
    let mut sites = orders()?;
    for group in ["gone", "kept"] {
        sites.source.client.commit(group, "orders", 0, 10)?;
    }
    let file = config(&sites, &["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &file)?;
    for group in ["gone", "kept"] {
        await_published(&mut sites.target, group, 0, 10);
    }
    sites.source.client.delete_group("gone")?;
    await_rounds(&sites, 2);
    sites.source.client.commit("kept", "orders", 0, 20)?;
    await_published(&mut sites.target, "kept", 0, 20);
    // No tombstone either, which would be an error here.
    let last = published(&mut sites.target, "gone", 0)?.context("it is left")?;
    assert_eq!(last.upstream, 10);
    assert_eq!(sites.target.client.log_end(TOPIC, 0)?, 3);
    Ok(())
}

#[test]
fn of_a_group_in_many_topics_those_that_are_mirrored_are_translated() -> Result<()> {
    let mut sites = orders()?;
    let topics: Vec<_> = (0..20).map(|number| format!("topic-{number}")).collect();
    let mut offsets = vec![("orders", 0, 50), ("orders", 1, 51)];
    for topic in &topics {
        sites.source.client.create_topic(topic, 1, &[])?;
        sites.write(topic, 0, 10)?;
        offsets.push((topic, 0, 5));
    }
    sites.source.client.commit_with("billing", &offsets, "")?;
    let file = config(&sites, &["orders", "topic-.*[02468]"]).write()?;
    let daemon = Daemon::start("daemon", &file)?;
    eventually("all that is mirrored is published", SOON, || {
        let topics = sites.target.client.topics()?;
        ensure!(topics.iter().any(|topic| topic == TOPIC), "no topic");
        let found = checkpoints::read(&mut sites.target.client, TOPIC)?;
        ensure!(found.len() == 12, "{found:?}");
        Ok(())
    });
    await_moved(&sites, "billing", 1, 51);
    let target = sites.target.cluster();
    assert_eq!(target.committed("billing", "source.topic-4", 0), Some(5));
    assert_eq!(target.committed("billing", "source.topic-5", 0), None);
    assert_eq!(said(&daemon, "\"level\":\"WARN\""), 0, "{}", daemon.log());
    Ok(())
}

#[test]
fn nothing_is_told_beyond_what_is_mirrored_until_it_is() -> Result<()> {
    let (mut sites, _file, daemon) = mirrored()?;
    let stall = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let stall = stall.hold_before();
    sites.write("orders", 100, 50)?;
    sites.source.client.commit("billing", "orders", 0, 120)?;
    eventually("it is counted", SOON, || {
        let beyond = refused(&daemon, "not_mirrored")?;
        ensure!(beyond == 1.0, "{beyond}");
        Ok(())
    });
    await_rounds(&sites, 3);
    assert_eq!(published(&mut sites.target, "billing", 0)?, None);
    assert_eq!(moved(&sites, "billing", 0), None);
    stall.remove();
    let found = await_published(&mut sites.target, "billing", 0, 120);
    assert_eq!(found.downstream, 120);
    await_moved(&sites, "billing", 0, 120);
    Ok(())
}

#[test]
fn i5_what_was_never_mirrored_is_not_skipped() -> Result<()> {
    let mut sites = orders()?;
    sites.source.client.commit("behind", "orders", 0, 50)?;
    sites.source.client.commit("level", "orders", 0, 100)?;
    let file = config(&sites, &["orders"]).set("start", "latest").write()?;
    let daemon = Daemon::start("daemon", &file)?;
    let found = await_published(&mut sites.target, "level", 0, 100);
    assert_eq!(found.downstream, 0);
    await_rounds(&sites, 2);
    assert_eq!(published(&mut sites.target, "behind", 0)?, None);
    assert_eq!(moved(&sites, "behind", 0), None);
    assert_eq!(refused(&daemon, "unknown")?, 1.0);
    // Once the source has deleted those records, nobody can read them any more.
    let source = &mut sites.source.client;
    source.delete_records_before("orders", 0, 100)?;
    let found = await_published(&mut sites.target, "behind", 0, 50);
    assert_eq!(found.downstream, 0);
    await_moved(&sites, "behind", 0, 0);
    Ok(())
}

#[test]
fn the_trouble_of_one_group_stops_no_other() -> Result<()> {
    let mut sites = orders()?;
    for group in ["denied", "kept", "refused"] {
        sites.source.client.commit(group, "orders", 0, 10)?;
    }
    let reading = sites.source.on(Api::OffsetFetch).group("denied");
    let reading = reading.fail(ErrorCode::GroupAuthorizationFailed);
    let writing = sites.target.on(Api::OffsetCommit).group("refused");
    let writing = writing.fail(ErrorCode::GroupAuthorizationFailed);
    let file = config(&sites, &["orders"]).write()?;
    let daemon = Daemon::start("daemon", &file)?;
    await_moved(&sites, "kept", 0, 10);
    await_published(&mut sites.target, "refused", 0, 10);
    await_rounds(&sites, 3);
    assert_eq!(published(&mut sites.target, "denied", 0)?, None);
    assert_eq!(moved(&sites, "refused", 0), None);
    assert_eq!(refused(&daemon, "denied")?, 1.0);
    for words in [
        "cannot be read on the source",
        "cannot be written on the target",
    ] {
        assert_eq!(said(&daemon, words), 1, "{words}");
    }
    let errors = daemon.metrics()?;
    let errors = errors.sum("kmirror_errors_total", &[("stage", "offsets")]);
    assert!(errors >= Some(2.0), "{errors:?}");
    reading.remove();
    writing.remove();
    await_moved(&sites, "denied", 0, 10);
    await_moved(&sites, "refused", 0, 10);
    Ok(())
}

#[test]
fn groups_and_what_is_done_with_them_change_in_place() -> Result<()> {
    let mut sites = orders()?;
    for group in ["billing", "shipping", "console-consumer-7"] {
        sites.source.client.commit(group, "orders", 0, 10)?;
    }
    let first = config(&sites, &["orders"]).set("groups", "[billing]");
    let file = first.set("sync_group_offsets", "false").write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    await_published(&mut sites.target, "billing", 0, 10);
    await_rounds(&sites, 2);
    assert_eq!(published(&mut sites.target, "shipping", 0)?, None);
    assert_eq!(moved(&sites, "billing", 0), None);
    let before = said(&daemon, "begins anew");
    file.rewrite(&config(&sites, &["orders"]).yaml()?)?;
    daemon.reload()?;
    await_published(&mut sites.target, "shipping", 0, 10);
    await_moved(&sites, "shipping", 0, 10);
    await_moved(&sites, "billing", 0, 10);
    assert_eq!(published(&mut sites.target, "console-consumer-7", 0)?, None);
    assert_eq!(said(&daemon, "begins anew"), before);
    let none = config(&sites, &["orders"]).set("groups", "[]");
    file.rewrite(&none.yaml()?)?;
    daemon.reload()?;
    eventually("the age is told no more", SOON, || {
        let metrics = daemon.metrics()?;
        let age = metrics.sum("kmirror_checkpoint_age_seconds", &[]);
        ensure!(age.is_none(), "{age:?}");
        Ok(())
    });
    Ok(())
}

#[test]
fn two_processes_translate_for_the_partitions_that_each_copies() -> Result<()> {
    let mut sites = orders()?;
    let file: ConfigFile = config(&sites, &["orders"]).write()?;
    let _first = Daemon::start("first", &file)?;
    sites.await_committed("orders");
    let _second = Daemon::start("second", &file)?;
    let client = &mut sites.source.client;
    eventually("both have settled", SOON, || {
        let group = client.group(&crate::harness::group_of("orders"))?;
        let members = group.members.len();
        ensure!(group.state == "Stable" && members == 2, "{group:?}");
        Ok(())
    });
    let offsets = [("orders", 0, 41), ("orders", 1, 42)];
    sites.source.client.commit_with("billing", &offsets, "")?;
    await_published(&mut sites.target, "billing", 0, 41);
    await_published(&mut sites.target, "billing", 1, 42);
    await_moved(&sites, "billing", 0, 41);
    await_moved(&sites, "billing", 1, 42);
    Ok(())
}
