//! SIGHUP: the file is read again, and only what it changes is touched.

use anyhow::{Context, Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Site, Sites, await_ready, copy_of, group_of};
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// Has the daemon read `config` from now on, and waits until it says `words`.
#[track_caller]
fn reload(daemon: &mut Daemon, file: &ConfigFile, config: &str, words: &str) -> Result<()> {
    let before = said(daemon, words);
    file.rewrite(config)?;
    daemon.reload()?;
    await_said(daemon, words, before + 1);
    Ok(())
}

fn said(daemon: &Daemon, words: &str) -> usize {
    let log = daemon.log();
    log.lines().filter(|line| line.contains(words)).count()
}

#[track_caller]
fn await_said(daemon: &Daemon, words: &str, times: usize) {
    eventually(&format!("it says {words:?}"), SOON, || {
        let said = said(daemon, words);
        ensure!(said >= times, "{said} times");
        Ok(())
    });
}

const DONE: &str = "the configuration is in effect";

/// How often a member asked to join the group of `topic`.
fn joins(site: &Site, topic: &str) -> usize {
    let asked = site.cluster().journal().into_iter();
    let group = group_of(topic);
    let joins = asked.filter(|entry| entry.api == Api::JoinGroup && entry.groups.contains(&group));
    joins.count()
}

/// The topics of one mirror in the status.
fn topics(daemon: &Daemon, mirror: &str) -> Result<Vec<String>> {
    let status = daemon.status()?;
    let mirrors = status["mirrors"].as_array().context("no mirrors")?;
    let found = mirrors.iter().find(|one| one["name"] == mirror);
    let topics = found.context("no such mirror")?["topics"].as_array();
    let topics = topics.context("no topics")?.iter();
    let names = topics.map(|topic| topic["source_topic"].as_str().unwrap_or_default());
    Ok(names.map(str::to_owned).collect())
}

/// Of the named topics, without heartbeats to wait for.
fn config(sites: &Sites, topics: &[&str]) -> Config {
    sites.config(topics).set("heartbeats", "'off'")
}

#[test]
fn a_wrong_file_is_told_in_full_and_changes_nothing() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let file = config(&sites, &["orders"]).write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    let wrong = config(&sites, &["("]).set("compression", "zip").yaml()?;
    reload(
        &mut daemon,
        &file,
        &wrong,
        "the configuration is wrong, nothing was changed",
    )?;
    for place in ["mirrors[0].topics[0]", "mirrors[0].compression"] {
        assert_eq!(said(&daemon, place), 1, "{place}");
    }
    sites.write("orders", 10, 100)?;
    sites.await_committed("orders");
    await_ready(&daemon, 200);
    sites.assert_exact("orders")
}

#[test]
fn topics_come_and_go_and_those_that_stay_are_not_interrupted() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "old", "new"] {
        sites.source.client.create_topic(topic, 2, &[])?;
        sites.write(topic, 0, 50)?;
    }
    let file = config(&sites, &["orders", "old"]).write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    sites.await_committed("old");
    let members = sites.source.client.group(&group_of("orders"))?;
    let joined = joins(&sites.source, "orders");
    let changed = config(&sites, &["orders", "new"])
        .set("exclude_configs", "[retention.ms]")
        .yaml()?;
    reload(&mut daemon, &file, &changed, DONE)?;
    sites.await_committed("new");
    eventually("the status follows", SOON, || {
        let topics = topics(&daemon, "source-target")?;
        ensure!(topics == ["new", "orders"], "{topics:?}");
        Ok(())
    });
    eventually("the group of old is left", SOON, || {
        let group = sites.source.client.group(&group_of("old"))?;
        ensure!(group.members.is_empty(), "{group:?}");
        Ok(())
    });
    sites.write("orders", 50, 50)?;
    sites.write("old", 50, 50)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")?;
    assert_eq!(sites.target.client.total_end(&copy_of("old"))?, 100);
    // Nobody had to join again for any of it.
    assert_eq!(sites.source.client.group(&group_of("orders"))?, members);
    assert_eq!(joins(&sites.source, "orders"), joined);
    await_ready(&daemon, 200);
    Ok(())
}

