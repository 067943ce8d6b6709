//! A daemon is stopped (SIGSTOP) for longer than its session, another takes over, and it wakes up again.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::clusters::{Clusters, group};
use crate::load::Load;
use crate::support::codec::Codec;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::groups::Group;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::proxy::Manner;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 8;
/// Records a second.
const RATE: usize = 5_000;
const DEADLINE: Duration = Duration::from_secs(90);

#[track_caller]
fn await_members(clusters: &Clusters, members: usize) -> Group {
    let mut source = clusters.source.client();
    let what = format!("the group is stable with {members} members");
    eventually(&what, DEADLINE, || {
        let group = source.group(&group(TOPIC))?;
        ensure!(
            group.members.len() == members && group.state == "Stable",
            "{group:?}"
        );
        Ok(group)
    })
}

fn committed(clusters: &Clusters) -> Result<Vec<i64>> {
    let at = |partition| Ok(clusters.committed(TOPIC, partition)?.unwrap_or(0));
    (0..PARTITIONS).map(at).collect()
}

fn ends(clusters: &Clusters) -> Result<Vec<i64>> {
    let mut source = clusters.source.client();
    (0..PARTITIONS)
        .map(|partition| source.log_end(TOPIC, partition))
        .collect()
}

/// Waits until the group has committed `positions` or more.
#[track_caller]
fn await_committed(clusters: &Clusters, positions: &[i64]) {
    eventually(
        "the survivor has passed what the frozen one held",
        DEADLINE,
        || {
            let now = committed(clusters)?;
            let passed = now.iter().zip(positions).all(|(now, wanted)| now >= wanted);
            ensure!(passed, "{now:?} of {positions:?}");
            Ok(())
        },
    );
}

/// Waits until the expelled one is back as a new member; no position may go back from `highest` meanwhile.
#[track_caller]
fn await_return(clusters: &Clusters, mut highest: Vec<i64>) -> Group {
    let mut source = clusters.source.client();
    eventually("the expelled one is a member again", DEADLINE, || {
        let now = committed(clusters)?;
        let went_on = now.iter().zip(&highest).all(|(now, before)| now >= before);
        assert!(went_on, "positions went back from {highest:?} to {now:?}");
        highest = now;
        let group = source.group(&group(TOPIC))?;
        ensure!(
            group.members.len() == 2 && group.state == "Stable",
            "{group:?}"
        );
        Ok(group)
    })
}

#[test]
fn i6_a_daemon_that_wakes_up_expelled_commits_nothing_and_costs_nothing() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    let config = clusters
        .config(&[TOPIC])
        .client("session.timeout.ms", "6000")
        .write()?;
    let mut first = Daemon::start("first", &config)?;
    let second = Daemon::start("second", &config)?;
    await_members(&clusters, 2);
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    clusters.await_copied(TOPIC, 20_000, DEADLINE);

    first.pause()?;
    let alone = await_members(&clusters, 1);
    // Whatever lies in the frozen one's hands or on its way to it is older than this.
    await_committed(&clusters, &ends(&clusters)?);
    let before = committed(&clusters)?;
    first.resume()?;
    let both = await_return(&clusters, before);
    assert!(
        alone
            .members
            .iter()
            .all(|member| both.members.contains(member)),
        "{alone:?} {both:?}"
    );
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    for daemon in [&first, &second] {
        let answer = daemon.readyz()?;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

/// Writes a thousand records to the first partition.
fn write(clusters: &Clusters, thousand: usize) -> Result<()> {
    let numbers = thousand * 1_000..(thousand + 1) * 1_000;
    let records = numbers.map(|number| workload::typical(0, number));
    let mut source = clusters.source.client();
    Writer::new(&mut source, TOPIC)?.write_all(0, records, 500, Codec::Lz4)
}

#[test]
fn what_a_daemon_had_in_flight_when_it_was_stopped_is_refused_and_it_goes_on() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, 1)?;
    let (source, proxy) = (&clusters.source, clusters.target.proxy()?);
    let settings = |config: Config| config.client("session.timeout.ms", "6000");
    let held_up = Config::mirror(&source.bootstrap(), &proxy.address(), &[TOPIC]);
    let held_up = settings(held_up).write()?;
    let direct = settings(clusters.config(&[TOPIC])).write()?;
    let mut first = Daemon::start("first", &held_up)?;
    write(&clusters, 0)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    proxy.set(Manner::Hold);
    write(&clusters, 1)?;
    eventually("records are in flight", DEADLINE, || {
        let metrics = first.metrics()?;
        let records = metrics.sum("kmirror_inflight_records", &[("topic", TOPIC)]);
        ensure!(records > Some(500.0), "{records:?}");
        Ok(())
    });
    first.pause()?;
    let mut second = Daemon::start("second", &direct)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    proxy.set(Manner::Pass);
    first.resume()?;
    eventually("the first one hears that it is shut out", DEADLINE, || {
        let told = first.log();
        ensure!(
            told.contains("another process took a partition over"),
            "not yet"
        );
        Ok(())
    });
    write(&clusters, 2)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    assert!(second.terminate(DEADLINE)?.success());
    write(&clusters, 3)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
