//! Groups that are up to a million records behind, between two real clusters: most of the offset map is read back for them.

use anyhow::{Result, ensure};

use super::DEADLINE;
use super::failover::{assert_groups_read_on, last_of_keys};
use crate::clusters::{Clusters, copy_of};
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::copied::Copied;
use crate::support::daemon::Daemon;
use crate::support::decode::Stored;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "far-behind";
/// So many that a million are left by the cleaner.
const RECORDS: usize = 1_100_000;
const BATCH: usize = 2_000;
/// One record in so many has a key that comes again, ten times in all: nine of them leave a gap.
const AGAIN_EVERY: usize = 16;
const KEYS_AGAIN: usize = RECORDS / AGAIN_EVERY / 10;
/// Five times what a process holds in memory of a partition: four sealed chunks of 2,000 runs and the open one.
const RUNS: usize = 50_000;

/// All but the newest segment, some twenty of them, are cleaned.
const CLEANED_SOON: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "1048576"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

/// Small ones.
fn records() -> impl Iterator<Item = Record> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..RECORDS).map(move |index| {
        let key = match index % AGAIN_EVERY {
            0 => format!("again-{}", random.usize(0..KEYS_AGAIN)),
            _ => format!("{index}"),
        };
        let at = workload::BASE_TIMESTAMP + index as i64;
        Record::at(at).key(key).value(format!("{index}"))
    })
}

/// How many of the records at these offsets are left.
fn left(source: &mut Client, offsets: std::ops::Range<i64>) -> Result<usize> {
    let mut left = 0;
    let count = |_: Stored| left += 1;
    source.read(TOPIC, 0, offsets, count)?;
    Ok(left)
}

/// Looks at a batch here and there, since the cleaner goes from the beginning to the end.
#[track_caller]
fn await_cleaned(source: &mut Client) {
    let places = (0..9).map(|tenth| (RECORDS / 10 * tenth / BATCH * BATCH) as i64);
    for place in places {
        let offsets = place..place + BATCH as i64;
        eventually(&format!("{offsets:?} are cleaned"), DEADLINE, || {
            let left = left(source, offsets.clone())?;
            ensure!(left < BATCH, "all are left");
            Ok(())
        });
    }
}

#[test]
fn i5_groups_up_to_a_million_records_behind_read_on_where_they_were() -> Outcome {
    let clusters = Clusters::shared()?;
    let mut source = clusters.source.client();
    source.create_topic(TOPIC, 1, &CLEANED_SOON)?;
    let mut writer = Writer::new(&mut source, TOPIC)?;
    writer.write_all(0, records(), BATCH, Codec::Lz4)?;
    let written = writer.written;
    await_cleaned(&mut source);
    let config = clusters.config(&[TOPIC]);
    let config = config.set("checkpoint_interval", "1s").write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    // One look at each side judges all groups.
    let copy = Ledger::read(&mut clusters.target.client(), &copy_of(TOPIC))?;
    let copied = Copied::of_entries(&written.partitions[0], &copy.partitions[0]);
    copied.assert_none_twice();
    assert!(copied.records() >= 1_000_000, "{}", copied.records());
    assert!(copied.runs() >= RUNS, "{} runs", copied.runs());
    copied.assert_holds(last_of_keys(records()));
    let held = Ledger::read(&mut source, TOPIC)?;
    let copied = copied.reduced_to(&held.partitions[0]);
    Ok(assert_groups_read_on(&clusters, TOPIC, &copied)?)
}
