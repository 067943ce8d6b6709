//! Leaders that move, or are missing for a while, on either side: nothing is lost, nothing comes twice.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use super::{RECORDS, await_begun, orders, slow_down};
use crate::harness::{SOON, Site, Sites, await_state, copy_of};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const STORM: Duration = Duration::from_secs(20);
const BETWEEN_MOVES: Duration = Duration::from_millis(200);

/// Moves every partition of a topic to the next node.
fn move_on(site: &Site, topic: &str) -> Result<()> {
    for partition in 0..4 {
        let leader = site.cluster().leader(topic, partition);
        let next = (leader.context("it is led")? + 1) % 3;
        site.cluster().move_leader(topic, partition, next)?;
    }
    Ok(())
}

#[track_caller]
fn await_noticed(site: &Site, api: Api) {
    eventually("somebody asked an old leader", SOON, || {
        let refused = site.answered_with(api, ErrorCode::NotLeaderOrFollower);
        ensure!(refused > 0, "nobody");
        Ok(())
    });
}

#[test]
fn a_leader_that_moves_on_the_source_costs_nothing() -> Result<()> {
    let mut sites = orders(3)?;
    slow_down(&sites);
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    move_on(&sites.source, "orders")?;
    await_noticed(&sites.source, Api::Fetch);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_leader_that_moves_on_the_target_costs_nothing() -> Result<()> {
    let mut sites = orders(3)?;
    slow_down(&sites);
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    move_on(&sites.target, &copy_of("orders"))?;
    await_noticed(&sites.target, Api::Produce);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_storm_of_leaders_that_move_on_both_sides_costs_nothing() -> Result<()> {
    let mut sites = orders(3)?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    let (begun, mut written) = (Instant::now(), RECORDS);
    while begun.elapsed() < STORM {
        sites.source.cluster().shuffle_leaders()?;
        sites.target.cluster().shuffle_leaders()?;
        sites.write("orders", written, 50)?;
        written += 50;
        thread::sleep(BETWEEN_MOVES);
    }
    sites.await_committed("orders");
    await_noticed(&sites.source, Api::Fetch);
    await_noticed(&sites.target, Api::Produce);
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_partition_without_a_leader_on_the_source_waits_for_one_alone() -> Result<()> {
    let mut sites = orders(3)?;
    sites.source.cluster().set_leaderless("orders", 0)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_others(&mut sites);
    let reason = await_state(&daemon, "orders", 0, "paused");
    assert!(reason.contains("Leader not available"), "{reason}");
    assert_eq!(sites.target.client.log_end(&copy_of("orders"), 0)?, 0);
    sites.source.cluster().move_leader("orders", 0, 1)?;
    sites.await_committed("orders");
    await_state(&daemon, "orders", 0, "running");
    sites.assert_exact("orders")
}

#[test]
fn a_partition_without_a_leader_on_the_target_waits_for_one_alone() -> Result<()> {
    let mut sites = orders(3)?;
    slow_down(&sites);
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    let copy = copy_of("orders");
    sites.target.cluster().set_leaderless(&copy, 0)?;
    await_others(&mut sites);
    assert!(sites.target.cluster().log_end(&copy, 0) < Some(RECORDS as i64));
    sites.target.cluster().move_leader(&copy, 0, 1)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// Waits until every partition but the first is copied.
#[track_caller]
fn await_others(sites: &mut Sites) {
    let copy = copy_of("orders");
    eventually("the other partitions are copied", SOON, || {
        let ends = (1..4).map(|at| sites.target.cluster().log_end(&copy, at));
        let ends: Vec<_> = ends.collect();
        let done = ends.iter().all(|end| *end == Some(RECORDS as i64));
        ensure!(done, "{ends:?}");
        Ok(())
    });
}
