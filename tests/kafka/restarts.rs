//! The daemon goes away in mid-stream, with and without warning, and another start or another machine goes on.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::clusters::{Clusters, copy_of, group};
use crate::load::Load;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 8;
/// Records a second: a kill finds some in flight.
const RATE: usize = 10_000;
const DEADLINE: Duration = Duration::from_secs(90);
/// `drain_timeout`, by default, and the process's own end.
const DRAINS_WITHIN: Duration = Duration::from_secs(25);

/// I1: whatever was committed on the source is on the target. Without replays so far, offsets are counts.
fn assert_commits_are_covered(clusters: &Clusters) -> Result<()> {
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    for partition in 0..PARTITIONS {
        let committed = source
            .committed(&group(TOPIC), TOPIC, partition)?
            .unwrap_or(0);
        let copied = target.log_end(&copy_of(TOPIC), partition)?;
        assert!(
            committed <= copied,
            "partition {partition}: {committed} committed, {copied} copied"
        );
    }
    Ok(())
}

#[test]
fn kill_in_mid_stream_loses_nothing_and_repeats_nothing() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    let mut daemon = Daemon::start("killed", &config)?;
    clusters.await_copied(TOPIC, 40_000, DEADLINE);
    daemon.kill()?;
    assert_commits_are_covered(&clusters)?;

    let _daemon = Daemon::start("restarted", &config)?;
    clusters.await_copied(TOPIC, 100_000, DEADLINE);
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

#[test]
fn a_drained_stop_in_mid_stream_loses_nothing_and_repeats_nothing() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    let mut daemon = Daemon::start("drained", &config)?;
    clusters.await_copied(TOPIC, 40_000, DEADLINE);
    let status = daemon.terminate(DRAINS_WITHIN)?;
    assert_eq!(status.code(), Some(0), "a drained stop is a clean one");
    assert_commits_are_covered(&clusters)?;

    let _daemon = Daemon::start("restarted", &config)?;
    clusters.await_copied(TOPIC, 100_000, DEADLINE);
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

#[test]
fn when_one_of_two_daemons_is_killed_the_other_takes_over() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    // The default of 45 s is how long the dead one's partitions would stand still.
    let config = clusters
        .config(&[TOPIC])
        .client("session.timeout.ms", "10000")
        .write()?;
    let mut first = Daemon::start("first", &config)?;
    let second = Daemon::start("second", &config)?;
    let mut source = clusters.source.client();
    eventually("both daemons are members of the group", DEADLINE, || {
        let group = source.group(&group(TOPIC))?;
        ensure!(
            group.members.len() == 2 && group.state == "Stable",
            "{group:?}"
        );
        Ok(())
    });

    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    clusters.await_copied(TOPIC, 40_000, DEADLINE);
    eventually("both do their part", DEADLINE, || {
        for daemon in [&first, &second] {
            let metrics = daemon.metrics()?;
            let mirrored = metrics.sum("kmirror_mirrored_records_total", &[("topic", TOPIC)]);
            ensure!(mirrored.is_some_and(|count| count > 0.0), "{mirrored:?}");
        }
        Ok(())
    });
    first.kill()?;
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
