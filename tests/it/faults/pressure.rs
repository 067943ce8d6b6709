//! A target that does not take what it is given, for a while: the lag grows for all to see, the memory does not, and the
//! copy goes on by itself.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode, Fault};

use super::{RECORDS, await_begun, copied, orders, slow_down};
use crate::harness::{SOON, Site, await_ready, budget, copy_of, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A quarter of it is the budget: the load is more than twice as large.
const MEMORY: &str = "16MiB";
const MEMORY_BYTES: u64 = 16 << 20;
/// What the process takes beside its memory, at most (docs/guarantees.md).
const BESIDES: u64 = 64 << 20;

/// The time that a member would have lost its place in the group after, had it stopped to answer.
const LONGER_THAN_A_SESSION: Duration = Duration::from_secs(11);

/// What is written while the target takes nothing, into each partition: whoever kept it would hold 30 MB more.
const MORE: usize = 4 * RECORDS;
/// What the process may grow by meanwhile.
const GROWS: u64 = 8 << 20;

/// Ends what the target was made to do.
type End = Box<dyn FnOnce(&Site)>;

/// Mirrors to a target that takes nothing from `begin` to the end of it.
fn waits_and_fills_no_memory(begin: fn(&Site) -> End) -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    let slow = slow_down(&sites);
    let daemon = Daemon::start("daemon", &config)?;
    // The first record of each partition flies alone, and would for as long as nothing is taken.
    eventually("every partition is in flow", SOON, || {
        let ends = (0..4).map(|partition| copied(&sites, partition));
        let ends: Vec<_> = ends.collect();
        ensure!(ends.iter().all(|end| *end > Some(1)), "{ends:?}");
        Ok(())
    });
    let end = begin(&sites.target);
    // Of two rules, the one that was there first acts.
    remove(&slow, &sites.target);
    let copied = sites.target.client.total_end(&copy_of("orders"))?;
    // However much of the first ones was copied by then, there is more than the budget.
    sites.write("orders", RECORDS, RECORDS)?;
    let all = (8 * RECORDS) as f64 - copied as f64;
    await_lag(&daemon, all);
    await_full(&daemon);
    let seconds = metric(&daemon, "kmirror_lag_seconds", "orders")?;
    assert!(seconds > 0.0);
    let resident = daemon.resident_bytes()?;
    assert!(resident < MEMORY_BYTES + BESIDES, "{resident} bytes");
    sites.write("orders", 2 * RECORDS, MORE)?;
    await_lag(&daemon, all + (4 * MORE) as f64);
    std::thread::sleep(LONGER_THAN_A_SESSION);
    assert_not_grown(&daemon, resident)?;
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, copied);
    await_ready(&daemon, 200);
    end(&sites.target);
    sites.await_committed("orders");
    await_lag(&daemon, 0.0);
    sites.assert_exact("orders")
}

#[test]
fn a_full_disk_stops_the_copy_and_fills_no_memory() -> Result<()> {
    waits_and_fills_no_memory(|target| {
        target.cluster().set_disk_full(true);
        Box::new(|target| target.cluster().set_disk_full(false))
    })
}

#[test]
fn a_target_without_enough_replicas_stops_the_copy_and_fills_no_memory() -> Result<()> {
    waits_and_fills_no_memory(|target| {
        let writes = target.on(Api::Produce).topic(copy_of("orders"));
        let lacking = writes.fail(ErrorCode::NotEnoughReplicas);
        Box::new(move |_| lacking.remove())
    })
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
    sites.write("orders", RECORDS, 1_000)?;
    await_lag(&daemon, RECORDS as f64 + 1_000.0);
    let copied = [0, 1, 2, 3].map(|partition| copied(&sites, partition));
    let all = Some(RECORDS as i64 + 1_000);
    assert_eq!(copied, [all, all, Some(0), all]);
    lacking.remove();
    sites.await_committed("orders");
    await_lag(&daemon, 0.0);
    sites.assert_exact("orders")
}

#[test]
fn a_target_that_throttles_is_waited_for_and_fills_no_memory() -> Result<()> {
    let mut sites = orders(1)?;
    let rarely = Duration::from_secs(1);
    let writes = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let throttled = writes.throttle(rarely);
    let config = sites.config(&["orders"]).top("memory", MEMORY).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.write("orders", RECORDS, RECORDS)?;
    await_full(&daemon);
    let (lag, resident) = (
        metric(&daemon, "kmirror_lag_records", "orders")?,
        daemon.resident_bytes()?,
    );
    assert!(resident < MEMORY_BYTES + BESIDES, "{resident} bytes");
    sites.write("orders", 2 * RECORDS, MORE)?;
    eventually("the lag grows, for all that is copied", SOON, || {
        let now = metric(&daemon, "kmirror_lag_records", "orders")?;
        ensure!(now > lag + (3 * MORE) as f64, "{now}, and {lag} before");
        Ok(())
    });
    sites.target.await_hits(&throttled, throttled.hits() + 10);
    assert_not_grown(&daemon, resident)?;
    await_ready(&daemon, 200);
    throttled.remove();
    sites.await_committed("orders");
    await_lag(&daemon, 0.0);
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

/// Removes a rule that delays, and waits until all is answered that it has delayed.
#[track_caller]
fn remove(slow: &Fault, site: &Site) {
    slow.remove();
    eventually("what was delayed is answered", SOON, || {
        let asked = site.cluster().journal().into_iter();
        let delayed = asked.filter(|entry| entry.fault == Some(slow.id()));
        let answered = delayed.filter(|entry| entry.answered.is_some()).count();
        // A request counts before it stands in the journal.
        ensure!(answered as u64 == slow.hits(), "{answered} of {slow:?}");
        Ok(())
    });
}

#[track_caller]
fn await_lag(daemon: &Daemon, records: f64) {
    eventually(&format!("the lag is {records} records"), SOON, || {
        let lag = metric(daemon, "kmirror_lag_records", "orders")?;
        ensure!(lag == records, "{lag}");
        Ok(())
    });
}

/// # Panics
/// When more is in flight than the budget allows, or the process takes much more memory than the `resident` bytes of before.
#[track_caller]
fn assert_not_grown(daemon: &Daemon, resident: u64) -> Result<()> {
    let (used, budget) = budget(daemon)?;
    assert!(used <= budget, "{used} of {budget} bytes");
    let grown = daemon.resident_bytes()?.saturating_sub(resident);
    assert!(grown < GROWS, "{grown} bytes more than {resident}");
    Ok(())
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
