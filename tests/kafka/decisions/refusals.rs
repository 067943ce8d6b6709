//! The target refuses a record for good (`on_rejected`), until its topic is configured otherwise.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{DEADLINE, write};
use crate::clusters::{Clusters, copy_of};
use crate::load::now_ms;
use crate::standing::{await_state, skipped};
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const HOUR_MS: i64 = 3_600_000;
/// Records of each partition before the trouble.
const BEFORE: usize = 100;
/// Where the refused record stands: behind some that come in one go with it.
const REFUSED_AT: i64 = 105;

/// One kind of record that a copy does not take.
struct Refusal {
    topic: &'static str,
    record: Record,
    /// Set on the source topic, so that it takes the record.
    source: (&'static str, &'static str),
    /// Set on the copy, so that it does not.
    copy: (&'static str, &'static str),
    /// Set on the copy later, so that it does.
    remedy: (&'static str, &'static str),
    /// Part of the broker's reason.
    reason: &'static str,
}

/// Not compressible to below the limit, since the limit is on what the broker gets.
fn too_large(topic: &'static str) -> Refusal {
    let value = workload::large().next().and_then(|record| record.value);
    let value = value.expect("a large record has a value")[..100_000].to_vec();
    Refusal {
        topic,
        record: Record::at(workload::BASE_TIMESTAMP)
            .key("large")
            .value(value),
        source: ("max.message.bytes", "1048588"),
        copy: ("max.message.bytes", "50000"),
        remedy: ("max.message.bytes", "1048588"),
        reason: "too large",
    }
}

fn without_key(topic: &'static str) -> Refusal {
    Refusal {
        topic,
        record: Record::at(workload::BASE_TIMESTAMP).value("no key"),
        source: ("cleanup.policy", "delete"),
        copy: ("cleanup.policy", "compact"),
        remedy: ("cleanup.policy", "delete"),
        reason: "validate record",
    }
}

fn from_the_future(topic: &'static str) -> Result<Refusal> {
    const ANY: &str = "9223372036854775807";
    Ok(Refusal {
        topic,
        record: Record::at(now_ms()? + 48 * HOUR_MS)
            .key("future")
            .value("in two days"),
        source: ("message.timestamp.after.max.ms", ANY),
        copy: ("message.timestamp.after.max.ms", "3600000"),
        remedy: ("message.timestamp.after.max.ms", ANY),
        reason: "nvalid timestamp",
    })
}

/// Partition 1 gets good records, the refused one and good ones again, all at once; the others get good ones.
fn write_around(clusters: &Clusters, refusal: &Refusal) -> Result<()> {
    let typical = |from: usize| (from..from + 5).map(|index| workload::typical(1, index));
    let bad = std::iter::once(refusal.record.clone());
    let around: Vec<_> = typical(100).chain(bad).chain(typical(105)).collect();
    let mut client = clusters.source.client();
    let mut writer = Writer::new(&mut client, refusal.topic)?;
    writer.write(1, &around, Codec::None)?;
    for partition in [0, 2] {
        let more = (BEFORE..BEFORE + 50).map(|index| workload::typical(partition, index));
        writer.write_all(partition, more, 10, Codec::None)?;
    }
    Ok(())
}

/// The topic and its copy, mirrored so far without trouble. The daemon logs into the directory of its file.
fn start(
    clusters: &Clusters,
    refusal: &Refusal,
    on_rejected: &str,
) -> Result<(Daemon, ConfigFile)> {
    let mut source = clusters.source.client();
    source.create_topic(refusal.topic, 3, &[refusal.source])?;
    let copy = copy_of(refusal.topic);
    clusters
        .target
        .client()
        .create_topic(&copy, 3, &[refusal.source])?;
    write(clusters, refusal.topic, 0, BEFORE)?;
    let config = clusters
        .config(&[refusal.topic])
        // What the copy refuses is a config that the source does not have.
        .set("sync_topic_configs", "false")
        .set("on_rejected", on_rejected)
        .write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(refusal.topic, DEADLINE);
    clusters
        .target
        .client()
        .set_topic_configs(&copy, &[refusal.copy])?;
    write_around(clusters, refusal)?;
    Ok((daemon, config))
}

