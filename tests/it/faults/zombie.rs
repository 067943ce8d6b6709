//! A process that was stopped for longer than the group waits, and comes back.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use kmirror_broker::{Api, Entry, Fault};

use super::await_refused;
use crate::harness::{SOON, Sites, copy_of, group_of};
use crate::support::config_file::ConfigFile;
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

/// Waits until exactly one member is left in the group; its id.
#[track_caller]
fn await_single_member(sites: &mut Sites) -> String {
    let client = &mut sites.source.client;
    eventually("one member has everything", SOON, || {
        let group = client.group(&group_of("orders"))?;
        match &group.members[..] {
            [only] if group.state == "Stable" => Ok(only.clone()),
            _ => bail!("{group:?}"),
        }
    })
}

/// Mirrors two partitions with one process that is stopped with writes under way, and another that has copied everything
/// meanwhile. The target holds one of those writes; what was sent behind it waits on the same connection.
struct Stopped {
    sites: Sites,
    config: ConfigFile,
    first: Daemon,
    /// The member that it was.
    was: String,
    second: Daemon,
    held: Fault,
}

fn stopped() -> Result<Stopped> {
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
    let produce = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let held = produce.nth(1).hold_before();
    sites.write("orders", 100, RECORDS)?;
    eventually("records are in flight", SOON, || {
        let records = in_flight(&first)?;
        ensure!(records > 1_000.0 && held.held() == 1, "{records}, {held}");
        Ok(())
    });
    let was = await_single_member(&mut sites);
    first.pause()?;
    let second = Daemon::start("second", &config)?;
    await_single_member(&mut sites);
    sites.await_committed("orders");
    Ok(Stopped {
        sites,
        config,
        first,
        was,
        second,
        held,
    })
}

impl Stopped {
    /// Wakes the first process; its late writes come once it knows that it was stopped.
    fn resume(&mut self) -> Result<()> {
        self.first.resume()?;
        eventually("it notices that it was stopped", SOON, || {
            let told = self.first.log();
            ensure!(told.contains("this process was stopped"), "not yet");
            Ok(())
        });
        self.held.release();
        Ok(())
    }

    /// Wakes the first process, and waits until it is a member again.
    fn wake(&mut self) -> Result<()> {
        let second = await_single_member(&mut self.sites);
        self.resume()?;
        await_refused(&self.sites);
        eventually("the first one is a member again", SOON, || {
            let group = self.sites.source.client.group(&group_of("orders"))?;
            let settled = group.state == "Stable" && group.members.len() == 2;
            ensure!(settled && group.members.contains(&second), "{group:?}");
            Ok(())
        });
        Ok(())
    }

    /// What the source has been asked since its request number `first` by the member that the first process was: on the
    /// connection that it had, under its name or under none.
    fn asked_by_who_it_was(&self, first: usize) -> Vec<Entry> {
        let journal = self.sites.source.cluster().journal();
        let its_own = journal.iter().filter(|entry| entry.member == self.was);
        let connections: BTreeSet<u64> = its_own.map(|entry| entry.connection).collect();
        let asked = journal.into_iter().skip(first);
        asked
            .filter(|entry| connections.contains(&entry.connection))
            .filter(|entry| entry.member.is_empty() || entry.member == self.was)
            .collect()
    }

    fn copy_more(&mut self, first: usize) -> Result<()> {
        self.sites.write("orders", first, 1_000)?;
        self.sites.await_committed("orders");
        Ok(())
    }
}

#[test]
fn i6_a_process_that_was_stopped_commits_nothing_and_its_late_writes_are_refused() -> Result<()> {
    let mut stopped = stopped()?;
    let before = stopped.sites.source.cluster().journal().len();
    stopped.wake()?;
    stopped.copy_more(100 + RECORDS)?;
    let asked = stopped.asked_by_who_it_was(before);
    assert!(!asked.is_empty(), "it has to learn that it is no member");
    for commit in asked.iter().flat_map(|entry| &entry.commits) {
        // By which it asks whether it is still a member: of nothing but what it had committed before.
        assert!(!commit.taken && commit.offset == 100, "{asked:#?}");
    }
    stopped.sites.assert_no_position_moved_back("orders");
    stopped.sites.assert_exact("orders")
}

#[test]
fn a_process_that_wakes_into_a_group_without_members_moves_no_position_back() -> Result<()> {
    let mut stopped = stopped()?;
    assert!(stopped.second.terminate(SOON)?.success());
    stopped.resume()?;
    stopped.copy_more(100 + RECORDS)?;
    stopped.sites.assert_no_position_moved_back("orders");
    stopped.sites.assert_exact("orders")
}

#[test]
fn a_process_that_was_stopped_goes_on_where_its_partitions_come_back() -> Result<()> {
    let mut stopped = stopped()?;
    stopped.wake()?;
    assert!(stopped.second.terminate(SOON)?.success());
    stopped.copy_more(100 + RECORDS)?;
    // And back again, by another death.
    let _third = Daemon::start("third", &stopped.config)?;
    stopped.first.kill()?;
    stopped.copy_more(1_100 + RECORDS)?;
    stopped.sites.assert_exact("orders")
}
