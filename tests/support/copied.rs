//! Where the records of one source partition stand in their copy, and whether a group that is moved there reads on where
//! it was. Each group is judged by arithmetic: a million records are read once, not once per group.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::ledger::Entry;

/// One partition and its copy.
pub struct Copied {
    /// Offset in the copy and on the source, in the order of the copy.
    places: Vec<(i64, i64)>,
    /// Of each of these, the lowest source offset from there on.
    lowest_origin: Vec<i64>,
    /// Each source offset that is in the copy and may be lost, and where its last copy stands.
    last: Vec<(i64, i64)>,
    /// Of each of these, the lowest last copy from there on.
    lowest_last: Vec<i64>,
    /// Records that were written and are not in the copy.
    missing: usize,
    /// Records of the copy that were not written.
    foreign: usize,
}

impl Copied {
    /// Looks up in `copy` what was `written`, no two of which are equal; each record with its offset.
    ///
    /// # Panics
    /// When two of those that were written are equal.
    pub fn of<R: Eq + Hash>(
        written: impl IntoIterator<Item = (i64, R)>,
        copy: impl IntoIterator<Item = (i64, R)>,
    ) -> Self {
        let mut origins = HashMap::new();
        for (offset, record) in written {
            let equal = origins.insert(record, offset);
            assert_eq!(equal, None, "the record at {offset} was written before");
        }
        let (mut places, mut foreign) = (Vec::new(), 0);
        for (offset, record) in copy {
            match origins.get(&record) {
                Some(origin) => places.push((offset, *origin)),
                None => foreign += 1,
            }
        }
        let last: BTreeMap<_, _> = places.iter().map(|(at, origin)| (*origin, *at)).collect();
        let last: Vec<_> = last.into_iter().collect();
        Self {
            lowest_origin: lowest_from(&places),
            lowest_last: lowest_from(&last),
            missing: origins.len() - last.len(),
            places,
            last,
            foreign,
        }
    }

    /// The same of what ledgers hold of a partition.
    pub fn of_entries(written: &[Entry], copy: &[Entry]) -> Self {
        let told = |entry: &Entry| (entry.offset, entry.content);
        Self::of(written.iter().map(told), copy.iter().map(told))
    }

    /// Takes for lost only what the source holds still, with its cleaner at work: on the source a group reads no more than
    /// that either.
    pub fn reduced_to(mut self, source: &[Entry]) -> Self {
        let held = |origin: i64| source.binary_search_by_key(&origin, |one| one.offset);
        self.last.retain(|(origin, _)| held(*origin).is_ok());
        self.lowest_last = lowest_from(&self.last);
        self
    }

    /// How many records the copy holds, repeated ones included.
    pub fn records(&self) -> usize {
        self.places.len()
    }

    /// Stretches of records that are in step on both sides: what an offset map has to hold at least.
    pub fn runs(&self) -> usize {
        let pairs = self.places.windows(2);
        let breaks = pairs.filter(|pair| pair[1].0 - pair[0].0 != pair[1].1 - pair[0].1);
        breaks.count() + 1
    }

    /// # Panics
    /// When the copy is not what was written, each record once and in order, and nothing else.
    #[track_caller]
    pub fn assert_each_once(&self) {
        self.assert_none_twice();
        assert_eq!((self.missing, self.foreign), (0, 0), "missing and foreign");
    }

    /// # Panics
    /// When a record is there twice or before an earlier one.
    #[track_caller]
    pub fn assert_none_twice(&self) {
        let pairs = self.places.windows(2);
        let back = pairs.filter(|pair| pair[1].1 <= pair[0].1).count();
        assert_eq!((self.places.len(), back), (self.last.len(), 0));
    }

    /// # Panics
    /// When one of the records at these source offsets is not in the copy.
    #[track_caller]
    pub fn assert_holds(&self, origins: impl IntoIterator<Item = i64>) {
        for origin in origins {
            let found = self.last.binary_search_by_key(&origin, |(known, _)| *known);
            assert!(found.is_ok(), "the record at {origin} is not in the copy");
        }
    }

    /// # Panics
    /// When a group that is at `position` on the source and goes on at `moved` misses a record that it has not read, or
    /// gets one that it has.
    #[track_caller]
    pub fn assert_reads_on(&self, who: &str, position: i64, moved: i64) {
        let (loses, repeats) = self.loses_and_repeats(position, moved);
        assert!(
            !loses && !repeats,
            "{who} at {position} went on at {moved}: loses {loses}, repeats {repeats}\n{}",
            self.around(position, moved)
        );
    }

    /// Where records stand that a group gets by mistake, or does not get, the first few of them.
    fn around(&self, position: i64, moved: i64) -> String {
        let is_wrong = |(at, origin): &(i64, i64)| (*at < moved) != (*origin < position);
        let told = self.places.iter().filter(|place| is_wrong(place));
        let told = told.map(|(at, origin)| format!("{at} is the copy of {origin}\n"));
        told.take(5).collect()
    }

    fn loses_and_repeats(&self, position: i64, moved: i64) -> (bool, bool) {
        let unread = self.last.partition_point(|(origin, _)| *origin < position);
        let ahead = self.places.partition_point(|(at, _)| *at < moved);
        let loses = self.lowest_last.get(unread).is_some_and(|at| *at < moved);
        let repeats = self.lowest_origin.get(ahead);
        (loses, repeats.is_some_and(|origin| *origin < position))
    }
}

/// Of each pair, the lowest second part of those from there on.
fn lowest_from(pairs: &[(i64, i64)]) -> Vec<i64> {
    let mut lowest: Vec<_> = pairs.iter().map(|(_, value)| *value).collect();
    for at in (1..lowest.len()).rev() {
        lowest[at - 1] = lowest[at - 1].min(lowest[at]);
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn copied(copy: &[i64]) -> Copied {
        Copied::of((0..50).map(|at| (at, at)), (0..).zip(copy.iter().copied()))
    }

    #[test]
    fn what_is_missing_foreign_or_twice_is_told() {
        let all: Vec<_> = (0..50).collect();
        copied(&all).assert_each_once();
        assert_eq!(copied(&all).runs(), 1);
        let one_missing = copied(&all[1..]);
        assert_eq!((one_missing.missing, one_missing.foreign), (1, 0));
        assert_eq!(copied(&[0, 99, 1]).foreign, 1);
        assert_eq!(copied(&[0, 1, 3, 4, 7]).runs(), 3);
        for wrong in [[0, 1, 1], [0, 2, 1]] {
            let judged = std::panic::catch_unwind(|| copied(&wrong).assert_none_twice());
            assert!(judged.is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_group_is_judged_as_if_it_read_on(
            copy in prop::collection::vec(0_i64..50, 0..80),
            position in 0_i64..=50,
            moved in 0_i64..=80,
        ) {
            let read: Vec<_> = copy.iter().skip(moved as usize).collect();
            let unread = copy.iter().filter(|origin| **origin >= position);
            let loses = unread.into_iter().any(|origin| !read.contains(&origin));
            let repeats = read.iter().any(|origin| **origin < position);
            prop_assert_eq!(copied(&copy).loses_and_repeats(position, moved), (loses, repeats));
        }
    }
}
