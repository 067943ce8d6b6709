//! Walks along the copy of one partition and keeps its place on the source, through losses, replays and swaps.

use super::compare::{Comparison, Kind, Timestamps};
use super::ledger::Entry;

/// By what a record is recognised: content and timestamp.
type Identity = (u64, i64);

/// A walk along the copy of one partition that keeps its place on the source.
pub struct Alignment<'a> {
    partition: i32,
    source: &'a [Entry],
    /// Where each identity stands on the source, sorted: equal records are told apart by their place.
    places: Vec<(Identity, usize)>,
    delivered: Vec<bool>,
    /// The source index that comes next if the copy is in step.
    next: usize,
    /// One past the source index met last; unlike `next`, an unknown record does not move it.
    after_met: usize,
    /// One past the furthest source index met.
    furthest: usize,
    /// Unknown records, each with the source index it may stand in for.
    unknown: Vec<(Option<usize>, i64)>,
}

impl<'a> Alignment<'a> {
    pub fn new(partition: i32, source: &'a [Entry], timestamps: Timestamps) -> Self {
        let identity = |entry: &Entry| (entry.content, timestamps.copied(entry.timestamp));
        let mut places: Vec<_> = source
            .iter()
            .enumerate()
            .map(|(at, entry)| (identity(entry), at))
            .collect();
        places.sort_unstable();
        let delivered = vec![false; source.len()];
        Self {
            partition,
            source,
            places,
            delivered,
            next: 0,
            after_met: 0,
            furthest: 0,
            unknown: Vec::new(),
        }
    }

    /// Adds what deviates in `target` to `comparison`.
    pub fn walk(mut self, target: &[Entry], comparison: &mut Comparison) {
        for entry in target {
            match self.place((entry.content, entry.timestamp)) {
                Some(at) => self.meet(at, entry.offset, comparison),
                None => self.set_aside(entry.offset),
            }
        }
        self.judge_unknown(comparison);
        for (at, entry) in self.source.iter().enumerate() {
            if !self.delivered[at] {
                comparison.note(Kind::Lost, self.partition, Some(entry.offset), None);
            }
        }
    }

    /// The source index a record of the copy belongs to. Of equal ones: the next in step, else one not yet delivered,
    /// else (a replay) the nearest before.
    fn place(&self, identity: Identity) -> Option<usize> {
        let from = self.places.partition_point(|(known, _)| *known < identity);
        let equal: Vec<_> = self.places[from..]
            .iter()
            .take_while(|(known, _)| *known == identity)
            .map(|(_, at)| *at)
            .collect();
        let undelivered = |at: &&usize| !self.delivered[**at];
        let in_step = equal.iter().find(|at| **at == self.next);
        let ahead = || equal.iter().filter(undelivered).find(|at| **at > self.next);
        let skipped = || equal.iter().find(undelivered);
        let before = || equal.iter().rev().find(|at| **at < self.next);
        in_step
            .or_else(ahead)
            .or_else(skipped)
            .or_else(before)
            .or_else(|| equal.first())
            .copied()
    }

    fn meet(&mut self, at: usize, target_offset: i64, comparison: &mut Comparison) {
        let source_offset = Some(self.source[at].offset);
        comparison.rewinds += usize::from(at < self.after_met);
        if self.delivered[at] {
            comparison.note(
                Kind::Duplicated,
                self.partition,
                source_offset,
                Some(target_offset),
            );
        } else if at < self.furthest {
            comparison.note(
                Kind::Reordered,
                self.partition,
                source_offset,
                Some(target_offset),
            );
        }
        self.delivered[at] = true;
        self.next = at + 1;
        self.after_met = at + 1;
        self.furthest = self.furthest.max(at + 1);
    }

    /// An unknown record may be the next one, altered; that shows once it is clear which source records are missing.
    fn set_aside(&mut self, target_offset: i64) {
        let stands_for =
            (self.next < self.source.len() && !self.delivered[self.next]).then_some(self.next);
        self.unknown.push((stands_for, target_offset));
        self.next += usize::from(stands_for.is_some());
    }

