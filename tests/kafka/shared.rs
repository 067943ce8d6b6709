//! One group for all topics: a busy one among many that are idle.

use std::thread;
use std::time::Duration;

use anyhow::ensure;

use crate::clusters::Clusters;
use crate::load::Load;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

const GROUP: &str = "kmirror.source-target";
const BUSY: &str = "busy";
const IDLE: usize = 100;
/// Records a second: a kill finds some in flight.
const RATE: usize = 10_000;
const DEADLINE: Duration = Duration::from_secs(90);
/// Longer than a partition must be quiet and on its way back to be read with the others again.
const AT_REST: Duration = Duration::from_secs(13);

#[track_caller]
fn await_caught_up(clusters: &Clusters) {
    let mut source = clusters.source.client();
    eventually("it is mirrored and committed to its end", DEADLINE, || {
        let lag = source.group_lag(GROUP, BUSY)?;
        ensure!(lag == 0, "{lag} records behind");
        Ok(())
    });
}

#[test]
fn a_busy_topic_among_idle_ones_arrives_exactly_through_a_kill_and_rests() -> Outcome {
    let clusters = Clusters::with_topic(BUSY, 4)?;
    let mut source = clusters.source.client();
    for number in 0..IDLE {
        source.create_topic(&format!("idle-{number}"), 1, &[])?;
    }
    let config = clusters.config(&[".*"]).set("consumer_groups", "shared");
    let config = config.top("memory", "64MiB").write()?;
    let mut daemon = Daemon::start("killed", &config)?;
    let load = Load::start(clusters.source.client(), BUSY, RATE);
    clusters.await_copied(BUSY, 40_000, DEADLINE);
    daemon.kill()?;
    let _daemon = Daemon::start("restarted", &config)?;
    clusters.await_copied(BUSY, 100_000, DEADLINE);
    load.finish()?;
    await_caught_up(&clusters);
    let found = clusters.compare(BUSY)?;
    assert!(found.is_exact(), "{found}");
    // Read with the others, then apart from them once more.
    for more in [100, 20_000] {
        thread::sleep(AT_REST);
        let load = Load::start(clusters.source.client(), BUSY, RATE);
        let before = clusters.compare(BUSY)?.target_records as i64;
        clusters.await_copied(BUSY, before + more, DEADLINE);
        load.finish()?;
        await_caught_up(&clusters);
    }
    let found = clusters.compare(BUSY)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
