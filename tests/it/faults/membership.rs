//! A member that the group expels, or does not let in for a while: it comes back by itself, and nothing is lost or moved.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use super::{RECORDS, await_begun, orders, slow_down};
use crate::harness::{SOON, Sites, budget, copy_of, group_of};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

fn config(sites: &Sites) -> Config {
    sites.config(&["orders"]).set("commit_interval", "100ms")
}

/// The member of the group, once it is there.
#[track_caller]
fn await_member(sites: &Sites, other_than: &[String]) -> Vec<String> {
    eventually("the group has a new member", SOON, || {
        let members = sites.source.cluster().members(&group_of("orders"));
        let is_new = members.len() == 1 && members != other_than;
        ensure!(is_new, "{members:?}");
        Ok(members)
    })
}

#[test]
fn a_member_that_is_expelled_in_midstream_comes_back_at_no_cost() -> Result<()> {
    let mut sites = orders(1)?;
    slow_down(&sites);
    let config = config(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    let member = await_member(&sites, &[]);
    let source = sites.source.cluster();
    source.expire_members(&group_of("orders"))?;
    await_member(&sites, &member);
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_generation_that_ends_without_the_member_costs_nothing() -> Result<()> {
    let mut sites = orders(1)?;
    slow_down(&sites);
    let config = config(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    sites
        .source
        .cluster()
        .bump_generation(&group_of("orders"))?;
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn rebalances_again_and_again_cost_nothing() -> Result<()> {
    let mut sites = orders(1)?;
    slow_down(&sites);
    let config = config(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_begun(&sites);
    for round in 1..=5 {
        let source = sites.source.cluster();
        let before = source.requests(Api::SyncGroup);
        source.force_rebalance(&group_of("orders"))?;
        eventually("the group has settled again", SOON, || {
            let after = source.requests(Api::SyncGroup);
            ensure!(after > before, "round {round}: {after} assignments");
            Ok(())
        });
    }
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn whatever_the_group_answers_for_a_while_costs_nothing() -> Result<()> {
    use ErrorCode as Code;
    let answers = [
        (Api::FindCoordinator, Code::CoordinatorNotAvailable),
        (Api::JoinGroup, Code::CoordinatorLoadInProgress),
        (Api::JoinGroup, Code::NotCoordinator),
        (Api::JoinGroup, Code::UnknownMemberId),
        (Api::SyncGroup, Code::RebalanceInProgress),
        (Api::SyncGroup, Code::UnknownMemberId),
        (Api::SyncGroup, Code::IllegalGeneration),
        (Api::OffsetFetch, Code::CoordinatorLoadInProgress),
        (Api::OffsetFetch, Code::NotCoordinator),
        (Api::OffsetFetch, Code::UnstableOffsetCommit),
        (Api::Heartbeat, Code::IllegalGeneration),
        (Api::Heartbeat, Code::UnknownMemberId),
        (Api::Heartbeat, Code::RebalanceInProgress),
        (Api::Heartbeat, Code::NotCoordinator),
    ];
    for (api, error) in answers {
        let mut sites = Sites::start()?;
        sites.source.client.create_topic("orders", 4, &[])?;
        sites.write("orders", 0, 500)?;
        let config = config(&sites)
            .client("heartbeat.interval.ms", "500")
            .write()?;
        let refused = sites.source.on(api).first(2).fail(error);
        let _daemon = Daemon::start("daemon", &config)?;
        sites.source.await_hits(&refused, 2);
        sites.write("orders", 500, 500)?;
        sites.await_committed("orders");
        sites.assert_no_position_moved_back("orders");
        sites.assert_exact("orders")?;
    }
    Ok(())
}

#[test]
fn a_group_that_may_not_be_joined_is_told_until_it_may() -> Result<()> {
    let mut sites = orders(1)?;
    let refused = sites.source.on(Api::JoinGroup);
    let refused = refused.fail(ErrorCode::GroupAuthorizationFailed);
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.source.await_hits(&refused, 3);
    eventually("the status says what is the matter", SOON, || {
        let topic = &daemon.status()?["mirrors"][0]["topics"][0];
        let reason = topic["reason"].as_str().unwrap_or_default();
        ensure!(
            reason.to_lowercase().contains("group authorization"),
            "{topic}"
        );
        Ok(())
    });
    let kind = [("stage", "consume"), ("kind", "GroupAuthorizationFailed")];
    let counted = daemon.metrics()?.sum("kmirror_errors_total", &kind);
    assert!(counted > Some(0.0), "{counted:?}");
    refused.remove();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_member_that_is_expelled_again_and_again_while_the_target_stalls_does_not_grow() -> Result<()> {
    let mut sites = orders(1)?;
    sites.write("orders", RECORDS, 15_000)?;
    let config = config(&sites).top("memory", "64MiB").write()?;
    let copy = copy_of("orders");
    let slow = sites.target.on(Api::Produce).topic(&copy);
    let slow = slow.delay_before(Duration::from_millis(20));
    let daemon = Daemon::start("daemon", &config)?;
    // The first records of a partition fly alone, and what stalls one holds up all on its connection.
    eventually("all partitions flow", SOON, || {
        let ends = (0..4).map(|partition| sites.target.cluster().log_end(&copy, partition));
        let ends: Vec<_> = ends.collect();
        ensure!(ends.iter().all(|end| *end > Some(2)), "{ends:?}");
        Ok(())
    });
    let stalled = sites.target.on(Api::Produce).topic(&copy).hold_before();
    slow.remove();
    let mut member = Vec::new();
    for _ in 0..12 {
        member = await_member(&sites, &member);
        eventually("the budget is nearly used", SOON, || {
            let (used, budget) = budget(&daemon)?;
            ensure!(used <= budget, "{used} of {budget} bytes");
            ensure!(used > budget * 0.7, "{used} of {budget} bytes");
            Ok(())
        });
        sites.source.cluster().expire_members(&group_of("orders"))?;
    }
    // Twelve flights of 16 MiB beside each other would be a hundred megabytes more.
    let resident = daemon.resident_bytes()?;
    assert!(resident < 160 << 20, "{resident} bytes");
    stalled.release();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// Failures in a row after which a partition waits for seconds before it is tried again.
const FAILURES: u64 = 10;
/// Longer than it waits then.
const TRIED_AGAIN: Duration = Duration::from_secs(7);

#[test]
fn what_was_to_be_tried_again_before_the_member_was_expelled_is_not_begun_twice() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 500)?;
    let copy = copy_of("orders");
    let refused = sites.target.on(Api::Produce).topic(&copy).first(FAILURES);
    let refused = refused.fail(ErrorCode::TopicAuthorizationFailed);
    let config = config(&sites).client("heartbeat.interval.ms", "100");
    let _daemon = Daemon::start("daemon", &config.write()?)?;
    sites.target.await_hits(&refused, FAILURES);
    let tried_again = Instant::now() + TRIED_AGAIN;
    sites.source.cluster().expire_members(&group_of("orders"))?;
    sites.await_committed("orders");
    // In flow again, and with records in flight when the time has come.
    let held = sites.target.on(Api::Produce).topic(&copy).hold_before();
    sites.write("orders", 500, 500)?;
    sites.target.await_hits(&held, 1);
    std::thread::sleep(tried_again.saturating_duration_since(Instant::now()));
    held.release();
    held.remove();
    sites.write("orders", 1_000, 500)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_member_that_begins_anew_makes_the_maps_topic_anew_where_it_was_deleted() -> Result<()> {
    let mut sites = orders(1)?;
    let config = config(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let member = await_member(&sites, &[]);
    sites.target.cluster().delete_topic("__kmirror_offsets")?;
    sites.source.cluster().expire_members(&group_of("orders"))?;
    await_member(&sites, &member);
    sites.write("orders", RECORDS, 500)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

/// How often a daemon has found more in copies than it knew of.
fn found(daemon: &Daemon) -> usize {
    let log = daemon.log();
    let found = log.lines();
    found
        .filter(|line| line.contains("going on behind it"))
        .count()
}

#[test]
fn where_a_map_begins_that_is_written_after_the_member_was_expelled_hides_nothing() -> Result<()> {
    // Of two beginnings that are written late, chance decides which comes last in the order of their keys.
    const PARTITIONS: i32 = 16;
    let many = PARTITIONS as usize;
    let mut sites = Sites::start()?;
    sites
        .source
        .client
        .create_topic("orders", PARTITIONS, &[])?;
    sites.write("orders", 0, 50)?;
    let never = sites.config(&["orders"]).set("commit_interval", "24h");
    let config = never.write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    let faults = sites.target.cluster().faults();
    let maps = faults.on(Api::Produce).topic("__kmirror_offsets");
    let refused = maps.fail(ErrorCode::KafkaStorageError);
    for times in 1..=2 {
        sites.source.cluster().expire_members(&group_of("orders"))?;
        eventually("all partitions begin again", SOON, || {
            let found = found(&daemon);
            ensure!(found == times * many, "{found} times");
            Ok(())
        });
        sites.target.await_hits(&refused, refused.hits() + 1);
    }
    refused.remove();
    sites.write("orders", 50, 50)?;
    sites.await_copied("orders");
    assert!(daemon.terminate(SOON)?.success());
    let next = Daemon::start("next", &config)?;
    sites.write("orders", 100, 50)?;
    sites.await_copied("orders");
    assert_eq!(found(&next), 0, "{}", next.log());
    sites.assert_exact("orders")
}
