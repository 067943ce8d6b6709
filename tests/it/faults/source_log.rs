//! A source log that does not hold any more what was read of it: deleted by retention, cut back, made anew.

use anyhow::{Result, ensure};
use kmirror_broker::{Api, Fault};

use crate::harness::{SOON, Sites, await_ready, await_state, copy_of, metric};
use crate::lives::{self, await_copy_end, write};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A topic of one partition, and a daemon that has copied the first `count` records of it.
fn copied(count: usize, setting: Option<(&str, &str)>) -> Result<(Sites, ConfigFile, Daemon)> {
    lives::copied(Sites::start()?, count, setting)
}

fn recreate(sites: &mut Sites) -> Result<()> {
    sites.source.cluster().delete_topic("orders")?;
    sites.source.cluster().create_topic("orders", 1, &[])?;
    Ok(())
}

/// Lets the mirror look at the source's topics once more, and no further: what it notices then, it notices within one
/// `discovery_interval`.
fn allow_one_look(sites: &Sites) -> Fault {
    let looks = sites.source.cluster().faults().on(Api::Metadata);
    looks.client("kmirror-source-target").after(1).hold_before()
}

fn copy_end(sites: &mut Sites) -> Result<i64> {
    sites.target.client.log_end(&copy_of("orders"), 0)
}

fn skipped(daemon: &Daemon, cause: &str) -> Result<Option<f64>> {
    let metrics = daemon.metrics()?;
    Ok(metrics.sum("kmirror_skipped_records_total", &[("cause", cause)]))
}

#[test]
fn a_topic_that_was_created_anew_is_not_copied_behind_the_old_one() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    recreate(&mut sites)?;
    let later_looks = allow_one_look(&sites);
    eventually("it is noticed", SOON, || {
        ensure!(daemon.log().contains("was deleted and created anew"));
        Ok(())
    });
    later_looks.release();
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("created anew"), "{reason}");
    assert!(reason.contains("on_divergence"), "{reason}");
    write(&mut sites, "second", 300)?;
    // A process that starts later knows it, too, although the log is longer than the position by now.
    daemon.terminate(SOON)?;
    let daemon = Daemon::start("later", &config)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(copy_end(&mut sites)?, 100);
    Ok(())
}

#[test]
fn a_topic_that_was_created_anew_and_grew_at_once_is_noticed_all_the_same() -> Result<()> {
    let (mut sites, _config, daemon) = copied(10, None)?;
    recreate(&mut sites)?;
    write(&mut sites, "second", 500)?;
    await_state(&daemon, "orders", 0, "diverged");
    Ok(())
}

#[test]
fn a_topic_that_is_gone_for_a_while_is_not_taken_for_the_same() -> Result<()> {
    let (mut sites, _config, daemon) = copied(10, None)?;
    sites.source.cluster().delete_topic("orders")?;
    eventually("the topic is stopped", SOON, || {
        let status = daemon.status()?;
        let topic = &status["mirrors"][0]["topics"][0];
        ensure!(topic["state"] == "stopped", "{topic}");
        Ok(())
    });
    sites.source.cluster().create_topic("orders", 1, &[])?;
    write(&mut sites, "second", 500)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(copy_end(&mut sites)?, 10);
    Ok(())
}

#[test]
fn a_topic_that_was_created_anew_while_the_mirror_was_down_is_not_copied_behind_the_old_one()
-> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    daemon.terminate(SOON)?;
    // With the topic, the source forgets what the group has committed for it.
    recreate(&mut sites)?;
    write(&mut sites, "second", 300)?;
    let mut daemon = Daemon::start("later", &config)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("deleted and created anew"), "{reason}");
    daemon.terminate(SOON)?;
    let daemon = Daemon::start("later still", &config)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(copy_end(&mut sites)?, 100);
    Ok(())
}

