//! Whatever the records look like, and whatever became of the two logs.

use anyhow::{Context, Result, ensure};

use super::{
    AFTER, BEFORE, assert_none_repeated, config, copy_and_die, errors, go_on, sites, write,
};
use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

#[test]
fn what_nobody_knew_of_is_found_whatever_its_shape() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    sites.assert_exact("orders")
}

/// A compacted topic, of which one of the two logs is cleaned between the kill and the next start.
fn compacted_meanwhile(compact: impl Fn(&Sites) -> Result<()>) -> Result<()> {
    let keyed = |number: usize| workload::typical(0, number);
    let mut sites = Sites::start()?;
    let compacted = [("cleanup.policy", "compact")];
    sites.source.client.create_topic("orders", 1, &compacted)?;
    let config = config(&sites).write()?;
    let records = (0..BEFORE).map(keyed);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)?;
    copy_and_die(&mut sites, &config)?;
    compact(&sites)?;
    let records = (BEFORE..BEFORE + AFTER).map(keyed);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)?;
    let daemon = Daemon::start("next", &config)?;
    sites.await_copied("orders");
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_in_a_copy_that_was_compacted() -> Result<()> {
    compacted_meanwhile(|sites| Ok(sites.target.cluster().compact(&copy_of("orders"))?))
}

#[test]
fn it_is_found_on_a_source_that_was_compacted() -> Result<()> {
    compacted_meanwhile(|sites| Ok(sites.source.cluster().compact("orders")?))
}

#[test]
fn it_is_found_in_a_copy_with_times_of_its_own() -> Result<()> {
    let mut sites = sites(&[], &[("message.timestamp.type", "LogAppendTime")])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_behind_the_header_that_tells_the_origin() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites)
        .set("provenance", "header")
        .set("target_topic", "\"source.{topic}\"");
    let config = config.write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn a_copy_that_somebody_else_wrote_to_is_told_and_nothing_is_lost() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let foreign = [Record::at(1).key("foreign")];
    sites
        .target
        .client
        .produce(&copy_of("orders"), 0, &foreign, Codec::None)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 1.0);
    let comparison = sites.compare("orders")?;
    assert_eq!(
        (comparison.lost, comparison.reordered),
        (0, 0),
        "{comparison:#?}"
    );
    assert_eq!(
        (comparison.duplicated, comparison.foreign),
        (BEFORE, 1),
        "{comparison:#?}"
    );
    Ok(())
}

#[test]
fn a_leader_that_moved_meanwhile_is_not_taken_for_a_log_that_was_cut_back() -> Result<()> {
    let mut sites = Sites::of(2)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    write(&mut sites, 0, BEFORE)?;
    let saved = sites.config(&["orders"]).set("commit_interval", "50ms");
    let saved = saved.client("session.timeout.ms", "6000").write()?;
    let mut daemon = Daemon::start("saves", &saved)?;
    sites.await_committed("orders");
    daemon.kill()?;
    let leader = sites
        .source
        .cluster()
        .leader("orders", 0)
        .context("a leader")?;
    sites
        .source
        .cluster()
        .move_leader("orders", 0, 1 - leader)?;
    sites.source.client.forget_leaders("orders");
    write(&mut sites, BEFORE, AFTER)?;
    let unsaved = config(&sites).write()?;
    let mut daemon = Daemon::start("saves nothing", &unsaved)?;
    sites.await_copied("orders");
    daemon.kill()?;
    let mut daemon = Daemon::start("finds it", &unsaved)?;
    await_state(&daemon, "orders", 0, "running");
    daemon.kill()?;
    let _daemon = Daemon::start("goes on", &saved)?;
    write(&mut sites, BEFORE + AFTER, AFTER)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn it_is_found_although_the_source_has_deleted_a_part_of_it() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let deleted = BEFORE as i64 / 3;
    sites
        .source
        .cluster()
        .delete_records("orders", 0, deleted)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_in_a_copy_of_which_a_part_was_deleted() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let (target, deleted) = (sites.target.cluster(), BEFORE as i64 / 3);
    target.delete_records(&copy_of("orders"), 0, deleted)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn where_the_source_has_deleted_what_was_written_it_is_told() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    write(&mut sites, BEFORE, AFTER)?;
    let deleted = (BEFORE + AFTER / 2) as i64;
    sites
        .source
        .cluster()
        .delete_records("orders", 0, deleted)?;
    let daemon = Daemon::start("next", &config)?;
    let left = AFTER as i64 / 2;
    eventually("what is left is copied", SOON, || {
        let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
        ensure!(copied == BEFORE as i64 + left, "{copied}");
        Ok(())
    });
    assert_eq!(errors(&daemon, "Unmatched")?, 1.0);
    Ok(())
}
