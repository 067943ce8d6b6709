//! `kill -9` at each point of the flow: nothing is lost, and nothing comes twice, although more is on the target than the
//! group knows of.

use anyhow::{Result, ensure};
use kmirror_broker::{Api, Fault};

use super::{RECORDS, await_refused, orders, orders_of, slow_down};
use crate::harness::{SOON, Sites, copy_of};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A daemon about to be killed, and what holds it at one point of the flow.
struct Held {
    sites: Sites,
    config: ConfigFile,
    daemon: Daemon,
    fault: Fault,
}

/// Mirrors until the fault holds a request.
fn hold(fault: fn(&Sites) -> Fault) -> Result<Held> {
    let sites = orders(1)?;
    let fault = fault(&sites);
    let (config, daemon) = mirror(&sites)?;
    sites.wait_for(&fault);
    Ok(Held {
        sites,
        config,
        daemon,
        fault,
    })
}

/// Mirrors until something of the copy is committed, and from then on until the fault holds a request. Commits
/// before that may say no more than where each partition begins, and in which epoch.
fn hold_in_midstream(fault: fn(&Sites) -> Fault) -> Result<Held> {
    let mut sites = orders(1)?;
    let (config, daemon) = mirror(&sites)?;
    eventually("something is committed", SOON, || {
        let committed = (0..4).map(|partition| sites.committed("orders", partition));
        let committed: Vec<_> = committed.collect::<Result<_>>()?;
        ensure!(committed.iter().any(|one| *one > Some(0)), "{committed:?}");
        Ok(())
    });
    let fault = fault(&sites);
    sites.wait_for(&fault);
    Ok(Held {
        sites,
        config,
        daemon,
        fault,
    })
}

fn mirror(sites: &Sites) -> Result<(ConfigFile, Daemon)> {
    slow_down(sites);
    start(sites)
}

fn start(sites: &Sites) -> Result<(ConfigFile, Daemon)> {
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .client("session.timeout.ms", "6000")
        .write()?;
    let daemon = Daemon::start("killed", &config)?;
    Ok((config, daemon))
}

impl Sites {
    fn wait_for(&self, fault: &Fault) {
        eventually(&format!("held by: {fault}"), SOON, || {
            ensure!(fault.held() > 0, "nothing");
            Ok(())
        });
    }

    /// Records on the target that the group does not know of.
    fn uncommitted(&mut self) -> Result<i64> {
        (0..4).try_fold(0, |sum, partition| {
            let committed = self.committed("orders", partition)?.unwrap_or(0);
            let copied = self.target.cluster().log_end(&copy_of("orders"), partition);
            Ok(sum + copied.unwrap_or(0) - committed)
        })
    }
}

impl Held {
    /// Kills the daemon; what is held goes with it. Answers how many records are on the target that the group does not know
    /// of.
    fn kill(&mut self) -> Result<i64> {
        self.daemon.kill()?;
        eventually("what was held has gone with its client", SOON, || {
            ensure!(self.fault.held() == 0, "{} held", self.fault.held());
            Ok(())
        });
        self.fault.remove();
        self.sites.uncommitted()
    }

    /// Has another daemon finish the copy, in which nothing comes twice.
    fn finish(mut self) -> Result<()> {
        let _next = Daemon::start("next", &self.config)?;
        self.sites.await_committed("orders");
        self.sites.assert_exact("orders")
    }

    /// Waits until as many records are on the target and not committed as `expected` says.
    #[track_caller]
    fn await_uncommitted(&mut self, what: &str, expected: fn(i64) -> bool) {
        eventually(what, SOON, || {
            let uncommitted = self.sites.uncommitted()?;
            ensure!(expected(uncommitted), "{uncommitted} records");
            Ok(())
        });
    }
}

#[test]
fn a_kill_before_a_batch_is_written_repeats_nothing() -> Result<()> {
    let mut held = hold(|sites| sites.target.on(Api::Produce).nth(10).hold_before())?;
    held.await_uncommitted("all that is written is committed", |records| records == 0);
    assert_eq!(held.kill()?, 0);
    held.finish()
}

#[test]
fn a_kill_after_a_batch_is_written_and_before_it_is_acknowledged_repeats_nothing() -> Result<()> {
    let mut held = hold(|sites| sites.target.on(Api::Produce).nth(10).hold_after())?;
    // A batch of the copy has less than 90 kB, which is fewer than 300 records.
    let one_batch = |records| (1..300).contains(&records);
    held.await_uncommitted("all but one batch is committed", one_batch);
    let unknown = held.kill()?;
    assert!(one_batch(unknown), "{unknown} records");
    held.finish()
}

#[test]
fn a_kill_after_the_acknowledgements_and_before_any_commit_repeats_nothing() -> Result<()> {
    // The first commit only says where the copy begins.
    let mut held = hold(|sites| sites.source.on(Api::OffsetCommit).after(1).hold_before())?;
    held.sites.await_copied("orders");
    let unknown = held.kill()?;
    let all = held.sites.target.client.total_end(&copy_of("orders"))?;
    assert_eq!(unknown, all);
    held.finish()
}

#[test]
fn a_kill_during_a_commit_that_was_carried_out_repeats_nothing() -> Result<()> {
    let commit = |sites: &Sites| sites.source.on(Api::OffsetCommit).nth(1).hold_after();
    let mut held = hold_in_midstream(commit)?;
    held.sites.await_copied("orders");
    let unknown = held.kill()?;
    let all = held.sites.target.client.total_end(&copy_of("orders"))?;
    assert!((1..all).contains(&unknown), "{unknown} of {all} records");
    held.finish()
}

/// Kills a daemon that has written to every partition, with one more request under way that outlives it.
fn outlived() -> Result<Held> {
    let mut sites = orders_of(1, 100)?;
    let (config, mut daemon) = start(&sites)?;
    sites.await_committed("orders");
    let produce = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let fault = produce.nth(1).hold_before_even_if_gone();
    sites.write("orders", 100, RECORDS)?;
    sites.wait_for(&fault);
    daemon.kill()?;
    Ok(Held {
        sites,
        config,
        daemon,
        fault,
    })
}

#[test]
fn a_write_that_outlives_its_process_and_comes_last_is_refused() -> Result<()> {
    let mut held = outlived()?;
    let _next = Daemon::start("next", &held.config)?;
    held.sites.await_committed("orders");
    held.fault.release();
    await_refused(&held.sites);
    held.sites.assert_exact("orders")
}

#[test]
fn a_write_that_outlives_its_process_and_falls_between_those_of_the_next_is_refused() -> Result<()>
{
    let mut held = outlived()?;
    let copy = copy_of("orders");
    let ends = |sites: &Sites| {
        let cluster = sites.target.cluster();
        (0..4)
            .map(|partition| cluster.log_end(&copy, partition))
            .collect::<Vec<_>>()
    };
    let before = ends(&held.sites);
    let next = Daemon::start("next", &held.config)?;
    eventually("the next process writes everywhere", SOON, || {
        let now = ends(&held.sites);
        ensure!(
            now.iter().zip(&before).all(|(now, before)| now > before),
            "{now:?}"
        );
        Ok(())
    });
    held.fault.release();
    await_refused(&held.sites);
    held.sites.await_committed("orders");
    let labels = [("stage", "offsets"), ("kind", "Foreign")];
    let told = next.metrics()?.sum("kmirror_errors_total", &labels);
    assert_eq!(told.unwrap_or(0.0), 0.0);
    held.sites.assert_exact("orders")
}
