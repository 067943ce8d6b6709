//! A target that does not take what it is given, for a while: the lag grows for all to see, the memory does not, and the
//! copy goes on by itself.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use super::{RECORDS, await_begun, orders, slow_down};
use crate::harness::{SOON, await_ready, budget, copy_of, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A quarter of it is the budget: the load is more than twice as large.
const MEMORY: &str = "16MiB";
const MEMORY_BYTES: u64 = 16 << 20;
/// What the process takes beside its memory, at most (docs/guarantees.md).
const BESIDES: u64 = 64 << 20;

/// The time that a member would have lost its place in the group after, had it stopped to answer.
const LONGER_THAN_A_SESSION: Duration = Duration::from_secs(11);

#[test]
fn a_full_disk_stops_the_copy_and_fills_no_memory() -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    slow_down(&sites);
    let daemon = Daemon::start("daemon", &config)?;
    // The first record of each partition flies alone, and would for as long as the disk is full.
    eventually("every partition is in flow", SOON, || {
        let cluster = sites.target.cluster();
        let ends = (0..4).map(|partition| cluster.log_end(&copy_of("orders"), partition));
        let ends: Vec<_> = ends.collect();
        ensure!(ends.iter().all(|end| *end > Some(1)), "{ends:?}");
        Ok(())
    });
    sites.target.cluster().set_disk_full(true);
    let copied = sites.target.client.total_end(&copy_of("orders"))?;
    // However much of the first ones was copied by then, there is more than the budget.
    sites.write("orders", RECORDS, RECORDS)?;
    let all = (8 * RECORDS) as f64 - copied as f64;
    await_lag(&daemon, all);
    await_full(&daemon);
    let (seconds, resident) = (
        metric(&daemon, "kmirror_lag_seconds", "orders")?,
        daemon.resident_bytes()?,
    );
    assert!(seconds > 0.0);
    assert!(resident < MEMORY_BYTES + BESIDES, "{resident} bytes");
    sites.write("orders", 2 * RECORDS, 1_000)?;
    await_lag(&daemon, all + 4_000.0);
    std::thread::sleep(LONGER_THAN_A_SESSION);
    let (used, budget) = budget(&daemon)?;
    assert!(used <= budget, "{used} of {budget} bytes");
    let grown = daemon.resident_bytes()?.saturating_sub(resident);
    assert!(grown < 8 << 20, "{grown} bytes more than {resident}");
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, copied);
    await_ready(&daemon, 200);
    sites.target.cluster().set_disk_full(false);
    sites.await_committed("orders");
    await_lag(&daemon, 0.0);
    sites.assert_exact("orders")
}

#[test]
fn a_partition_without_enough_replicas_waits_alone() -> Result<()> {
    let mut sites = orders(1)?;
    let copy = copy_of("orders");
    let lacking = sites.target.on(Api::Produce).topic(&copy).partition(2);
    let lacking = lacking.fail(ErrorCode::NotEnoughReplicas);
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_lag(&daemon, RECORDS as f64);
    sites.target.await_hits(&lacking, 3);
    assert_eq!(sites.target.cluster().log_end(&copy, 2), Some(0));
    lacking.remove();
    sites.await_committed("orders");
    await_lag(&daemon, 0.0);
    sites.assert_exact("orders")
}

#[test]
fn a_target_that_throttles_is_waited_for() -> Result<()> {
    let mut sites = orders(1)?;
    let rarely = Duration::from_millis(200);
    let throttled = sites.target.on(Api::Produce).first(20).throttle(rarely);
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    eventually(
        "the target has throttled as often as it wanted",
        SOON,
        || {
            let (used, budget) = budget(&daemon)?;
            assert!(used <= budget, "{used} of {budget} bytes");
            ensure!(throttled.hits() == 20, "{} times", throttled.hits());
            Ok(())
        },
    );
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_source_that_throttles_is_waited_for() -> Result<()> {
    let mut sites = orders(1)?;
    let rarely = Duration::from_millis(200);
    let throttled = sites.source.on(Api::Fetch).first(20).throttle(rarely);
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.source.await_hits(&throttled, 20);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_full_disk_on_the_source_costs_commits_and_nothing_else() -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .write()?;
    slow_down(&sites);
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    sites.source.cluster().set_disk_full(true);
    sites.await_copied("orders");
    eventually("a commit was refused", SOON, || {
        let refused = sites
            .source
            .answered_with(Api::OffsetCommit, ErrorCode::NotCoordinator);
        ensure!(refused > 0, "none");
        Ok(())
    });
    sites.source.cluster().set_disk_full(false);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[track_caller]
fn await_lag(daemon: &Daemon, records: f64) {
    eventually(&format!("the lag is {records} records"), SOON, || {
        let lag = metric(daemon, "kmirror_lag_records", "orders")?;
        ensure!(lag == records, "{lag}");
        Ok(())
    });
}

#[track_caller]
fn await_full(daemon: &Daemon) {
    eventually("the budget is nearly used", SOON, || {
        let (used, budget) = budget(daemon)?;
        assert!(used <= budget, "{used} of {budget} bytes");
        ensure!(used > budget * 0.7, "{used} of {budget} bytes");
        Ok::<_, anyhow::Error>(())
    });
}
