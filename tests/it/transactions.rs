//! Sources with transactions: what was committed arrives, what was aborted does not, and the markers in between cost nothing.

use anyhow::{Context, Result, ensure};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::config_file::Config;
use crate::support::copied::Copied;
use crate::support::daemon::Daemon;
use crate::support::till::{self, EACH, Till};
use crate::support::wait::eventually;

const TOPIC: &str = "payments";

/// Keys of the one partition of a topic, as a reader of this isolation sees them.
fn keys(site: &Site, topic: &str, isolation: &str) -> Result<Vec<String>> {
    let seen = till::seen(site.bootstrap(), topic, isolation)?.into_iter();
    Ok(seen.map(|(_, key)| key).collect())
}

fn sites() -> Result<(Sites, Till)> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic(TOPIC, 1, &[])?;
    let till = Till::open(sites.source.bootstrap(), TOPIC)?;
    Ok((sites, till))
}

fn config(sites: &Sites) -> Config {
    let config = sites.config(&[TOPIC]).set("commit_interval", "100ms");
    config.client("session.timeout.ms", "6000")
}

/// Waits until the mirror says that it is caught up, the markers behind the last record included.
#[track_caller]
fn await_caught_up(daemon: &Daemon, sites: &Sites) {
    let end = sites.source.cluster().log_end(TOPIC, 0);
    eventually("the mirror is caught up", SOON, || {
        let status = daemon.status()?;
        let partition = &status["mirrors"][0]["topics"][0]["partitions"][0];
        let reached = partition["position"].as_i64() == end && partition["lag_records"] == 0;
        ensure!(reached, "{end:?}: {partition}");
        Ok(())
    });
}

#[test]
fn what_was_committed_arrives_and_what_was_aborted_does_not() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(20)?;
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    till.ring(20)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_committed")?;
    assert_eq!(written.len(), 27 * EACH);
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

#[test]
fn a_transaction_that_is_open_is_waited_for() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(1)?;
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_caught_up(&daemon, &sites);
    till.leave_open("open")?;
    eventually("the open record is on the source", SOON, || {
        let end = sites.source.cluster().log_end(TOPIC, 0);
        ensure!(end == Some(EACH as i64 + 2), "{end:?}");
        Ok(())
    });
    assert_eq!(
        sites.target.cluster().log_end(&copy_of(TOPIC), 0),
        Some(EACH as i64)
    );
    till.commit()?;
    await_caught_up(&daemon, &sites);
    let copied = keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?;
    assert_eq!(copied.last().map(String::as_str), Some("open"));
    Ok(())
}

#[test]
fn after_kills_each_committed_record_is_there_once() -> Result<()> {
    let (sites, mut till) = sites()?;
    let config = config(&sites).write()?;
    for _ in 0..3 {
        let mut daemon = Daemon::start("killed", &config)?;
        till.ring(20)?;
        let committed = keys(&sites.source, TOPIC, "read_committed")?.len() as i64;
        eventually("all of it is copied", SOON, || {
            let end = sites.target.cluster().log_end(&copy_of(TOPIC), 0);
            ensure!(end == Some(committed), "{end:?} of {committed}");
            Ok(())
        });
        daemon.kill()?;
    }
    till.ring(5)?;
    let daemon = Daemon::start("last", &config)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_committed")?;
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

#[test]
fn with_read_uncommitted_aborted_records_arrive_too() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(9)?;
    let config = config(&sites)
        .set("isolation", "read_uncommitted")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_uncommitted")?;
    assert_eq!(written.len(), 9 * EACH);
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

/// A group at every offset there is: records, markers, aborted records and the end.
#[test]
fn i5_each_group_among_transactions_reads_on_where_it_was() -> Result<()> {
    let (mut sites, mut till) = sites()?;
    till.ring(15)?;
    let config = config(&sites).set("checkpoint_interval", "500ms").write()?;
    let mut daemon = Daemon::start("killed", &config)?;
    await_caught_up(&daemon, &sites);
    till.ring(5)?;
    daemon.kill()?;
    till.ring(5)?;
    let daemon = Daemon::start("next", &config)?;
    await_caught_up(&daemon, &sites);
    let end = sites.source.cluster().log_end(TOPIC, 0).unwrap_or_default();
    for offset in 0..=end {
        sites
            .source
            .client
            .commit(&format!("group-{offset}"), TOPIC, 0, offset)?;
    }
    let written = till::seen(sites.source.bootstrap(), TOPIC, "read_committed")?;
    let copy = copy_of(TOPIC);
    let copied = Copied::of(
        written,
        till::seen(sites.target.bootstrap(), &copy, "read_uncommitted")?,
    );
    copied.assert_each_once();
    for offset in 0..=end {
        let (target, group) = (sites.target.cluster(), format!("group-{offset}"));
        let moved = eventually(&format!("{group} is moved"), SOON, || {
            target.committed(&group, &copy, 0).context("it is not")
        });
        copied.assert_reads_on(&group, offset, moved);
    }
    Ok(())
}