#[test]
fn start_latest_goes_on_where_it_began_also_after_a_kill() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    write(&mut sites, "before", 100)?;
    let config = sites
        .config(&["orders"])
        .set("start", "latest")
        .set("commit_interval", "1h")
        .write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    await_state(&daemon, "orders", 0, "running");
    daemon.kill()?;
    write(&mut sites, "meanwhile", 50)?;
    let _daemon = Daemon::start("later", &config)?;
    await_copy_end(&mut sites, 50);
    Ok(())
}

#[test]
fn on_divergence_continue_copies_the_new_topic_from_its_beginning() -> Result<()> {
    let (mut sites, _config, daemon) = copied(100, Some(("on_divergence", "continue")))?;
    recreate(&mut sites)?;
    write(&mut sites, "second", 30)?;
    await_copy_end(&mut sites, 130);
    await_state(&daemon, "orders", 0, "running");
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn retention_that_overtakes_a_stopped_mirror_is_counted_exactly_and_said_once() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    daemon.terminate(SOON)?;
    write(&mut sites, "second", 200)?;
    sites.source.cluster().delete_records("orders", 0, 250)?;
    let daemon = Daemon::start("later", &config)?;
    await_copy_end(&mut sites, 150);
    await_state(&daemon, "orders", 0, "running");
    assert_eq!(skipped(&daemon, "retention")?, Some(150.0));
    assert_eq!(daemon.log().matches("gap: the source deleted").count(), 1);
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn retention_that_overtakes_a_mirror_that_waits_is_counted_exactly() -> Result<()> {
    let (mut sites, _config, daemon) = copied(100, None)?;
    // Nothing is fetched while this stands, so that nothing is prefetched either.
    let fault = sites.source.on(Api::Fetch).hold_before();
    sites.source.await_hits(&fault, 1);
    write(&mut sites, "second", 200)?;
    sites.source.cluster().delete_records("orders", 0, 250)?;
    fault.release();
    await_copy_end(&mut sites, 150);
    assert_eq!(skipped(&daemon, "retention")?, Some(150.0));
    await_state(&daemon, "orders", 0, "running");
    Ok(())
}

#[test]
fn on_gap_pause_lets_the_partition_stand_still() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, Some(("on_gap", "pause")))?;
    daemon.terminate(SOON)?;
    write(&mut sites, "second", 200)?;
    sites.source.cluster().delete_records("orders", 0, 250)?;
    let daemon = Daemon::start("later", &config)?;
    let reason = await_state(&daemon, "orders", 0, "paused");
    assert!(reason.contains("offsets 100 to 250"), "{reason}");
    assert_eq!(copy_end(&mut sites)?, 100);
    assert_eq!(metric(&daemon, "kmirror_lag_records", "orders")?, 200.0);
    assert_eq!(sites.committed("orders", 0)?, Some(100));
    Ok(())
}

#[test]
fn a_log_cut_back_by_an_unclean_election_stops_its_partition() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    sites.source.cluster().truncate("orders", 0, 80)?;
    // The new leader's history outgrows the old one before anybody looks.
    write(&mut sites, "second", 500)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("cut back"), "{reason}");
    assert_eq!(copy_end(&mut sites)?, 100);
    daemon.terminate(SOON)?;
    let daemon = Daemon::start("later", &config)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(copy_end(&mut sites)?, 100);
    Ok(())
}

#[test]
fn a_log_that_was_cut_back_while_the_mirror_was_down_is_noticed_when_it_starts() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    daemon.terminate(SOON)?;
    sites.source.cluster().truncate("orders", 0, 80)?;
    write(&mut sites, "second", 500)?;
    let daemon = Daemon::start("later", &config)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("offset 80"), "{reason}");
    assert_eq!(copy_end(&mut sites)?, 100);
    Ok(())
}