#[test]
fn what_the_data_path_is_built_from_begins_that_mirror_anew_and_no_other() -> Result<()> {
    let mut sites = Sites::start()?;
    let mut other = Site::start(1)?;
    sites.source.client.create_topic("orders", 2, &[])?;
    other.client.create_topic("visits", 1, &[])?;
    let bootstrap = other.bootstrap().to_owned();
    let both = |config: Config| config.beside(&bootstrap);
    let file = both(config(&sites, &["orders"])).write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.write("orders", 0, 500)?;
    sites.await_committed("orders");
    let group = "kmirror.other-target.visits";
    let members = eventually("visits is mirrored", SOON, || {
        let group = other.client.group(group)?;
        ensure!(
            group.state == "Stable" && !group.members.is_empty(),
            "{group:?}"
        );
        Ok(group)
    });
    let changed = both(config(&sites, &["orders"]).set("compression", "zstd"));
    reload(&mut daemon, &file, &changed.yaml()?, "mirror started")?;
    assert_eq!(said(&daemon, "begins anew"), 1);
    assert_eq!(said(&daemon, "\"keys\":\"compression\""), 1);
    sites.write("orders", 500, 500)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")?;
    assert_eq!(other.client.group(group)?, members);
    await_ready(&daemon, 200);
    Ok(())
}

#[test]
fn mirrors_come_and_go_with_their_clusters() -> Result<()> {
    let mut sites = Sites::start()?;
    let mut other = Site::start(1)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    other.client.create_topic("visits", 1, &[])?;
    let alone = config(&sites, &["orders"]).yaml()?;
    let both = config(&sites, &["orders"])
        .beside(other.bootstrap())
        .yaml()?;
    let file = ConfigFile::of(&alone)?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    let joined = joins(&sites.source, "orders");
    reload(&mut daemon, &file, &both, DONE)?;
    eventually("the new mirror has a topic", SOON, || {
        let topics = topics(&daemon, "other-target")?;
        ensure!(topics == ["visits"], "{topics:?}");
        Ok(())
    });
    await_ready(&daemon, 200);
    reload(&mut daemon, &file, &alone, DONE)?;
    assert!(topics(&daemon, "other-target").is_err());
    let metrics = daemon.metrics()?;
    assert_eq!(
        metrics.sum("kmirror_cluster_up", &[("cluster", "other")]),
        None
    );
    let group = "kmirror.other-target.visits";
    eventually("its group is left", SOON, || {
        let group = other.client.group(group)?;
        ensure!(group.members.is_empty(), "{group:?}");
        Ok(())
    });
    // Its cluster does not matter any more.
    other.stop();
    await_ready(&daemon, 200);
    assert_eq!(joins(&sites.source, "orders"), joined);
    sites.write("orders", 10, 10)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn heartbeats_and_the_log_level_change_in_place_and_memory_does_not() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let file = config(&sites, &["orders"]).write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    let joined = joins(&sites.source, "orders");
    let budget = |daemon: &Daemon| Ok(daemon.metrics()?.sum("kmirror_memory_budget_bytes", &[]));
    let before: Result<_> = budget(&daemon);
    let changed = sites.config(&["orders"]).top("memory", "1GiB").yaml()?;
    let changed = changed.replace("level: info", "level: trace");
    reload(
        &mut daemon,
        &file,
        &changed,
        "takes effect with the next start of the process",
    )?;
    await_said(&daemon, DONE, 1);
    eventually("heartbeats are written", SOON, || {
        let beats = sites.target.client.total_end("heartbeats")?;
        ensure!(beats > 2, "{beats}");
        Ok(())
    });
    await_said(&daemon, "\"level\":\"TRACE\"", 1);
    assert_eq!(budget(&daemon)?, before?);
    let changed = config(&sites, &["orders"]).top("memory", "1GiB").yaml()?;
    reload(&mut daemon, &file, &changed, DONE)?;
    eventually("their age is told no more", SOON, || {
        let metrics = daemon.metrics()?;
        let mut ages = metrics.select("kmirror_heartbeat_age_seconds", &[]);
        ensure!(ages.next().is_none(), "it is");
        Ok(())
    });
    assert_eq!(joins(&sites.source, "orders"), joined);
    Ok(())
}
