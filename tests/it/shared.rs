//! One consumer group for all topics of a mirror.

use anyhow::{Context, Result, ensure};

use crate::harness::{SOON, Sites, await_state, metric};
use crate::support::cli::kmirror_on;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// The group of the mirror in every configuration here.
pub const GROUP: &str = "kmirror.source-target";

const TOPICS: [&str; 4] = ["clicks", "orders", "payments", "refunds"];

/// Topics of three partitions with `count` records in each.
fn topics(count: usize) -> Result<Sites> {
    let mut sites = Sites::start()?;
    for topic in TOPICS {
        sites.source.client.create_topic(topic, 3, &[])?;
        sites.write(topic, 0, count)?;
    }
    Ok(sites)
}

fn config(sites: &Sites) -> Result<ConfigFile> {
    let config = sites.config(&[".*"]).set("consumer_groups", "shared");
    config.set("consumers", "3").write()
}

/// Waits until the group has committed everything that is on the source.
#[track_caller]
pub fn await_committed(sites: &mut Sites, topic: &str) {
    let client = &mut sites.source.client;
    eventually(&format!("{topic} is committed"), SOON, || {
        let lag = client.group_lag(GROUP, topic)?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
}

/// How often the group has shared partitions of `topic` out, as one process saw it.
fn rebalances(daemon: &Daemon, topic: &str) -> Result<f64> {
    metric(daemon, "kmirror_rebalances_total", topic)
}

#[test]
fn one_group_copies_every_topic() -> Result<()> {
    let mut sites = topics(1_000)?;
    let _daemon = Daemon::start("daemon", &config(&sites)?)?;
    for topic in TOPICS {
        await_committed(&mut sites, topic);
        sites.assert_exact(topic)?;
    }
    let groups = sites.source.client.groups()?;
    assert_eq!(groups, [GROUP]);
    assert_eq!(sites.source.client.group(GROUP)?.members.len(), 3);
    Ok(())
}

#[test]
fn the_clusters_alone_tell_how_every_topic_of_the_group_stands() -> Result<()> {
    let mut sites = topics(100)?;
    let config = config(&sites)?;
    let mut daemon = Daemon::start("daemon", &config)?;
    for topic in TOPICS {
        await_committed(&mut sites, topic);
    }
    assert!(daemon.terminate(SOON)?.success());
    sites.write("payments", 100, 7)?;
    let told = kmirror_on(config.path(), &["status", "--json"])?;
    let status: serde_json::Value = serde_json::from_str(&told.stdout)?;
    let topics = status["mirrors"][0]["topics"].as_array();
    let topics = topics.context("topics are told")?.iter();
    let lags = topics.filter_map(|topic| {
        assert_eq!(topic["group"], GROUP);
        Some((
            topic["source_topic"].as_str()?,
            topic["lag_records"].as_u64()?,
        ))
    });
    let lags: Vec<_> = lags.collect();
    let expected = [
        ("clicks", 0),
        ("orders", 0),
        ("payments", 21),
        ("refunds", 0),
    ];
    assert_eq!(lags, expected);
    Ok(())
}

#[test]
fn a_topic_that_appears_takes_no_partition_from_its_neighbours() -> Result<()> {
    let mut sites = topics(100)?;
    // One consumer has them all, so that none can be moved for the sake of balance.
    let config = sites.config(&[".*"]).set("consumer_groups", "shared");
    let daemon = Daemon::start("daemon", &config.set("consumers", "1").write()?)?;
    for topic in TOPICS {
        await_committed(&mut sites, topic);
    }
    let before = rebalances(&daemon, "orders")?;
    sites.source.client.create_topic("new", 3, &[])?;
    sites.write("new", 0, 100)?;
    await_committed(&mut sites, "new");
    assert_eq!(rebalances(&daemon, "orders")?, before);
    for topic in TOPICS.into_iter().chain(["new"]) {
        sites.assert_exact(topic)?;
    }
    Ok(())
}

#[test]
fn a_topic_that_vanishes_leaves_its_neighbours_in_flow() -> Result<()> {
    let mut sites = topics(100)?;
    let daemon = Daemon::start("daemon", &config(&sites)?)?;
    for topic in TOPICS {
        await_committed(&mut sites, topic);
    }
    sites.source.client.delete_topic("orders")?;
    eventually("the topic is stopped", SOON, || {
        let status = daemon.status()?;
        let topics = status["mirrors"][0]["topics"].as_array().cloned();
        let mut topics = topics.unwrap_or_default().into_iter();
        let orders = topics.find(|topic| topic["source_topic"] == "orders");
        let state = orders.context("the topic is told of")?["state"].clone();
        ensure!(state == "stopped", "{state}");
        Ok(())
    });
    for topic in ["clicks", "payments", "refunds"] {
        sites.write(topic, 100, 100)?;
        await_committed(&mut sites, topic);
        sites.assert_exact(topic)?;
    }
    let copies = sites.target.client.topics()?;
    assert!(copies.contains(&"source.orders".to_owned()), "{copies:?}");
    Ok(())
}

#[test]
fn what_stops_one_topic_stops_no_other() -> Result<()> {
    let mut sites = topics(100)?;
    let limit = [("max.message.bytes", "300")];
    let target = &mut sites.target.client;
    target.create_topic("source.orders", 3, &limit)?;
    let config = sites.config(&[".*"]).set("consumer_groups", "shared");
    let config = config.set("compression", "none");
    // The source's own limit would make the copy take the records.
    let config = config.set("sync_topic_configs", "false");
    let daemon = Daemon::start("daemon", &config.write()?)?;
    await_state(&daemon, "orders", 0, "rejected");
    for topic in ["clicks", "payments", "refunds"] {
        await_committed(&mut sites, topic);
        sites.assert_exact(topic)?;
    }
    Ok(())
}

#[test]
fn a_copy_that_nobody_leads_holds_up_its_own_partition_only() -> Result<()> {
    let mut sites = topics(100)?;
    sites.target.client.create_topic("source.orders", 3, &[])?;
    sites.target.cluster().set_leaderless("source.orders", 0)?;
    let daemon = Daemon::start("daemon", &config(&sites)?)?;
    for topic in ["clicks", "payments", "refunds"] {
        await_committed(&mut sites, topic);
        sites.assert_exact(topic)?;
    }
    let told = await_state(&daemon, "orders", 0, "paused");
    assert!(told.contains("source.orders/0"), "{told}");
    await_state(&daemon, "orders", 1, "running");
    Ok(())
}

#[test]
fn processes_share_the_topics_and_take_over_from_one_that_is_killed() -> Result<()> {
    let mut sites = topics(2_000)?;
    let config = config(&sites)?;
    let mut first = Daemon::start("first", &config)?;
    let second = Daemon::start("second", &config)?;
    eventually("both have partitions", SOON, || {
        for daemon in [&first, &second] {
            let metrics = daemon.metrics()?;
            let running = metrics.sum("kmirror_partition_state", &[("state", "running")]);
            ensure!(running > Some(0.0), "{running:?}");
        }
        Ok(())
    });
    first.kill()?;
    for topic in TOPICS {
        sites.write(topic, 2_000, 500)?;
        await_committed(&mut sites, topic);
        sites.assert_exact(topic)?;
    }
    drop(second);
    Ok(())
}

#[test]
fn records_of_new_partitions_are_copied_from_the_first_on() -> Result<()> {
    for groups in ["shared", "per_topic"] {
        let mut sites = Sites::start()?;
        sites.source.client.create_topic("orders", 1, &[])?;
        // More than the source has for now, so that the copy is ready for them.
        sites.target.client.create_topic("source.orders", 3, &[])?;
        sites.write("orders", 0, 100)?;
        let config = sites.config(&["orders"]).set("start", "latest");
        let config = config.set("consumer_groups", groups).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        await_state(&daemon, "orders", 0, "running");
        sites.source.client.grow_topic("orders", 3)?;
        sites.write("orders", 100, 100)?;
        let target = &mut sites.target.client;
        eventually("the new partitions are copied", SOON, || {
            for partition in 1..3 {
                let copied = target.log_end("source.orders", partition)?;
                ensure!(copied == 100, "{groups}: partition {partition}: {copied}");
            }
            Ok(())
        });
    }
    Ok(())
}

#[test]
fn a_mirror_goes_on_where_it_was_when_its_groups_change() -> Result<()> {
    for to_shared in [true, false] {
        let mut sites = topics(100)?;
        let mut configs = [sites.config(&[".*"]).write()?, config(&sites)?];
        if !to_shared {
            configs.reverse();
        }
        for (turn, config) in configs.iter().enumerate() {
            let mut daemon = Daemon::start(&format!("daemon-{turn}"), config)?;
            for topic in TOPICS {
                sites.await_copied(topic);
                sites.write(topic, 100 * (turn + 1), 100)?;
                sites.await_copied(topic);
            }
            assert!(daemon.terminate(SOON)?.success());
        }
        for topic in TOPICS {
            sites.assert_exact(topic)?;
        }
    }
    Ok(())
}
