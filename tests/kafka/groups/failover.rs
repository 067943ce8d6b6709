//! Groups are failed over between two real clusters, wherever they stand in topics of every kind: each reads exactly what
//! it had not read.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

use super::{DEADLINE, await_coordinator};
use crate::clusters::{Clusters, copy_of};
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::copied::Copied;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::positions;
use crate::support::record::Record;
use crate::support::till::{self, Till};
use crate::support::wait::eventually;
use crate::support::workload;

/// Records before the kill, and after it.
const RECORDS: usize = 20_000;
/// Transactions before the kill, and after it.
const TRANSACTIONS: usize = 150;

/// Cleaned within seconds: a segment holds the records of one second, by their timestamps.
const CLEANED_SOON: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "1000"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

/// Mirrors `topic`, dies once the first records have come, starts again, and copies what is written meanwhile.
fn mirror_through_a_kill(
    clusters: &Clusters,
    topic: &str,
    write_more: impl FnOnce() -> Result<()>,
) -> Result<Daemon> {
    let config = clusters.config(&[topic]);
    let config = config.set("checkpoint_interval", "1s").write()?;
    let mut first = Daemon::start("killed", &config)?;
    clusters.await_copied(topic, 1, DEADLINE);
    first.kill()?;
    let second = Daemon::start("restarted", &config)?;
    write_more()?;
    clusters.await_caught_up(topic, DEADLINE);
    Ok(second)
}

/// # Panics
/// When one of many groups at any place of `topic` does not read on where it was on the target.
#[track_caller]
pub(super) fn assert_groups_read_on(
    clusters: &Clusters,
    topic: &str,
    copied: &Copied,
) -> Result<()> {
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    await_coordinator(&mut source, topic);
    for (group, place) in positions::commit(&mut source, topic, &[(topic, 0)])? {
        let moved = eventually(&format!("{group} is moved"), DEADLINE, || {
            let moved = target.committed(&group, &copy_of(topic), 0)?;
            moved.context("not yet")
        });
        copied.assert_reads_on(&group, place[0], moved);
    }
    Ok(())
}

/// Writes to partition 0, with keys that come again at random, numbered from `first`.
fn write(client: &mut Client, topic: &str, first: usize) -> Result<Vec<Record>> {
    let mut random = fastrand::Rng::with_seed(first as u64);
    let records = (first..first + RECORDS).map(|index| {
        let key = random.usize(0..RECORDS / 2);
        workload::typical(0, index).key(format!("key-{key}"))
    });
    let records: Vec<_> = records.collect();
    Writer::new(client, topic)?.write_all(0, records.clone(), 200, Codec::Lz4)?;
    Ok(records)
}

/// What the copy holds of `records`, which were written one behind the other.
fn copied(target: &mut Client, topic: &str, records: &[Record]) -> Result<Copied> {
    let copy = Ledger::read(target, &copy_of(topic))?;
    let written = (0..).zip(records);
    let written = written.map(|(offset, record)| (offset, record.digest()));
    let copy = copy.partitions[0].iter();
    let copy = copy.map(|entry| (entry.offset, entry.content));
    Ok(Copied::of(written, copy))
}

#[test]
fn i5_each_group_of_a_plain_topic_reads_on_where_it_was_after_a_kill() -> Outcome {
    let clusters = Clusters::shared()?;
    let topic = "failover-plain";
    let mut source = clusters.source.client();
    source.create_topic(topic, 1, &[])?;
    let mut records = write(&mut source, topic, 0)?;
    let _daemon = mirror_through_a_kill(&clusters, topic, || {
        records.extend(write(&mut source, topic, RECORDS)?);
        Ok(())
    })?;
    let copied = copied(&mut clusters.target.client(), topic, &records)?;
    copied.assert_each_once();
    Ok(assert_groups_read_on(&clusters, topic, &copied)?)
}

/// Offsets of those records, written one behind the other, that are the last of their keys: no cleaner takes them.
pub(super) fn last_of_keys(records: impl IntoIterator<Item = Record>) -> Vec<i64> {
    let keyed = (0..).zip(records).map(|(at, record)| (record.key, at));
    let last: HashMap<_, i64> = keyed.collect();
    last.into_values().collect()
}

#[test]
fn i5_each_group_of_a_compacted_topic_reads_on_where_it_was_after_a_kill() -> Outcome {
    let clusters = Clusters::shared()?;
    let topic = "failover-compacted";
    let mut source = clusters.source.client();
    source.create_topic(topic, 1, &CLEANED_SOON)?;
    let mut records = write(&mut source, topic, 0)?;
    eventually("the source is compacted", DEADLINE, || {
        let left = Ledger::read(&mut source, topic)?.records();
        ensure!(left < RECORDS * 3 / 4, "{left} records are left");
        Ok(())
    });
    let _daemon = mirror_through_a_kill(&clusters, topic, || {
        records.extend(write(&mut source, topic, RECORDS)?);
        Ok(())
    })?;
    // The copy is compacted, too, whenever its cleaner comes.
    let copied = copied(&mut clusters.target.client(), topic, &records)?;
    copied.assert_none_twice();
    copied.assert_holds(last_of_keys(records));
    let held = Ledger::read(&mut source, topic)?;
    let copied = copied.reduced_to(&held.partitions[0]);
    Ok(assert_groups_read_on(&clusters, topic, &copied)?)
}

#[test]
fn i5_each_group_among_transactions_reads_on_where_it_was_after_a_kill() -> Outcome {
    let clusters = Clusters::shared()?;
    let topic = "failover-transactions";
    clusters.source.client().create_topic(topic, 1, &[])?;
    let mut till = Till::open(&clusters.source.bootstrap(), topic)?;
    till.ring(TRANSACTIONS)?;
    let _daemon = mirror_through_a_kill(&clusters, topic, || till.ring(TRANSACTIONS))?;
    let written = till::seen(&clusters.source.bootstrap(), topic, "read_committed")?;
    assert_eq!(written.len(), 2 * TRANSACTIONS / 3 * 2 * till::EACH);
    let copy = till::seen(
        &clusters.target.bootstrap(),
        &copy_of(topic),
        "read_uncommitted",
    )?;
    let copied = Copied::of(written, copy);
    copied.assert_each_once();
    Ok(assert_groups_read_on(&clusters, topic, &copied)?)
}
