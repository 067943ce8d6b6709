//! Claims about what a client that reads committed records makes of a log, held against what became of each record.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;

use super::batch::{Header, TRANSACTIONAL};
use super::cut::Epoch;
use super::marker::{Ending, Marker};
use super::partition_log::{AppendRules, Isolation, PartitionLog};
use super::sample::Sample;
use crate::store::PartitionDir;

/// Markers are old enough to go where nothing needs them, and records, which come from the future, are not.
const RULES: AppendRules = AppendRules {
    log_append_time: false,
    segment_bytes: 300,
    now: 5000,
    disk_full: false,
    denied: None,
};
const LATER: i64 = 9000;

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Put {
        producer: usize,
        key: usize,
    },
    End {
        producer: usize,
        ending: Ending,
    },
    Compact,
    /// By so many offsets, if there are as many.
    Advance(i64),
    /// By so many offsets, if there are as many, and no marker among them.
    Cut(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![Just(Ending::Abort), Just(Ending::Commit)];
    let step = prop_oneof![
        8 => (0..3_usize, 0..KEYS.len()).prop_map(|(producer, key)| Step::Put { producer, key }),
        4 => (0..3_usize, ending).prop_map(|(producer, ending)| Step::End { producer, ending }),
        1 => Just(Step::Compact),
        1 => (1..4_i64).prop_map(Step::Advance),
        1 => (1..3_i64).prop_map(Step::Cut),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Debug, Clone, Copy)]
struct Known {
    offset: i64,
    producer: usize,
    key: usize,
    /// `None` while its transaction is open.
    ending: Option<Ending>,
}

/// A log, and what became of each of its records.
struct Twin {
    log: PartitionLog,
    records: Vec<Known>,
    markers: Vec<i64>,
    sequences: [i32; 3],
    dir: std::path::PathBuf,
}

impl Twin {
    fn take(&mut self, step: Step) {
        match step {
            Step::Put { producer, key } => self.put(producer, key),
            Step::End { producer, ending } => self.end(producer, ending),
            Step::Compact => self.compact(),
            Step::Advance(by) => {
                let to = self.log.start() + by;
                self.log.advance_start(to).expect("it is written");
            }
            Step::Cut(by) => self.cut(self.log.end() - by),
            Step::Restart => {
                let dir = PartitionDir::new(self.dir.clone());
                self.log = PartitionLog::load(dir, RULES.now).expect("sound");
            }
        }
    }

    fn put(&mut self, producer: usize, key: usize) {
        let sample = Sample {
            attributes: TRANSACTIONAL,
            base_timestamp: LATER,
            records: vec![(Some(KEYS[key]), LATER)],
            ..Sample::of((producer as i64, 0, self.sequences[producer]), 1)
        };
        let appended = self.log.append(sample.incoming(), RULES).expect("sound");
        self.sequences[producer] += 1;
        self.records.push(Known {
            offset: appended.base_offset,
            producer,
            key,
            ending: None,
        });
    }

    fn end(&mut self, producer: usize, ending: Ending) {
        self.markers.push(self.log.end());
        let marker = Marker {
            producer_id: producer as i64,
            producer_epoch: 0,
            ending,
        };
        self.log
            .append_marker(marker, RULES)
            .expect("it is written");
        for record in &mut self.records {
            if record.producer == producer {
                record.ending = record.ending.or(Some(ending));
            }
        }
    }

    fn compact(&mut self) {
        let compacted = self.log.compact(RULES.now + 1000, 1000);
        compacted.expect("sound");
        let (start, stable) = (self.log.start(), self.stable());
        let counts = |it: &Known| it.ending == Some(Ending::Commit) && it.offset < stable;
        let all = self.records.clone();
        self.records.retain(|it| {
            let replaced = |later: &Known| later.key == it.key && later.offset > it.offset;
            let is_replaced = all.iter().any(|later| counts(later) && replaced(later));
            it.offset >= stable || (counts(it) && !is_replaced) || it.offset < start
        });
    }

    fn cut(&mut self, to: i64) {
        if to < self.log.start() || self.markers.iter().any(|marker| *marker >= to) {
            return;
        }
        self.log.cut(to, Epoch::Current).expect("within the log");
        self.log.forget_producers().expect("it is written");
        self.records.retain(|record| record.offset < to);
    }

    /// Before the first record whose transaction is open.
    fn stable(&self) -> i64 {
        let open = self.records.iter().find(|record| record.ending.is_none());
        open.map_or(self.log.end(), |record| record.offset.max(self.log.start()))
    }

    fn committed(&self) -> Vec<i64> {
        let readable = self.log.start()..self.stable();
        let counts =
            |it: &&Known| it.ending == Some(Ending::Commit) && readable.contains(&it.offset);
        self.records
            .iter()
            .filter(counts)
            .map(|it| it.offset)
            .collect()
    }
}

/// The offsets of the records that a client returns which fetches at most `most` bytes at a time.
fn read_committed(log: &PartitionLog, most: usize) -> Vec<i64> {
    let (mut next, mut returned) = (log.start(), Vec::new());
    loop {
        let slice = log.read(next, most, true, Isolation::Committed);
        let Some(last) = slice.batches.last() else {
            return returned;
        };
        let mut told: VecDeque<_> = slice.aborted.into();
        let mut aborted = HashSet::new();
        for batch in &slice.batches {
            let (header, ending) = opened(batch);
            while let Some(begun) = told.pop_front_if(|it| it.first_offset <= header.base_offset) {
                aborted.insert(begun.producer_id);
            }
            match ending {
                Some(Ending::Abort) => drop(aborted.remove(&header.producer_id)),
                Some(Ending::Commit) => {}
                None if aborted.contains(&header.producer_id) => {}
                None => returned.push(header.base_offset),
            }
        }
        next = opened(last).0.base_offset + 1;
    }
}

fn opened(batch: &Bytes) -> (Header, Option<Ending>) {
    let header = Header::read(batch).expect("whole");
    (header, Ending::of(&header, batch))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_client_returns_the_committed_records_and_no_others(steps in steps(), most in 1..400_usize) {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path().join("0");
        let mut twin = Twin {
            log: PartitionLog::new(Some(PartitionDir::new(dir.clone()))),
            records: Vec::new(),
            markers: Vec::new(),
            sequences: [0; 3],
            dir,
        };
        for step in steps {
            twin.take(step);
            prop_assert_eq!(twin.log.last_stable(), twin.stable(), "after {:?}", step);
            prop_assert_eq!(read_committed(&twin.log, most), twin.committed(), "after {:?}", step);
        }
    }
}