#[test]
fn on_divergence_continue_copies_what_the_new_history_holds() -> Result<()> {
    let (mut sites, _config, daemon) = copied(100, Some(("on_divergence", "continue")))?;
    sites.source.cluster().truncate("orders", 0, 80)?;
    write(&mut sites, "second", 50)?;
    await_copy_end(&mut sites, 150);
    await_state(&daemon, "orders", 0, "running");
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn on_divergence_continue_finds_where_the_history_parts_also_when_it_starts() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, Some(("on_divergence", "continue")))?;
    daemon.terminate(SOON)?;
    sites.source.cluster().truncate("orders", 0, 80)?;
    write(&mut sites, "second", 10)?;
    let daemon = Daemon::start("later", &config)?;
    await_copy_end(&mut sites, 110);
    await_state(&daemon, "orders", 0, "running");
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn a_source_restored_from_an_older_snapshot_stops_its_partition() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    sites.source.cluster().restore("orders", 0, 60)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("60"), "{reason}");
    write(&mut sites, "second", 20)?;
    daemon.terminate(SOON)?;
    let daemon = Daemon::start("later", &config)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(copy_end(&mut sites)?, 100);
    assert_eq!(sites.committed("orders", 0)?, Some(100));
    Ok(())
}

#[test]
fn a_source_restored_while_the_mirror_was_down_is_noticed_when_it_starts() -> Result<()> {
    let (mut sites, config, mut daemon) = copied(100, None)?;
    daemon.terminate(SOON)?;
    sites.source.cluster().restore("orders", 0, 60)?;
    write(&mut sites, "second", 20)?;
    let daemon = Daemon::start("later", &config)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("ends at 80"), "{reason}");
    assert_eq!(copy_end(&mut sites)?, 100);
    assert_eq!(sites.committed("orders", 0)?, Some(100));
    Ok(())
}

/// A mirror of two partitions with 100 records in each, whose source goes away and comes back restored: partition 0 with
/// `left` of its records, partition 1 with all, and both in an older leader epoch than the mirror knows.
fn restored_under_a_running_mirror(left: i64) -> Result<(Sites, ConfigFile, Daemon)> {
    let (mut sites, config, daemon) = Sites::mirrored(2, 100)?;
    for partition in 0..2 {
        sites.source.cluster().truncate("orders", partition, 100)?;
    }
    eventually("the mirror has heard of the elections", SOON, || {
        let journal = sites.source.cluster().journal().into_iter();
        let fetches = journal.filter(|entry| {
            let is_mine = entry.client_id.starts_with("kmirror.source-target");
            entry.api == Api::Fetch && is_mine && entry.answered.is_some()
        });
        let told: Vec<_> = fetches.map(|entry| entry.error).collect();
        let fenced = told.iter().rposition(|error| error.is_some());
        ensure!(fenced.is_some_and(|at| at + 2 < told.len()), "{told:?}");
        Ok(())
    });
    sites.source.stop();
    await_ready(&daemon, 503);
    sites.source.restart()?;
    sites.source.cluster().restore("orders", 0, left)?;
    sites.source.cluster().restore("orders", 1, 100)?;
    Ok((sites, config, daemon))
}

#[test]
fn a_source_restored_under_a_running_mirror_is_told_and_what_it_kept_is_copied_on() -> Result<()> {
    let (mut sites, _config, daemon) = restored_under_a_running_mirror(60)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("60"), "{reason}");
    sites.write("orders", 100, 20)?;
    let client = &mut sites.target.client;
    eventually("what was kept is copied on", SOON, || {
        let copied = client.log_end(&copy_of("orders"), 1)?;
        ensure!(copied == 120, "{copied}");
        Ok(())
    });
    assert_eq!(client.log_end(&copy_of("orders"), 0)?, 100);
    Ok(())
}

#[test]
fn a_restored_source_that_lost_nothing_is_read_on_by_new_consumers() -> Result<()> {
    let (mut sites, _config, daemon) = restored_under_a_running_mirror(100)?;
    sites.write("orders", 100, 20)?;
    eventually("it is noticed that nothing is read", SOON, || {
        ensure!(daemon.log().contains("new consumers take over"));
        Ok(())
    });
    sites.await_committed("orders");
    sites.assert_exact("orders")
}