#[track_caller]
fn await_ends(clusters: &Clusters, topic: &str, ends: &[(i32, i64)]) {
    let mut target = clusters.target.client();
    for (partition, end) in ends {
        let what = format!("partition {partition} of the copy has {end} records");
        eventually(&what, DEADLINE, || {
            let copied = target.log_end(&copy_of(topic), *partition)?;
            ensure!(copied == *end, "{copied}");
            Ok(())
        });
    }
}

#[track_caller]
fn assert_refused_alone_until_remedied(refusal: &Refusal) -> Result<()> {
    let clusters = Clusters::shared()?;
    let topic = refusal.topic;
    let (daemon, _config) = start(&clusters, refusal, "pause")?;
    let reason = await_state(&daemon, (topic, 1), "rejected", DEADLINE);
    println!("{topic}: {reason}");
    for said in [&format!("offset {REFUSED_AT}"), refusal.reason] {
        assert!(reason.contains(said), "{reason:?} does not say {said:?}");
    }
    await_ends(&clusters, topic, &[(0, 150), (2, 150), (1, REFUSED_AT)]);
    eventually("the position stands before the record", DEADLINE, || {
        let committed = clusters.committed(topic, 1)?;
        ensure!(committed == Some(REFUSED_AT), "{committed:?}");
        Ok(())
    });

    let copy = copy_of(topic);
    clusters
        .target
        .client()
        .set_topic_configs(&copy, &[refusal.remedy])?;
    clusters.await_caught_up(topic, DEADLINE);
    await_state(&daemon, (topic, 1), "running", DEADLINE);
    let found = clusters.compare(topic)?;
    assert!(found.is_exact(), "{found}");
    assert_eq!(skipped(&daemon, topic, "rejected")?, 0.0);
    Ok(())
}

#[test]
fn a_record_too_large_for_the_copy_stops_its_partition_alone_until_the_limit_is_raised() -> Outcome
{
    assert_refused_alone_until_remedied(&too_large("refused-size"))?;
    Ok(())
}

#[test]
fn a_record_without_key_stops_its_partition_alone_while_the_copy_is_compacted() -> Outcome {
    assert_refused_alone_until_remedied(&without_key("refused-key"))?;
    Ok(())
}

#[test]
fn a_record_from_the_far_future_stops_its_partition_alone_until_the_copy_takes_it() -> Outcome {
    assert_refused_alone_until_remedied(&from_the_future("refused-time")?)?;
    Ok(())
}

/// Each of them makes the broker refuse the whole batch that it comes in, so that the others must be told from it.
#[track_caller]
fn assert_left_out_alone(refusal: &Refusal) -> Result<()> {
    let clusters = Clusters::shared()?;
    let topic = refusal.topic;
    let (daemon, _config) = start(&clusters, refusal, "skip")?;
    clusters.await_caught_up(topic, DEADLINE);
    let found = clusters.compare(topic)?;
    assert_eq!(found.lost, 1, "{found}");
    assert!(found.is_exact_but_for_losses(), "{found}");
    let lost = found.first.first();
    let lost = lost.map(|lost| (lost.partition, lost.source_offset));
    assert_eq!(lost, Some((1, Some(REFUSED_AT))), "{found}");
    assert_eq!(skipped(&daemon, topic, "rejected")?, 1.0);
    assert_eq!(offsets_told(&daemon), [REFUSED_AT]);
    await_state(&daemon, (topic, 1), "running", DEADLINE);
    Ok(())
}

/// The offsets of partition 1 that the daemon says it has left out.
fn offsets_told(daemon: &Daemon) -> Vec<i64> {
    let log = daemon.log();
    let lines = log.lines();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines.filter(|line| {
        let message = line["message"].as_str().unwrap_or_default();
        message.contains("record skipped")
    });
    told.filter_map(|line| line["offset"].as_i64()).collect()
}

#[test]
fn on_rejected_skip_leaves_out_a_record_too_large_alone_and_tells_its_offset() -> Outcome {
    assert_left_out_alone(&too_large("skipped-size"))?;
    Ok(())
}

#[test]
fn on_rejected_skip_leaves_out_a_record_without_key_alone_and_tells_its_offset() -> Outcome {
    assert_left_out_alone(&without_key("skipped-key"))?;
    Ok(())
}

#[test]
fn on_rejected_skip_leaves_out_a_record_from_the_far_future_alone_and_tells_its_offset() -> Outcome
{
    assert_left_out_alone(&from_the_future("skipped-time")?)?;
    Ok(())
}
