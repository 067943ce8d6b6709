//! A partition that stands still with a part of the memory in its hands: the others keep flowing, and finish.

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use super::{RECORDS, orders};
use crate::harness::{SOON, Site, budget, copy_of, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A quarter of it is for records in flight: less than half of the load of one topic.
const MEMORY: &str = "16MiB";

#[test]
fn a_stalled_partition_holds_half_of_the_memory_at_most_and_starves_nobody() -> Result<()> {
    let mut sites = orders(1)?;
    sites.source.client.create_topic("stalled", 1, &[])?;
    sites.write("stalled", 0, 4 * RECORDS)?;
    let copy = copy_of("stalled");
    // Once it flows: its first records fly alone.
    let lacking = sites.target.on(Api::Produce).topic(&copy).after(2);
    let lacking = lacking.fail(ErrorCode::NotEnoughReplicas);
    let config = sites
        .config(&["orders", "stalled"])
        .top("memory", MEMORY)
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let held = eventually("the stalled partition holds what it may", SOON, || {
        let (_, budget) = budget(&daemon)?;
        let held = metric(&daemon, "kmirror_inflight_bytes", "stalled")?;
        ensure!(held > budget * 0.3, "{held} of {budget} bytes");
        Ok(held)
    });
    let copied = sites.target.cluster().log_end(&copy, 0);
    sites.await_committed("orders");
    sites.write("orders", RECORDS, RECORDS)?;
    sites.await_committed("orders");
    let (_, budget) = budget(&daemon)?;
    let still = metric(&daemon, "kmirror_inflight_bytes", "stalled")?;
    assert!(still.max(held) <= budget / 2.0, "{still} of {budget} bytes");
    assert_eq!(sites.target.cluster().log_end(&copy, 0), copied);
    sites.assert_exact("orders")?;
    lacking.remove();
    sites.await_committed("stalled");
    sites.assert_exact("stalled")
}

#[test]
fn a_target_node_that_never_answers_holds_up_its_own_partitions_only() -> Result<()> {
    let mut sites = orders(3)?;
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    let stalled = sites.target.on(Api::Produce).node(1).hold_before();
    let _daemon = Daemon::start("daemon", &config)?;
    eventually("the other nodes have their partitions", SOON, || {
        let ends = ends(&sites.target)?;
        let done = |(leader, end): &(i32, i64)| (*leader != 1) == (*end == RECORDS as i64);
        ensure!(ends.iter().all(done), "{ends:?}");
        Ok(())
    });
    sites.target.await_hits(&stalled, 1);
    stalled.release();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// The leader and the end of each partition of the copy.
fn ends(target: &Site) -> Result<Vec<(i32, i64)>> {
    let (cluster, copy) = (target.cluster(), copy_of("orders"));
    let ends = (0..4).map(|partition| {
        let leader = cluster.leader(&copy, partition).context("it is led")?;
        let end = cluster.log_end(&copy, partition).context("it exists")?;
        Ok((leader, end))
    });
    ends.collect()
}

#[test]
fn a_source_node_that_never_answers_holds_up_its_own_partitions_only() -> Result<()> {
    let mut sites = orders(3)?;
    let led = (0..4).filter(|at| sites.source.cluster().leader("orders", *at) == Some(1));
    let led: Vec<i32> = led.collect();
    let silent = sites.source.on(Api::Fetch).node(1).hang();
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    let copy = copy_of("orders");
    eventually("the other nodes' partitions are copied", SOON, || {
        let target = sites.target.cluster();
        let ends = (0..4).map(|at| (at, target.log_end(&copy, at)));
        let ends: Vec<_> = ends.collect();
        let done =
            |(at, end): &(i32, Option<i64>)| led.contains(at) || *end == Some(RECORDS as i64);
        ensure!(ends.iter().all(done), "{ends:?}");
        Ok(())
    });
    sites.source.await_hits(&silent, 1);
    silent.remove();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}
