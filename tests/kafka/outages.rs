//! A cluster is gone for a while, or answers nobody, and comes back.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::clusters::Clusters;
use crate::load::{Load, age_of_workload, aged};
use crate::standing::{await_down, await_ready};
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 8;
const OUTAGE: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_secs(120);
/// Records of each partition, by number.
const BEFORE: Range<usize> = 0..30_000;
const AFTER: Range<usize> = 30_000..35_000;
/// Records a second.
const RATE: usize = 5_000;

/// Writes records number `numbers` to each partition, dated today; no two are equal, so that a repeat is told from what
/// follows.
fn write(client: &mut Client, numbers: Range<usize>) -> Result<()> {
    let mut writer = Writer::new(client, TOPIC)?;
    let age = age_of_workload()?;
    for partition in 0..PARTITIONS {
        let records = workload::mixed(partition, numbers.end).skip(numbers.start);
        let records = records.map(|record| aged(record, age));
        writer.write_all(partition, records, 500, Codec::Zstd)?;
    }
    Ok(())
}

#[test]
fn a_target_that_dies_for_half_a_minute_costs_no_record_and_repeats_none() -> Outcome {
    let mut clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 20_000, DEADLINE);
    let down = Instant::now();
    clusters.target.kill()?;
    await_down(&daemon, "target");
    thread::sleep(OUTAGE.saturating_sub(down.elapsed()));
    clusters.target.restart()?;
    await_ready(&daemon, DEADLINE);
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

#[test]
fn a_source_that_dies_for_half_a_minute_costs_no_record_and_repeats_none() -> Outcome {
    let mut clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    write(&mut clusters.source.client(), BEFORE)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 1, DEADLINE);
    let down = Instant::now();
    clusters.source.kill()?;
    await_down(&daemon, "source");
    thread::sleep(OUTAGE.saturating_sub(down.elapsed()));
    clusters.source.restart()?;
    await_ready(&daemon, DEADLINE);
    write(&mut clusters.source.client(), AFTER)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

/// The session ends with records in flight that can neither be written nor called back: what becomes of them is waited for.
#[test]
fn two_clusters_that_die_together_cost_no_record_and_repeat_none() -> Outcome {
    let mut clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    write(&mut clusters.source.client(), BEFORE)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 1, DEADLINE);
    clusters.source.kill()?;
    clusters.target.kill()?;
    eventually("the session is over", DEADLINE, || {
        ensure!(daemon.log().contains("partitions lost"), "it goes on");
        Ok(())
    });
    await_down(&daemon, "source");
    await_down(&daemon, "target");
    clusters.target.restart()?;
    clusters.source.restart()?;
    await_ready(&daemon, DEADLINE);
    write(&mut clusters.source.client(), AFTER)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

#[test]
fn a_source_that_freezes_beyond_every_timeout_costs_no_record_and_repeats_none() -> Outcome {
    const REQUEST_TIMEOUT_MS: &str = "8000";
    const FROZEN: Duration = Duration::from_secs(15);
    let mut clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    write(&mut clusters.source.client(), BEFORE)?;
    let config = clusters
        .config(&[TOPIC])
        .client("socket.timeout.ms", REQUEST_TIMEOUT_MS)
        .write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 1, DEADLINE);
    let frozen = Instant::now();
    clusters.source.pause()?;
    await_down(&daemon, "source");
    // Beyond the session timeout of 10 s as well.
    thread::sleep(FROZEN.saturating_sub(frozen.elapsed()));
    clusters.source.resume()?;
    await_ready(&daemon, DEADLINE);
    write(&mut clusters.source.client(), AFTER)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
