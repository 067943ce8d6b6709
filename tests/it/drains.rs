//! How a stop ends: by its deadline, and with an exit code that tells whether anything was left.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, copy_of, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

#[test]
fn i7_a_drain_ends_by_its_deadline_and_commits_nothing_unacknowledged() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites
        .config(&["orders"])
        .top("drain_timeout", "4s")
        .write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    sites.target.stop();
    sites.write("orders", 100, 1_000)?;
    eventually("records are in flight", SOON, || {
        let in_flight = metric(&daemon, "kmirror_inflight_records", "orders")?;
        ensure!(in_flight > 0.0, "{in_flight}");
        Ok(())
    });
    let asked = Instant::now();
    let ended = daemon.terminate(SOON)?;
    assert_eq!(ended.code(), Some(75));
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
    for partition in 0..2 {
        assert_eq!(sites.committed("orders", partition)?, Some(100));
    }
    sites.target.restart()?;
    let _daemon = Daemon::start("second", &config)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn an_idle_daemon_drains_at_once_and_leaves_its_group() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    let group = sites.source.client.group("kmirror.source-target.orders")?;
    assert_eq!(group.members, Vec::<String>::new());
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, 20);
    Ok(())
}
