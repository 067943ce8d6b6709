//! A node that goes down is done without; both clusters may go away together, and what is away is told truthfully.

use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, Cluster};

use super::{RECORDS, Side, assert_under_way, hold_up, orders, orders_of};
use crate::harness::{
    SOON, Sites, await_cluster_up, await_ready, await_state, copy_of, group_of, metric,
};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// What kmirror's questions about topics are asked by.
const INSPECTOR: &str = "kmirror-source-target";

/// Waits until all is committed, while each look at the clusters is answered by some node.
#[track_caller]
fn await_committed_while_up(sites: &mut Sites, daemon: &Daemon) {
    let source = &mut sites.source.client;
    eventually("orders is committed", SOON, || {
        assert_up(daemon);
        let lag = source.group_lag(&group_of("orders"), "orders")?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
}

/// # Panics
/// When the daemon takes a cluster for away.
#[track_caller]
fn assert_up(daemon: &Daemon) {
    let metrics = daemon.metrics().expect("the daemon runs");
    for cluster in ["source", "target"] {
        let up = metrics.sum("kmirror_cluster_up", &[("cluster", cluster)]);
        assert_eq!(up, Some(1.0), "{cluster}");
    }
}

/// Mirrors while one node of three is down, and when it is back.
fn done_without(side: Side, node: fn(&Cluster) -> Option<i32>) -> Result<()> {
    let mut sites = orders(3)?;
    let config = sites.config(&["orders"]).write()?;
    let held = hold_up(&sites);
    let daemon = Daemon::start("daemon", &config)?;
    sites.target.await_hits(&held, 1);
    let node = node(side.of(&mut sites).cluster()).context("there is such a node")?;
    side.of(&mut sites).stop_node(node)?;
    assert_under_way(&sites);
    held.release();
    sites.write("orders", RECORDS, 500)?;
    await_committed_while_up(&mut sites, &daemon);
    await_ready(&daemon, 200);
    side.of(&mut sites).start_node(node)?;
    sites.write("orders", RECORDS + 500, 500)?;
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_source_node_that_goes_down_is_done_without() -> Result<()> {
    done_without(Side::Source, |source| {
        source.coordinator(&group_of("orders"))
    })
}

#[test]
fn a_target_node_that_goes_down_is_done_without() -> Result<()> {
    done_without(Side::Target, |target| target.leader(&copy_of("orders"), 0))
}

/// The session ends with records in flight that can neither be written nor called back: what becomes of them is waited for.
#[test]
fn two_clusters_that_go_away_together_get_each_record_once() -> Result<()> {
    let mut sites = orders(1)?;
    // Slow writes keep the flight full.
    let a_while = Duration::from_millis(300);
    let slow = sites.target.on(Api::Produce).delay_before(a_while);
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    eventually("records are in flight", SOON, || {
        let in_flight = metric(&daemon, "kmirror_inflight_records", "orders")?;
        ensure!(in_flight > 0.0, "{in_flight}");
        Ok(())
    });
    sites.target.stop_node(0)?;
    sites.source.stop_node(0)?;
    eventually("the session is over", SOON, || {
        ensure!(daemon.log().contains("partitions lost"), "it goes on");
        Ok(())
    });
    slow.remove();
    sites.source.start_node(0)?;
    let told = await_state(&daemon, "orders", 0, "paused");
    assert!(told.contains("it is not known where to begin"), "{told}");
    sites.target.start_node(0)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// Waits until the clusters have been looked at that often since now, and each look was answered by some node.
#[track_caller]
fn await_looks(sites: &Sites, daemon: &Daemon, looks: usize) {
    let begun = SystemTime::now();
    eventually(&format!("{looks} looks"), SOON, || {
        assert_up(daemon);
        let ready = daemon.readyz()?;
        assert_eq!(ready.status, 200, "{ready:?}");
        // One look asks both clusters.
        let asked = sites.source.cluster().journal().into_iter();
        let answered = asked
            .filter(|entry| entry.api == Api::Metadata && entry.client_id == INSPECTOR)
            .filter(|entry| entry.arrived > begun && entry.answered.is_some());
        let answered = answered.count();
        ensure!(answered >= looks, "{answered}");
        Ok::<_, anyhow::Error>(())
    });
}

#[test]
fn a_cluster_of_which_one_node_is_down_is_not_told_to_be_away() -> Result<()> {
    let mut sites = orders_of(3, 100)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    await_ready(&daemon, 200);
    // The first node is asked first, and where it is down the next one.
    for node in 0..3 {
        for side in [Side::Source, Side::Target] {
            side.of(&mut sites).stop_node(node)?;
            await_looks(&sites, &daemon, 6);
            side.of(&mut sites).start_node(node)?;
        }
    }
    Ok(())
}

#[test]
fn clusters_that_are_away_are_not_asked_without_a_pause() -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).set("heartbeats", "both");
    let daemon = Daemon::start("daemon", &config.write()?)?;
    sites.await_committed("orders");
    sites.source.stop_node(0)?;
    sites.target.stop_node(0)?;
    await_ready(&daemon, 503);
    let before = daemon.cpu_time()?;
    let observed = Duration::from_secs(10);
    thread::sleep(observed);
    let used = daemon.cpu_time()? - before;
    assert!(used < observed / 4, "{used:?} of processors");
    Ok(())
}

#[test]
fn an_outage_is_told_while_it_lasts_and_no_longer() -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    for cluster in ["source", "target"] {
        await_ready(&daemon, 200);
        let site = match cluster {
            "source" => &mut sites.source,
            _ => &mut sites.target,
        };
        site.stop_node(0)?;
        let told = await_ready(&daemon, 503);
        assert!(told.contains(cluster), "{told}");
        await_cluster_up(&daemon, cluster, 0.0);
        site.start_node(0)?;
        await_ready(&daemon, 200);
        await_cluster_up(&daemon, cluster, 1.0);
    }
    sites.assert_exact("orders")
}

/// As librdkafka may forget its topics in an outage, and then joins without any (librdkafka#5301): here it waits for ever to
/// join at all.
#[test]
fn members_that_have_no_partition_long_after_an_outage_are_made_anew() -> Result<()> {
    let (mut sites, _config, daemon) = Sites::mirrored(1, 100)?;
    sites.source.stop();
    await_ready(&daemon, 503);
    sites.source.restart()?;
    let stuck = sites.source.on(Api::JoinGroup).first(1).hold_before();
    sites.source.cluster().expire_members(&group_of("orders"))?;
    sites.source.await_hits(&stuck, 1);
    eventually("new members take over", SOON, || {
        let log = daemon.log();
        let told = log.contains("no partition was assigned since the source was away");
        ensure!(told, "not yet");
        Ok(())
    });
    sites.write("orders", 100, 100)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}