    fn judge_unknown(&mut self, comparison: &mut Comparison) {
        for (stands_for, target_offset) in std::mem::take(&mut self.unknown) {
            match stands_for.filter(|at| !self.delivered[*at]) {
                Some(at) => {
                    self.delivered[at] = true;
                    comparison.note(
                        Kind::Altered,
                        self.partition,
                        Some(self.source[at].offset),
                        Some(target_offset),
                    );
                }
                None => comparison.note(Kind::Foreign, self.partition, None, Some(target_offset)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::compare;
    use crate::support::ledger::Ledger;
    use crate::support::record::{Record, TimestampType};
    use proptest::prelude::*;

    /// A partition that holds these records, offsets ascending from 0.
    fn holding(records: &[Record]) -> Ledger {
        let entry = |(offset, record): (i64, &Record)| Entry {
            offset,
            content: record.digest(),
            timestamp: record.timestamp,
            timestamp_type: TimestampType::CreateTime,
        };
        Ledger {
            partitions: vec![(0..).zip(records).map(entry).collect()],
        }
    }

    /// One record per letter; equal letters are equal records, and `0` has a timestamp of 0.
    fn letters(word: &str) -> Vec<Record> {
        word.chars()
            .map(|letter| Record::at(if letter == '0' { 0 } else { 7 }).key(letter.to_string()))
            .collect()
    }

    /// Counts of `[lost, duplicated, rewinds, reordered, altered, foreign]`.
    fn counts(source: &str, target: &str) -> [usize; 6] {
        let found = compare::ledgers(
            &holding(&letters(source)),
            &holding(&letters(target)),
            Timestamps::Exact,
        );
        [
            found.lost,
            found.duplicated,
            found.rewinds,
            found.reordered,
            found.altered,
            found.foreign,
        ]
    }

    #[test]
    fn each_deviation_is_counted_as_what_it_is() {
        let table = [
            ("", "", [0; 6]),
            ("abcd", "abcd", [0; 6]),
            ("aaab", "aaab", [0; 6]),
            ("abcd", "abd", [1, 0, 0, 0, 0, 0]),
            ("abcd", "abc", [1, 0, 0, 0, 0, 0]),
            ("abcd", "bcd", [1, 0, 0, 0, 0, 0]),
            ("aaa", "aa", [1, 0, 0, 0, 0, 0]),
            ("abcd", "abbcd", [0, 1, 1, 0, 0, 0]),
            ("abcdef", "abcdbcdef", [0, 3, 1, 0, 0, 0]),
            ("abcdef", "abcdcdcdef", [0, 4, 2, 0, 0, 0]),
            ("aa", "aaa", [0, 1, 1, 0, 0, 0]),
            ("abcd", "acbd", [0, 0, 1, 1, 0, 0]),
            ("abcd", "bcda", [0, 0, 1, 1, 0, 0]),
            ("abcd", "abXd", [0, 0, 0, 0, 1, 0]),
            ("abcd", "aXYd", [0, 0, 0, 0, 2, 0]),
            ("abcd", "abcX", [0, 0, 0, 0, 1, 0]),
            ("abcd", "aXbcd", [0, 0, 0, 0, 0, 1]),
            ("abcd", "abcdX", [0, 0, 0, 0, 0, 1]),
            ("abcdef", "abdcdXf", [0, 1, 1, 1, 1, 0]),
            ("", "ab", [0, 0, 0, 0, 0, 2]),
            ("ab", "", [2, 0, 0, 0, 0, 0]),
        ];
        for (source, target, expected) in table {
            assert_eq!(
                counts(source, target),
                expected,
                "{source:?} copied as {target:?}"
            );
        }
    }

    #[test]
    fn another_timestamp_is_another_record_but_for_the_stated_limit() {
        let [source, mut copy] = [holding(&letters("a0b")), holding(&letters("a0b"))];
        copy.partitions[0][1].timestamp = 1;
        assert!(compare::ledgers(&source, &copy, Timestamps::ZeroCopiedAsOne).is_exact());
        assert_eq!(
            compare::ledgers(&source, &copy, Timestamps::Exact).altered,
            1
        );
        assert_eq!(
            compare::ledgers(&source, &source, Timestamps::ZeroCopiedAsOne).altered,
            1
        );
    }

    #[test]
    fn a_partition_that_is_missing_is_lost_and_one_too_many_is_foreign() {
        let [two, one] = [2, 1].map(|count| Ledger {
            partitions: vec![holding(&letters("ab")).partitions.remove(0); count],
        });
        assert_eq!(compare::ledgers(&two, &one, Timestamps::Exact).lost, 2);
        assert_eq!(compare::ledgers(&one, &two, Timestamps::Exact).foreign, 2);
    }

    proptest! {
        #[test]
        fn exactly_the_dropped_records_are_lost(kept in prop::collection::vec(any::<bool>(), 1..200)) {
            let source: Vec<_> = (0..kept.len()).map(|n| Record::at(7).key(format!("{n}"))).collect();
            let copy: Vec<_> = source.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(record, _)| record.clone()).collect();
            let found = compare::ledgers(&holding(&source), &holding(&copy), Timestamps::Exact);
            let lost = source.len() - copy.len();
            prop_assert_eq!((found.lost, found.duplicated, found.reordered, found.altered, found.foreign), (lost, 0, 0, 0, 0));
        }

        #[test]
        fn exactly_the_replayed_records_are_duplicated(length in 1_usize..200, from in 0_usize..200, to in 0_usize..200) {
            let source: Vec<_> = (0..length).map(|n| Record::at(7).key(format!("{n}"))).collect();
            let (to, from) = (to.min(length), from.min(to.min(length)));
            let copy = [&source[..to], &source[from..]].concat();
            let found = compare::ledgers(&holding(&source), &holding(&copy), Timestamps::Exact);
            prop_assert_eq!((found.lost, found.duplicated, found.reordered), (0, to - from, 0));
            prop_assert_eq!(found.rewinds, usize::from(to > from));
        }
    }
}
