//! I4 at scale: a million records of every shape, size, codec and timestamp type arrive unchanged.

use std::time::Duration;

use anyhow::Result;

use crate::clusters::{Clusters, copy_of};
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::record::{Record, TimestampType};
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(180);
const MILLION: usize = 1_000_000;

/// Writes `records` for each partition of `topic`, each batch of `batch` under the next codec, and makes sure that the
/// source holds just that.
fn write<R: Iterator<Item = Record>>(
    source: &mut Client,
    topic: &str,
    batch: usize,
    mut records: impl FnMut(i32) -> R,
) -> Result<()> {
    let mut writer = Writer::new(source, topic)?;
    let mut codecs = Codec::ALL.into_iter().cycle();
    for partition in (0..).take(writer.written.partitions.len()) {
        let mut records = records(partition).peekable();
        while records.peek().is_some() {
            let codec = codecs.next().expect("it cycles");
            writer.write_all(partition, records.by_ref().take(batch), batch, codec)?;
        }
    }
    let written = writer.written;
    assert_eq!(
        written.differs_from(&Ledger::read(source, topic)?),
        None,
        "{topic} on the source"
    );
    Ok(())
}

#[test]
fn a_million_records_of_every_shape_arrive_unchanged() -> Outcome {
    let clusters = Clusters::start()?;
    let mut source = clusters.source.client();
    source.create_topic("million", 8, &[])?;
    write(&mut source, "million", 500, |partition| {
        workload::mixed(partition, MILLION / 8)
    })?;
    let config = clusters.config(&["million"]).write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up("million", DEADLINE);
    let found = clusters.compare("million")?;
    assert!(found.is_exact(), "{found}");
    assert_eq!(found.target_records, MILLION);
    Ok(())
}

#[test]
fn timestamps_set_by_the_source_broker_are_kept() -> Outcome {
    let clusters = Clusters::start()?;
    let mut source = clusters.source.client();
    source.create_topic(
        "appended",
        4,
        &[("message.timestamp.type", "LogAppendTime")],
    )?;
    write(&mut source, "appended", 100, |partition| {
        workload::mixed(partition, 5_000)
    })?;
    let config = clusters.config(&["appended"]).write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up("appended", DEADLINE);
    let found = clusters.compare("appended")?;
    assert!(found.is_exact(), "{found}");
    let copy = Ledger::read(&mut clusters.target.client(), &copy_of("appended"))?;
    let kept = |partition: &Vec<_>| partition.iter().all(is_create_time);
    assert!(
        copy.partitions.iter().all(kept),
        "the copy keeps the value, so its type is CreateTime"
    );
    Ok(())
}

fn is_create_time(entry: &crate::support::ledger::Entry) -> bool {
    entry.timestamp_type == TimestampType::CreateTime
}

#[test]
fn values_of_up_to_8_mib_arrive_on_a_topic_created_with_the_sources_limit() -> Outcome {
    let clusters = Clusters::start()?;
    let mut source = clusters.source.client();
    source.create_topic("large", 2, &[("max.message.bytes", "9000000")])?;
    write(&mut source, "large", 1, |_| workload::large())?;
    let config = clusters.config(&["large"]).write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up("large", DEADLINE);
    let found = clusters.compare("large")?;
    assert!(found.is_exact(), "{found}");
    let limit = clusters
        .target
        .client()
        .topic_config(&copy_of("large"), "max.message.bytes")?;
    assert_eq!(limit.as_deref(), Some("9000000"));
    Ok(())
}
