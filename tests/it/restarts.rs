//! What a stop, a kill or a second member costs: nothing lost, and duplicates only where a kill leaves no choice.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use crate::harness::{SOON, Sites, await_state, copy_of, group_of};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const RECORDS: usize = 20_000;

/// Waits until the copy of `orders` has begun, and is far from done.
#[track_caller]
fn await_midstream(sites: &mut Sites) {
    let client = &mut sites.target.client;
    eventually("the copy has begun", SOON, || {
        let copied = client.total_end(&copy_of("orders"))?;
        ensure!(copied > 0, "{copied} records");
        Ok(())
    });
}

fn orders() -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 4, &[])?;
    sites.write("orders", 0, RECORDS)?;
    Ok(sites)
}

#[test]
fn i1_a_position_is_committed_only_behind_acknowledged_records() -> Result<()> {
    let mut sites = orders()?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    await_midstream(&mut sites);
    daemon.kill()?;
    for partition in 0..4 {
        let committed = sites.committed("orders", partition)?.unwrap_or(0);
        let copied = sites.target.client.log_end(&copy_of("orders"), partition)?;
        assert!(
            committed <= copied,
            "partition {partition}: {committed} committed, {copied} copied"
        );
    }
    Ok(())
}

#[test]
fn i8_a_position_is_committed_only_after_the_offset_map_up_to_it_is_durable() -> Result<()> {
    let mut sites = orders()?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let faults = sites.target.cluster().faults();
    let map = faults.on(Api::Produce).topic("__kmirror_offsets");
    let map = map.hold_before();
    sites.write("orders", RECORDS, 500)?;
    sites.await_copied("orders");
    eventually("the map is about to be written", SOON, || {
        ensure!(map.held() > 0, "nothing is held");
        Ok(())
    });
    for partition in 0..4 {
        let committed = sites.committed("orders", partition)?;
        assert_eq!(committed, Some(RECORDS as i64), "partition {partition}");
    }
    map.remove();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_kill_loses_nothing_and_repeats_nothing() -> Result<()> {
    let mut sites = orders()?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("first", &config)?;
    await_midstream(&mut sites);
    daemon.kill()?;
    let _daemon = Daemon::start("second", &config)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_stop_in_midstream_loses_and_repeats_nothing() -> Result<()> {
    let mut sites = orders()?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("first", &config)?;
    await_midstream(&mut sites);
    let ended = daemon.terminate(SOON)?;
    assert_eq!(ended.code(), Some(0));
    let _daemon = Daemon::start("second", &config)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn i6_a_second_member_takes_partitions_over_without_loss_or_repetition() -> Result<()> {
    let mut sites = orders()?;
    let config = sites.config(&["orders"]).write()?;
    let _first = Daemon::start("first", &config)?;
    await_midstream(&mut sites);
    let second = Daemon::start("second", &config)?;
    let client = &mut sites.source.client;
    eventually("both are members and have settled", SOON, || {
        let group = client.group(&group_of("orders"))?;
        ensure!(
            group.state == "Stable" && group.members.len() == 2,
            "{group:?}"
        );
        let mine = second.metrics()?;
        let held = mine
            .select("kmirror_source_position", &[("topic", "orders")])
            .count();
        ensure!(held == 2, "the second member holds {held} of 4 partitions");
        Ok(())
    });
    sites.write("orders", RECORDS, 5_000)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn the_other_member_takes_over_when_one_is_killed() -> Result<()> {
    let mut sites = orders()?;
    let config = sites
        .config(&["orders"])
        .client("session.timeout.ms", "6000")
        .write()?;
    let mut first = Daemon::start("first", &config)?;
    let _second = Daemon::start("second", &config)?;
    await_midstream(&mut sites);
    first.kill()?;
    sites.write("orders", RECORDS, 5_000)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// The partitions of `orders` that a process has in flow.
fn running(daemon: &Daemon) -> Result<Vec<i32>> {
    let status = daemon.status()?;
    let partitions = status["mirrors"][0]["topics"][0]["partitions"].as_array();
    let partitions = partitions.cloned().unwrap_or_default().into_iter();
    let running = partitions.filter(|one| one["state"] == "running");
    let numbers = running.filter_map(|one| one["partition"].as_i64());
    Ok(numbers.map(|number| number as i32).collect())
}

#[test]
fn what_takes_long_to_take_over_holds_up_no_neighbour() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 8, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "24h")
        .client("session.timeout.ms", "6000")
        .write()?;
    let mut first = Daemon::start("first", &config)?;
    let second = Daemon::start("second", &config)?;
    let (own, killed) = eventually("both have partitions", SOON, || {
        let (own, other) = (running(&second)?, running(&first)?);
        ensure!(own.len() + other.len() == 8, "{own:?} {other:?}");
        ensure!(!own.is_empty() && !other.is_empty(), "{own:?} {other:?}");
        Ok((own, other))
    });
    sites.write("orders", 100, 100)?;
    sites.await_copied("orders");
    // What the first has copied is known to nobody, and is read again on the target.
    first.kill()?;
    let faults = sites.target.cluster().faults();
    let looking = faults.on(Api::Fetch).client("kmirror-lookback");
    let looking = looking.hold_before();
    sites.target.await_hits(&looking, 1);
    sites.write("orders", 200, 100)?;
    let copy = &mut sites.target.client;
    eventually("the neighbours flow meanwhile", SOON, || {
        for partition in &own {
            let copied = copy.log_end(&copy_of("orders"), *partition)?;
            ensure!(copied == 300, "partition {partition}: {copied}");
        }
        Ok(())
    });
    for partition in &killed {
        assert_eq!(copy.log_end(&copy_of("orders"), *partition)?, 200);
    }
    assert!(looking.held() > 0, "{looking}");
    looking.release();
    sites.await_copied("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_copy_that_cannot_be_read_back_holds_up_no_other_topic_of_its_group() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "refunds"] {
        sites.source.client.create_topic(topic, 1, &[])?;
        sites.write(topic, 0, 100)?;
    }
    let config = sites
        .config(&["orders", "refunds"])
        .set("consumer_groups", "shared")
        .set("commit_interval", "24h")
        .client("session.timeout.ms", "6000")
        .write()?;
    let mut daemon = Daemon::start("killed", &config)?;
    sites.await_copied("orders");
    sites.await_copied("refunds");
    daemon.kill()?;
    let faults = sites.target.cluster().faults();
    let refused = faults.on(Api::Fetch).client("kmirror-lookback");
    let refused = refused.topic(copy_of("orders"));
    let refused = refused.fail(ErrorCode::TopicAuthorizationFailed);
    let daemon = Daemon::start("next", &config)?;
    sites.target.await_hits(&refused, 1);
    for topic in ["orders", "refunds"] {
        sites.write(topic, 100, 100)?;
    }
    sites.await_copied("refunds");
    let reason = await_state(&daemon, "orders", 0, "paused");
    assert!(reason.contains("uthorization"), "{reason}");
    let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
    assert_eq!(copied, 100);
    refused.remove();
    sites.await_copied("orders");
    sites.assert_exact("refunds")?;
    sites.assert_exact("orders")
}

#[test]
fn a_daemon_started_before_its_clusters_waits_for_them() -> Result<()> {
    let mut sites = orders()?;
    sites.source.stop();
    sites.target.stop();
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    eventually(
        "readyz names both clusters",
        Duration::from_secs(30),
        || {
            let answer = daemon.readyz()?;
            let named = answer.body.contains("source") && answer.body.contains("target");
            ensure!(answer.status == 503 && named, "{answer:?}");
            Ok(())
        },
    );
    sites.source.restart()?;
    sites.target.restart()?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}
