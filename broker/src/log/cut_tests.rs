//! Claims about logs that are cut and compacted, held against what a plain list of records would do.

use proptest::prelude::*;

use super::cut::Epoch;
use super::partition_log::{AppendRules, PartitionLog};
use super::records::Records;
use super::sample::Sample;
use crate::store::PartitionDir;

const RULES: AppendRules = AppendRules {
    log_append_time: false,
    segment_bytes: 300,
    now: 5000,
    disk_full: false,
    denied: None,
};

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

type Record = (i64, String);

/// Batches to be: the number of the codec, and the key of each record.
fn batches() -> impl Strategy<Value = Vec<(i16, Vec<usize>)>> {
    let records = prop::collection::vec(0..KEYS.len(), 1..6);
    prop::collection::vec((0_i16..5, records), 1..12)
}

/// A log of these batches, and its records as a plain list.
fn filled(batches: &[(i16, Vec<usize>)], dir: Option<PartitionDir>) -> (PartitionLog, Vec<Record>) {
    let (mut log, mut plain) = (PartitionLog::new(dir), Vec::new());
    for (codec, keys) in batches {
        let sample = Sample {
            attributes: *codec,
            records: keys.iter().map(|key| (Some(KEYS[*key]), 1000)).collect(),
            ..Sample::default()
        };
        log.append(sample.incoming(), RULES).expect("sound");
        for key in keys {
            plain.push((plain.len() as i64, KEYS[*key].to_owned()));
        }
    }
    (log, plain)
}

fn records(log: &PartitionLog) -> Vec<Record> {
    let mut found = Vec::new();
    for batch in log.batches_from(0) {
        let opened = Records::open(&batch.header(), &batch.bytes).expect("sound");
        for record in opened.iter() {
            let record = record.expect("sound");
            let key = String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
            found.push((batch.base_offset + i64::from(record.offset_delta), key));
        }
    }
    found
}

fn newest_of_each_key(plain: &[Record]) -> Vec<Record> {
    let is_newest = |(offset, key): &&Record| {
        let later = |(other, same): &Record| other > offset && same == key;
        !plain.iter().any(later)
    };
    plain.iter().filter(is_newest).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cut_leaves_exactly_what_was_before_it(batches in batches(), share in 0.0..=1.0) {
        let (mut log, plain) = filled(&batches, None);
        let at = (plain.len() as f64 * share) as usize;
        log.begin_epoch().expect("in memory");
        log.cut(at as i64, Epoch::Current).expect("within the log");
        prop_assert_eq!(records(&log), &plain[..at]);
        prop_assert_eq!((log.start(), log.end()), (0, at as i64));
        prop_assert_eq!(log.epochs().current(), 1);
        prop_assert_eq!(log.epochs().end_of(0, log.end()).map(|end| end.end_offset), Some(at as i64));
    }

    #[test]
    fn compaction_leaves_the_newest_of_each_key(batches in batches()) {
        let (mut log, plain) = filled(&batches, None);
        for _ in 0..2 {
            log.compact(RULES.now, i64::MAX).expect("sound");
            prop_assert_eq!(records(&log), newest_of_each_key(&plain));
            prop_assert_eq!((log.start(), log.end()), (0, plain.len() as i64));
        }
    }

    #[test]
    fn what_is_cut_and_compacted_comes_back_from_the_directory(
        batches in batches(),
        share in 0.0..=1.0,
    ) {
        let root = tempfile::tempdir().expect("a directory");
        let dir = || PartitionDir::new(root.path().join("0"));
        let (mut log, plain) = filled(&batches, Some(dir()));
        let at = (plain.len() as f64 * share) as i64;
        log.compact(RULES.now, i64::MAX).expect("sound");
        log.cut(at, Epoch::Remembered).expect("within the log");
        log.append(Sample::default().incoming(), RULES).expect("sound");
        let loaded = PartitionLog::load(dir(), RULES.now).expect("sound");
        prop_assert_eq!(records(&loaded), records(&log));
        prop_assert_eq!((loaded.start(), loaded.end()), (log.start(), log.end()));
        prop_assert_eq!(loaded.size(), log.size());
    }
}

#[test]
fn a_replacement_that_a_kill_interrupted_is_finished_or_undone() {
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name);
    let dir = || PartitionDir::new(path("0"));
    let load = || records(&PartitionLog::load(dir(), RULES.now).expect("sound"));
    let (_, plain) = filled(&[(0, vec![0, 1, 2])], Some(dir()));
    std::fs::create_dir(path("0.new")).expect("a draft");
    assert_eq!(load(), plain, "a draft that was not finished is dropped");
    assert!(!path("0.new").exists());
    std::fs::rename(path("0"), path("0.new")).expect("the draft");
    std::fs::create_dir(path("0.old")).expect("what it replaces");
    assert_eq!(load(), plain, "one that was finished is put in place");
    std::fs::create_dir(path("0.old")).expect("what it replaced");
    assert_eq!(load(), plain);
    assert!(!path("0.old").exists());
}
