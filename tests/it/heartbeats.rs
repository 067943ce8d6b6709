//! Heartbeats are written, cross, and tell how old the newest is.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Site, Sites, await_ready, group_of};
use crate::support::client::Client;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const HEARTBEATS: &str = "heartbeats";
const COPY: &str = "source.heartbeats";

/// The direction from `source` to `target`, as the key says it.
const KEY: &[u8] = b"\x00\x06source\x00\x06target";

fn config(sites: &Sites, heartbeats: &str) -> Result<ConfigFile> {
    let config = sites.config(&["orders"]).set("heartbeat_interval", "200ms");
    config.set("heartbeats", &format!("{heartbeats:?}")).write()
}

/// Waits until the topic holds at least so many records; answers with how many it held before.
#[track_caller]
fn await_records(client: &mut Client, topic: &str, records: i64) -> i64 {
    eventually(&format!("{topic} has {records} records"), SOON, || {
        let end = client.total_end(topic)?;
        ensure!(end >= records, "{end}");
        Ok(end)
    })
}

fn age(daemon: &Daemon) -> Result<f64> {
    let metrics = daemon.metrics()?;
    let age = metrics.sum(
        "kmirror_heartbeat_age_seconds",
        &[("mirror", "source-target")],
    );
    age.context("no age")
}

#[track_caller]
fn await_age(daemon: &Daemon, what: &str, is_it: impl Fn(f64) -> bool) {
    eventually(&format!("the newest heartbeat is {what}"), SOON, || {
        let age = age(daemon)?;
        ensure!(is_it(age), "{age}");
        Ok(())
    });
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_millis() as i64
}

#[test]
fn the_target_is_told_in_mirror_makers_format_and_the_source_left_alone() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = config(&sites, "target")?;
    let started = now_ms();
    let daemon = Daemon::start("daemon", &config)?;
    for topic in [HEARTBEATS, COPY] {
        let target = &mut sites.target.client;
        await_records(target, topic, 3);
        assert_eq!(target.partitions(topic)?, 1);
        let policy = target.topic_config(topic, "cleanup.policy")?;
        assert_eq!(policy.as_deref(), Some("compact"));
        let record = target.read_one(topic, 0, 2)?.context("no record")?.record;
        assert_eq!(record.key.as_deref(), Some(KEY));
        let value = record.value.context("no value")?;
        let (version, time) = value.split_at(2);
        let time = i64::from_be_bytes(time.try_into()?);
        assert_eq!(version, [0, 0]);
        assert!(started <= time && time <= now_ms(), "{time}");
        assert_eq!(record.timestamp, time);
    }
    assert!(sites.source.client.topics()?.is_empty());
    await_age(&daemon, "young", |age| age < 2.0);
    Ok(())
}

#[test]
fn the_age_grows_while_nothing_crosses() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = config(&sites, "target")?;
    let daemon = Daemon::start("daemon", &config)?;
    await_age(&daemon, "young", |age| age < 1.0);
    sites.target.stop();
    await_age(&daemon, "old", |age| age > 3.0);
    sites.target.restart()?;
    await_age(&daemon, "young again", |age| age < 1.0);
    Ok(())
}

#[test]
fn with_both_the_sources_heartbeats_come_through_the_mirror() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = config(&sites, "both")?;
    let daemon = Daemon::start("daemon", &config)?;
    await_records(&mut sites.source.client, HEARTBEATS, 3);
    let client = &mut sites.source.client;
    eventually("the mirror has copied some", SOON, || {
        let committed = client.committed(&group_of(HEARTBEATS), HEARTBEATS, 0)?;
        ensure!(committed >= Some(3), "{committed:?}");
        Ok(())
    });
    await_age(&daemon, "young", |age| age < 2.0);
    // Only the mirror copies from now on: once it cannot read, nothing crosses, though the target takes everything.
    let fault = sites.source.on(Api::Fetch).hold_before();
    sites.source.await_hits(&fault, 1);
    await_age(&daemon, "old", |age| age > 3.0);
    let before = sites.target.client.total_end(HEARTBEATS)?;
    await_records(&mut sites.target.client, HEARTBEATS, before + 1);
    fault.remove();
    await_age(&daemon, "young again", |age| age < 2.0);
    Ok(())
}

