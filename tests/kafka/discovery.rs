//! What is new is mirrored soon: the first record after a start, and a topic that appears while the daemon runs.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::clusters::Clusters;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// From start to the first mirrored record, once both clusters answer.
const STARTS_WITHIN: Duration = Duration::from_secs(3);
/// `discovery_interval`, by default, and a second.
const DISCOVERS_WITHIN: Duration = Duration::from_secs(3);
/// For two cores that run another test with two brokers at the same time.
const SLACK: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn a_start_and_a_new_topic_take_effect_within_seconds() -> Outcome {
    let clusters = Clusters::start()?;
    let mut source = clusters.source.client();
    let record = [Record::at(1_700_000_000_000).key("first")];
    for topic in ["warm", "early"] {
        source.create_topic(topic, 1, &[])?;
        source.produce(topic, 0, &record, Codec::None)?;
    }
    warm_up(&clusters)?;
    let config = clusters.config(&["early", "late-.*"]).write()?;

    let started = Instant::now();
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied("early", 1, DEADLINE);
    let first = started.elapsed();
    eventually("/readyz answers 200", DEADLINE, || {
        let answer = daemon.readyz()?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    });

    source.create_topic("late-1", 3, &[])?;
    let appeared = Instant::now();
    source.produce("late-1", 2, &record, Codec::None)?;
    clusters.await_copied("late-1", 1, DEADLINE);
    let discovered = appeared.elapsed();
    println!("first record after {first:?}, new topic after {discovered:?}");
    assert!(
        first <= STARTS_WITHIN + SLACK,
        "the first record took {first:?}"
    );
    assert!(
        discovered <= DISCOVERS_WITHIN + SLACK,
        "the new topic took {discovered:?}"
    );
    Ok(())
}

/// The first group and the first idempotent producer of a new cluster wait for it to create its own topics, which says
/// nothing about a start.
fn warm_up(clusters: &Clusters) -> anyhow::Result<()> {
    let config = clusters.config(&["warm"]).write()?;
    let mut daemon = Daemon::start("warm-up", &config)?;
    clusters.await_copied("warm", 1, DEADLINE);
    daemon.terminate(DEADLINE)?;
    Ok(())
}
