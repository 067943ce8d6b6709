//! Holds where consecutive records of the source stand on the target.

use crate::offset::{SourceOffset, TargetOffset};

/// Consecutive source offsets whose records stand one behind the other on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Offset of the first record on the source.
    pub source: SourceOffset,
    /// Its offset on the target.
    pub target: TargetOffset,
    /// How many records, at least one.
    pub length: u64,
}

impl Run {
    /// The source offset after the last record.
    pub const fn source_end(&self) -> SourceOffset {
        self.source.plus(self.length)
    }

    /// The target offset after the last record.
    pub const fn target_end(&self) -> TargetOffset {
        self.target.plus(self.length)
    }

    /// Takes `next` in if it goes on where this one ends, on both sides.
    pub fn extend(&mut self, next: &Self) -> bool {
        let joins = self.source_end() == next.source && self.target_end() == next.target;
        if joins {
            self.length += next.length;
        }
        joins
    }

    /// What lies before `end` on the source; `None` when nothing does.
    pub fn before(&self, end: SourceOffset) -> Option<Self> {
        let length = end.since(self.source).min(self.length);
        (length > 0).then_some(Self { length, ..*self })
    }

    /// Where the first of its records at or after `at` stands; `None` when it ends before.
    pub fn find(&self, at: SourceOffset) -> Option<TargetOffset> {
        let passed = at.since(self.source);
        (passed < self.length).then(|| self.target.plus(passed))
    }
}

/// Where the first record at or after `at` stands, by runs in ascending order; `None` when all end before.
pub fn find(runs: &[Run], at: SourceOffset) -> Option<TargetOffset> {
    let first = runs.partition_point(|run| run.source_end() <= at);
    runs.get(first)?.find(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: i64, target: i64, length: u64) -> Run {
        Run {
            source: SourceOffset::new(source),
            target: TargetOffset::new(target),
            length,
        }
    }

    #[test]
    fn a_run_grows_only_in_step() {
        let mut one = run(10, 5, 3);
        assert!(!one.extend(&run(14, 8, 1)), "a source offset is missing");
        assert!(!one.extend(&run(13, 9, 1)), "a target offset is missing");
        assert!(one.extend(&run(13, 8, 2)));
        assert_eq!(one, run(10, 5, 5));
    }

    #[test]
    fn a_run_is_cut_on_the_source_side() {
        let cuts = [
            (9, None),
            (10, None),
            (12, Some(2)),
            (13, Some(3)),
            (20, Some(3)),
        ];
        for (end, length) in cuts {
            let cut = run(10, 5, 3).before(SourceOffset::new(end));
            assert_eq!(cut.map(|run| run.length), length, "{end}");
        }
    }

    #[test]
    fn an_offset_between_runs_is_found_at_the_next_one() {
        let runs = [run(10, 100, 3), run(20, 103, 2)];
        let found = [
            (0, Some(100)),
            (10, Some(100)),
            (12, Some(102)),
            (13, Some(103)),
            (21, Some(104)),
            (22, None),
        ];
        for (at, target) in found {
            let target = target.map(TargetOffset::new);
            assert_eq!(find(&runs, SourceOffset::new(at)), target, "{at}");
        }
    }
}
