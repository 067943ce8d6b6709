//! A process that was stopped for longer than the group waits, and comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Sites, copy_of, group_of};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const RECORDS: usize = 20_000;

/// What the process still has under way, of which nobody can tell any more whether it will be written.
fn in_flight(daemon: &Daemon) -> Result<f64> {
    let metrics = daemon.metrics()?;
    metrics
        .sum("kmirror_inflight_records", &[("topic", "orders")])
        .context("no kmirror_inflight_records")
}

/// Waits until exactly one member is left in the group.
#[track_caller]
fn await_single_member(sites: &mut Sites) -> String {
    let client = &mut sites.source.client;
    eventually("one member has everything", SOON, || {
        let group = client.group(&group_of("orders"))?;
        ensure!(
            group.state == "Stable" && group.members.len() == 1,
            "{group:?}"
        );
        Ok(format!("{:?}", group.members))
    })
}

#[test]
fn i6_a_process_that_was_stopped_writes_no_more_than_it_had_in_flight() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .client("session.timeout.ms", "6000")
        .client("heartbeat.interval.ms", "1000")
        .top("memory", "16MiB")
        .write()?;
    let mut first = Daemon::start("first", &config)?;
    sites.write("orders", 0, 100)?;
    sites.await_committed("orders");
    // Slow writes keep its flight full when it is stopped.
    let a_while = Duration::from_millis(300);
    let slow = sites.target.on(Api::Produce).delay_before(a_while);
    sites.write("orders", 100, RECORDS)?;
    eventually("records are in flight", SOON, || {
        let records = in_flight(&first)?;
        ensure!(records > 1_000.0, "{records}");
        Ok(())
    });
    let most = in_flight(&first)?;
    first.pause()?;
    slow.remove();
    let _second = Daemon::start("second", &config)?;
    await_single_member(&mut sites);
    sites.await_committed("orders");
    let members = await_single_member(&mut sites);
    first.resume()?;
    eventually("the first one is a member again", SOON, || {
        let group = sites.source.client.group(&group_of("orders"))?;
        let settled = group.state == "Stable" && group.members.len() == 2;
        ensure!(
            settled && format!("{:?}", group.members) != members,
            "{group:?}"
        );
        Ok(())
    });
    sites.write("orders", 100 + RECORDS, 1_000)?;
    sites.await_committed("orders");
    let comparison = sites.compare("orders")?;
    assert!(comparison.is_exact_but_for_replays(), "{comparison:#?}");
    // A batch per partition may have taken off between the look and the stop.
    let repeated = comparison.duplicated as f64;
    assert!(
        repeated <= most + 2.0 * 1024.0,
        "{repeated} repeated, {most} were in flight"
    );
    println!("{repeated} records repeated, {most} were in flight");
    let told = first.log();
    assert!(told.contains("this process was stopped"), "{told}");
    let copied = sites.target.client.total_end(&copy_of("orders"))?;
    assert_eq!(copied as f64, 2.0 * (RECORDS + 1_100) as f64 + repeated);
    Ok(())
}
