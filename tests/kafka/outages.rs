//! One of the clusters is gone for half a minute, and comes back.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::clusters::Clusters;
use crate::load::Load;
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

fn clusters() -> Result<Clusters> {
    let clusters = Clusters::start()?;
    clusters
        .source
        .client()
        .create_topic(TOPIC, PARTITIONS, &[])?;
    Ok(clusters)
}

fn write(client: &mut Client, records: usize) -> Result<()> {
    let mut writer = Writer::new(client, TOPIC)?;
    for partition in 0..PARTITIONS {
        writer.write_all(
            partition,
            workload::mixed(partition, records),
            500,
            Codec::Zstd,
        )?;
    }
    Ok(())
}

/// The daemon stays up and says that it is not ready, and which cluster is the reason.
#[track_caller]
fn await_not_ready(daemon: &Daemon, cluster: &str) {
    eventually(&format!("/readyz names {cluster}"), OUTAGE, || {
        let answer = daemon.readyz()?;
        ensure!(
            answer.status == 503 && answer.body.contains(cluster),
            "{answer:?}"
        );
        Ok(())
    });
}

#[track_caller]
fn await_ready(daemon: &Daemon) {
    eventually("/readyz answers 200", DEADLINE, || {
        let answer = daemon.readyz()?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    });
}

#[test]
fn a_target_that_is_down_for_half_a_minute_costs_no_record_and_repeats_none() -> Outcome {
    let mut clusters = clusters()?;
    let config = clusters.config(&[TOPIC]).write()?;
    let load = Load::start(clusters.source.client(), TOPIC, 5_000);
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 20_000, DEADLINE);
    let down = Instant::now();
    clusters.target.stop()?;
    await_not_ready(&daemon, "target");
    thread::sleep(OUTAGE.saturating_sub(down.elapsed()));
    clusters.target.restart()?;
    await_ready(&daemon);
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

#[test]
fn a_source_that_dies_for_half_a_minute_costs_no_record() -> Outcome {
    let mut clusters = clusters()?;
    write(&mut clusters.source.client(), 30_000)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 1, DEADLINE);
    let down = Instant::now();
    clusters.source.kill()?;
    await_not_ready(&daemon, "source");
    thread::sleep(OUTAGE.saturating_sub(down.elapsed()));
    clusters.source.restart()?;
    await_ready(&daemon);
    write(&mut clusters.source.client(), 5_000)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact_but_for_replays(), "{found}");
    assert!(
        found.rewinds <= PARTITIONS as usize,
        "one replay per partition at most: {found}"
    );
    Ok(())
}