#[test]
fn every_process_knows_the_age_whoever_copies() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = config(&sites, "both")?;
    let daemons = [
        Daemon::start("first", &config)?,
        Daemon::start("second", &config)?,
    ];
    let client = &mut sites.source.client;
    eventually("both are members", SOON, || {
        let members = client.group(&group_of(HEARTBEATS))?.members;
        ensure!(members.len() == 2, "{members:?}");
        Ok(())
    });
    for daemon in &daemons {
        await_age(daemon, "young", |age| age < 2.0);
    }
    Ok(())
}

#[test]
fn without_leave_to_create_topics_none_is_created_and_it_is_said_once() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = sites
        .config(&["orders"])
        .set("heartbeat_interval", "200ms")
        .set("create_topics", "false")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let said = |daemon: &Daemon| {
        let log = daemon.log();
        let lines = log.lines().filter(|line| {
            line.contains("heartbeats cannot be written")
                && line.contains("create_topics is false")
                && line.contains(&format!("{HEARTBEATS:?}"))
        });
        lines.count()
    };
    eventually("it is said", SOON, || match said(&daemon) {
        0 => Err("not yet"),
        _ => Ok(()),
    });
    assert!(sites.target.client.topics()?.is_empty());
    sites.target.client.create_topic(HEARTBEATS, 1, &[])?;
    await_records(&mut sites.target.client, HEARTBEATS, 2);
    assert_eq!(said(&daemon), 1);
    assert_eq!(sites.target.client.topics()?, [HEARTBEATS]);
    Ok(())
}

#[test]
fn without_heartbeats_nothing_is_written_and_no_age_is_told() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = config(&sites, "off")?;
    let daemon = Daemon::start("daemon", &config)?;
    await_ready(&daemon, 200);
    sites.await_committed("orders");
    assert_eq!(sites.target.client.visible_topics()?, ["source.orders"]);
    assert!(age(&daemon).is_err());
    Ok(())
}

/// Sites a, b, c in a row, and the mirrors between them.
fn chain(sites: &[Site; 3], mirrors: &[[&str; 2]]) -> Result<ConfigFile> {
    let mut yaml = "clusters:\n".to_owned();
    for (name, site) in ["a", "b", "c"].iter().zip(sites) {
        yaml += &format!(
            "  {name}: {{ bootstrap_servers: {:?} }}\n",
            site.bootstrap()
        );
    }
    yaml += "mirrors:\n";
    for [source, target] in mirrors {
        yaml += &format!(
            "  - {{ source: {source}, target: {target}, topics: [orders], discovery_interval: 500ms }}\n"
        );
    }
    yaml += "http: { listen: \"127.0.0.1:0\" }\nlog: { format: json }\n";
    ConfigFile::of(&yaml)
}

#[test]
fn the_way_is_told_over_several_hops_and_never_back() -> Result<()> {
    let mut sites = [Site::start(1)?, Site::start(1)?, Site::start(1)?];
    let config = chain(&sites, &[["a", "b"], ["b", "c"], ["b", "a"]])?;
    let daemon = Daemon::start("daemon", &config)?;
    let [a, b, c] = &mut sites;
    for (site, topics) in [
        (a, &["b.heartbeats", "heartbeats"][..]),
        (b, &["a.heartbeats", "heartbeats"]),
        (c, &["b.a.heartbeats", "b.heartbeats", "heartbeats"]),
    ] {
        for topic in topics {
            await_records(&mut site.client, topic, 2);
        }
        assert_eq!(site.client.visible_topics()?, topics);
    }
    // What is not sent home is not a trouble either.
    for mirror in daemon.status()?["mirrors"].as_array().context("mirrors")? {
        assert_ne!(mirror["state"], "stopped", "{mirror}");
    }
    Ok(())
}
