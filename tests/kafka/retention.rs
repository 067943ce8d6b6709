//! Retention overtakes a mirror that runs and is held up by its target.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::clusters::Clusters;
use crate::standing::skipped;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::proxy::Manner;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 2;
const DEADLINE: Duration = Duration::from_secs(120);
/// Records of each partition before and after the hold-up.
const AROUND: usize = 1_000;
/// Records of each partition that come meanwhile: far more than budget and prefetch hold.
const MEANWHILE: usize = 100_000;

/// Writes typical records number `first..first + count` to each partition.
fn write(writer: &mut Writer<'_>, first: usize, count: usize) -> Result<()> {
    for partition in 0..PARTITIONS {
        let records = (first..first + count).map(|index| workload::typical(partition, index));
        writer.write_all(partition, records, 500, Codec::Lz4)?;
    }
    Ok(())
}

/// Has retention take all that the source holds now.
fn empty(source: &mut Client) -> Result<()> {
    source.set_topic_configs(TOPIC, &[("retention.ms", "1000")])?;
    eventually("retention has emptied the source", DEADLINE, || {
        for partition in 0..PARTITIONS {
            let start = source.log_start(TOPIC, partition)?;
            let end = source.log_end(TOPIC, partition)?;
            ensure!(start == end, "partition {partition} holds {start}..{end}");
        }
        Ok(())
    });
    source.set_topic_configs(TOPIC, &[("retention.ms", "-1")])
}

/// What retention takes is what the mirror says is missing, and nothing else is.
#[test]
fn records_that_retention_takes_from_a_mirror_held_up_by_its_target_are_counted_exactly() -> Outcome
{
    let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
    let proxy = clusters.target.proxy()?;
    let config = Config::mirror(&clusters.source.bootstrap(), &proxy.address(), &[TOPIC])
        .top("memory", "64MiB")
        .write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    let mut source = clusters.source.client();
    let mut writer = Writer::new(&mut source, TOPIC)?;
    write(&mut writer, 0, AROUND)?;
    clusters.await_caught_up(TOPIC, DEADLINE);

    proxy.set(Manner::Hold);
    write(&mut writer, AROUND, MEANWHILE)?;
    empty(&mut clusters.source.client())?;
    proxy.set(Manner::Pass);
    write(&mut writer, AROUND + MEANWHILE, AROUND)?;
    clusters.await_caught_up(TOPIC, DEADLINE);

    let found = clusters.compare_with(&writer.written, TOPIC)?;
    let told = skipped(&daemon, TOPIC, "retention")?;
    println!("{told} records skipped; {found}");
    assert!(found.lost > 0, "retention came too late: {found}");
    assert_eq!(found.lost as f64, told, "{found}");
    assert!(found.is_exact_but_for_losses(), "{found}");
    let said = daemon.log().matches("gap: ").count();
    assert_eq!(said, 2, "once for each partition");
    Ok(())
}
