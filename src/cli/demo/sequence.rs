//! Judges the records of one partition as they arrive on the target, remembering only what is missing.

use std::collections::BTreeMap;

/// Stretches of missing numbers that are remembered; beyond these the oldest is given up as lost, so that
/// a demo that runs for days does not grow.
const MOST_GAPS: usize = 1_000;

/// What has been seen of one partition, whose records are numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// One more than the highest number seen.
    next: u64,
    /// Numbers below `next` that have not been seen: begin to end, the end excluded.
    gaps: BTreeMap<u64, u64>,
    given_up: u64,
    duplicated: u64,
    reordered: u64,
    altered: u64,
}

impl Sequence {
    /// Takes the next record that arrived; `None` is one that is not what was written.
    pub(super) fn see(&mut self, number: Option<u64>) {
        match number {
            None => self.altered += 1,
            Some(number) if number >= self.next => {
                if number > self.next {
                    self.miss(self.next, number);
                }
                self.next = number + 1;
            }
            Some(number) if self.fill(number) => self.reordered += 1,
            Some(_) => self.duplicated += 1,
        }
    }

    fn miss(&mut self, begin: u64, end: u64) {
        self.gaps.insert(begin, end);
        if self.gaps.len() > MOST_GAPS
            && let Some((begin, end)) = self.gaps.pop_first()
        {
            self.given_up += end - begin;
        }
    }

    /// Takes `number` out of the gap that it was missing in, if there is one.
    fn fill(&mut self, number: u64) -> bool {
        let Some((&begin, &end)) = self.gaps.range(..=number).next_back() else {
            return false;
        };
        if number >= end {
            return false;
        }
        self.gaps.remove(&begin);
        if begin < number {
            self.gaps.insert(begin, number);
        }
        if number + 1 < end {
            self.gaps.insert(number + 1, end);
        }
        true
    }

    /// How many different records have been seen.
    pub(super) fn mirrored(&self) -> u64 {
        self.next - self.missing()
    }

    fn missing(&self) -> u64 {
        let gaps: u64 = self.gaps.iter().map(|(begin, end)| end - begin).sum();
        gaps + self.given_up
    }

    /// The verdict on this partition, of which `produced` records were acknowledged by the source.
    pub(super) fn verdict(&self, produced: u64) -> Verdict {
        Verdict {
            produced,
            mirrored: self.mirrored(),
            lost: produced.saturating_sub(self.mirrored()),
            duplicated: self.duplicated,
            reordered: self.reordered,
            altered: self.altered,
        }
    }
}

/// What became of the records that were produced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Acknowledged by the source.
    pub(super) produced: u64,
    /// Different ones found on the target.
    pub(super) mirrored: u64,
    /// Produced and not found.
    pub(super) lost: u64,
    /// Found again.
    pub(super) duplicated: u64,
    /// Found behind one that was produced later.
    pub(super) reordered: u64,
    /// Found with a byte changed, or in the wrong place.
    pub(super) altered: u64,
}

impl Verdict {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            produced: self.produced + other.produced,
            mirrored: self.mirrored + other.mirrored,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            reordered: self.reordered + other.reordered,
            altered: self.altered + other.altered,
        }
    }

    /// Whether every record arrived once, in order and unchanged.
    pub(super) fn is_good(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.altered == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(numbers: impl IntoIterator<Item = u64>) -> Sequence {
        let mut sequence = Sequence::default();
        numbers
            .into_iter()
            .for_each(|number| sequence.see(Some(number)));
        sequence
    }

    fn faults(numbers: &[u64], produced: u64) -> (u64, u64, u64) {
        let verdict = seen(numbers.iter().copied()).verdict(produced);
        (verdict.lost, verdict.duplicated, verdict.reordered)
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        let cases = [
            (vec![], 0, (0, 0, 0)),
            (vec![0, 1, 2], 3, (0, 0, 0)),
            (vec![0, 1], 3, (1, 0, 0)),
            (vec![0, 2], 3, (1, 0, 0)),
            (vec![0, 1, 1, 2], 3, (0, 1, 0)),
            (vec![0, 2, 1], 3, (0, 0, 1)),
            (vec![0, 3, 1, 1, 2], 4, (0, 1, 2)),
            (vec![2, 3], 4, (2, 0, 0)),
        ];
        for (numbers, produced, expected) in cases {
            assert_eq!(faults(&numbers, produced), expected, "{numbers:?}");
        }
    }

    #[test]
    fn an_altered_record_is_altered_and_missing() {
        let mut sequence = seen([0]);
        sequence.see(None);
        let verdict = sequence.verdict(2);
        assert_eq!((verdict.altered, verdict.lost), (1, 1));
        assert!(!verdict.is_good());
    }

    #[test]
    fn memory_stays_bounded_and_nothing_missing_is_forgotten() {
        let sequence = seen((0..10_000).map(|number| number * 2));
        assert_eq!(sequence.gaps.len(), MOST_GAPS);
        assert_eq!(sequence.verdict(20_000).lost, 10_000);
    }

    proptest! {
        #[test]
        fn whatever_the_order_nothing_is_lost_when_everything_arrives(
            numbers in Just((0..200_u64).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let verdict = seen(numbers.iter().copied()).verdict(200);
            prop_assert_eq!((verdict.lost, verdict.duplicated, verdict.mirrored), (0, 0, 200));
            let late = numbers.iter().enumerate().filter(|(index, number)| {
                numbers[..*index].iter().any(|earlier| earlier > number)
            });
            prop_assert_eq!(verdict.reordered, late.count() as u64);
        }
    }
}
