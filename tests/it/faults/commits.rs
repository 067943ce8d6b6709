//! Commits that the group refuses, puts off or answers late: no position is lost or moved back.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode, Fault, Rule};

use super::{RECORDS, orders, slow_down};
use crate::harness::{SOON, Sites, group_of};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

fn commit_often(sites: &Sites) -> Config {
    sites.config(&["orders"]).set("commit_interval", "100ms")
}

/// Mirrors while so many commits in a row fare as `fate` says; every record arrives once.
fn exact_though_commits_fail(times: u64, fate: fn(Rule) -> Fault) -> Result<()> {
    let mut sites = orders(1)?;
    slow_down(&sites);
    let commits = sites.source.on(Api::OffsetCommit).after(1);
    let fault = fate(commits.first(times));
    let config = commit_often(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.source.await_hits(&fault, times);
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_commit_refused_for_its_generation_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.fail(ErrorCode::IllegalGeneration))
}

#[test]
fn a_commit_refused_while_the_group_rebalances_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.fail(ErrorCode::RebalanceInProgress))
}

#[test]
fn a_commit_refused_since_the_member_is_unknown_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.fail(ErrorCode::UnknownMemberId))
}

#[test]
fn a_commit_refused_by_a_node_that_coordinates_no_more_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.fail(ErrorCode::NotCoordinator))
}

#[test]
fn a_commit_refused_while_the_coordinator_loads_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| {
        commit.fail(ErrorCode::CoordinatorLoadInProgress)
    })
}

#[test]
fn a_commit_refused_for_lack_of_rights_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.fail(ErrorCode::GroupAuthorizationFailed))
}

#[test]
fn a_commit_that_is_taken_and_whose_answer_is_lost_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.drop_after())
}

#[test]
fn a_commit_that_is_taken_and_answered_by_an_error_costs_nothing() -> Result<()> {
    exact_though_commits_fail(1, |commit| commit.fail_after(ErrorCode::IllegalGeneration))
}

#[test]
fn a_commit_that_is_answered_late_costs_nothing() -> Result<()> {
    exact_though_commits_fail(3, |commit| commit.delay_after(Duration::from_secs(2)))
}

#[test]
fn a_coordinator_that_moves_while_records_flow_costs_nothing() -> Result<()> {
    let mut sites = orders(3)?;
    slow_down(&sites);
    let config = commit_often(&sites).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    let group = group_of("orders");
    for moves in 0..3 {
        let source = sites.source.cluster();
        eventually("the coordinator took a commit", SOON, || {
            let taken = source.journal().into_iter().filter(|entry| {
                entry.api == Api::OffsetCommit
                    && entry.error.is_none()
                    && Some(entry.node) == source.coordinator(&group)
            });
            ensure!(taken.count() > 0, "none of the one after {moves} moves");
            Ok(())
        });
        let now = source.coordinator(&group).unwrap_or_default();
        source.move_coordinator(&group, (now + 1) % 3)?;
        // So that there is something to commit to the new one.
        sites.write("orders", RECORDS + moves * 200, 200)?;
    }
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_commit_that_is_put_off_does_not_overtake_the_last_one_of_a_stop() -> Result<()> {
    let mut sites = orders(1)?;
    slow_down(&sites);
    // Refused for now, the client repeats it after this long.
    let config = commit_often(&sites)
        .client("retry.backoff.ms", "5000")
        .client("retry.backoff.max.ms", "5000")
        .write()?;
    let put_off = sites.source.on(Api::OffsetCommit).after(1).first(1);
    let put_off = put_off.fail(ErrorCode::CoordinatorLoadInProgress);
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.source.await_hits(&put_off, 1);
    let then = sites.target.cluster().requests(Api::Produce);
    eventually("more is acknowledged meanwhile", SOON, || {
        let now = sites.target.cluster().requests(Api::Produce);
        ensure!(now > then + 10, "{} requests", now - then);
        Ok(())
    });
    let ended = daemon.terminate(SOON)?;
    assert_eq!(ended.code(), Some(0));
    sites.assert_no_position_moved_back("orders");
    let _daemon = Daemon::start("again", &config)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}
