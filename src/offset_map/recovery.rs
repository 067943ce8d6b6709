//! Tells which source records the copy holds behind what its map knows: what was written, and whose acknowledgement nobody
//! lived to save.

use std::collections::HashSet;
use std::ops::Range;

use super::run::Run;
use crate::offset::{SourceOffset, TargetOffset};

/// By what a record is known again: a digest of all that is copied.
pub type Digest = u64;

/// What the clusters may have taken away meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaning {
    /// Whether the source topic is compacted, so that a record may be gone that was copied.
    pub source: bool,
    /// Whether the copy is compacted, or begins behind what its map knows, so that offsets may be missing in it.
    pub target: bool,
}

/// Where records were found to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Of those that are on both sides, ascending.
    pub runs: Vec<Run>,
    /// The source offset after the last of them; `None` when the copy holds none of them.
    pub to: Option<SourceOffset>,
}

/// Finds records of the source, in their order, in a stretch of the copy that nobody but this mirror writes. `None` when the
/// stretch is not what the mirror wrote, or was not read to its end: every record has to be there, none skipped and none in
/// another place, but for those that cleaning took away. The first may come once more behind all of them: it was written to
/// shut late writes out, and met some.
pub fn recover(
    source: &[(SourceOffset, Digest)],
    target: &[(TargetOffset, Digest)],
    stretch: Range<TargetOffset>,
    cleaning: Cleaning,
) -> Option<Recovered> {
    let whole = recover_all(source, target, stretch.clone(), cleaning);
    whole.or_else(|| match target {
        [late @ .., (at, last)]
            if at.next() == stretch.end && late.first().is_some_and(|(_, first)| first == last) =>
        {
            recover_all(source, late, stretch.start..*at, cleaning)
        }
        _ => None,
    })
}

fn recover_all(
    source: &[(SourceOffset, Digest)],
    target: &[(TargetOffset, Digest)],
    stretch: Range<TargetOffset>,
    cleaning: Cleaning,
) -> Option<Recovered> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut unread, mut expected) = (source, stretch.start);
    // Offsets missing in the copy so far: as many records of the source may have stood there.
    let mut missing = 0;
    let mut seen = HashSet::new();
    for (at, digest) in target {
        // Of a record that is not on the source any more the copy holds one, too, unless it was written again.
        let is_repeated = cleaning.source && !seen.insert(digest);
        missing += at.since(expected);
        expected = at.next();
        let within =
            usize::try_from(missing).map_or(usize::MAX, |missing| missing.saturating_add(1));
        let candidates = unread.iter().take(within);
        let found = candidates.clone().position(|(_, other)| other == digest);
        match found {
            Some(skipped) if skipped == 0 || cleaning.target => {
                let (offset, _) = unread[skipped];
                let run = Run {
                    source: offset,
                    target: *at,
                    length: 1,
                };
                if !runs.last_mut().is_some_and(|last| last.extend(&run)) {
                    runs.push(run);
                }
                unread = &unread[skipped + 1..];
                missing -= skipped as u64;
            }
            _ if cleaning.source && !is_repeated => {}
            _ => return None,
        }
    }
    missing += stretch.end.since(expected);
    if missing > 0 && !cleaning.target {
        return None;
    }
    let to = runs.last().map(Run::source_end);
    Some(Recovered { runs, to })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNTOUCHED: Cleaning = Cleaning {
        source: false,
        target: false,
    };

    fn source(records: &[(i64, Digest)]) -> Vec<(SourceOffset, Digest)> {
        let records = records.iter();
        records
            .map(|(at, digest)| (SourceOffset::new(*at), *digest))
            .collect()
    }

    fn target(records: &[(i64, Digest)]) -> Vec<(TargetOffset, Digest)> {
        let records = records.iter();
        records
            .map(|(at, digest)| (TargetOffset::new(*at), *digest))
            .collect()
    }

    /// Runs as source offset, target offset, length; what the copy holds begins at 100.
    fn found(
        on_source: &[(i64, Digest)],
        on_target: &[(i64, Digest)],
        cleaning: Cleaning,
    ) -> Option<Vec<(i64, i64, u64)>> {
        let end = on_target.last().map_or(100, |(at, _)| at + 1);
        let recovered = recover_to(end, on_source, on_target, cleaning)?;
        let runs = recovered.runs.iter();
        Some(
            runs.map(|run| (run.source.get(), run.target.get(), run.length))
                .collect(),
        )
    }

    fn recover_to(
        end: i64,
        on_source: &[(i64, Digest)],
        on_target: &[(i64, Digest)],
        cleaning: Cleaning,
    ) -> Option<Recovered> {
        let stretch = TargetOffset::new(100)..TargetOffset::new(end);
        recover(&source(on_source), &target(on_target), stretch, cleaning)
    }

    #[test]
    fn a_stretch_that_was_not_read_to_its_end_is_not_taken_for_the_whole() {
        let (on_source, on_target) = ([(5, 1), (6, 2)], [(100, 1)]);
        let whole = recover_to(101, &on_source, &on_target, UNTOUCHED);
        assert!(whole.is_some());
        assert_eq!(recover_to(102, &on_source, &on_target, UNTOUCHED), None);
        assert_eq!(recover_to(101, &on_source, &[], UNTOUCHED), None);
    }

    #[test]
    fn what_was_written_is_found_across_the_gaps_of_the_source() {
        let on_source = [(5, 1), (6, 2), (9, 3), (10, 4)];
        let on_target = [(100, 1), (101, 2), (102, 3)];
        let runs = vec![(5, 100, 2), (9, 102, 1)];
        assert_eq!(found(&on_source, &on_target, UNTOUCHED), Some(runs));
        assert_eq!(found(&on_source, &[], UNTOUCHED), Some(vec![]));
    }

    #[test]
    fn equal_records_are_told_apart_by_their_place() {
        let on_source = [(5, 7), (6, 7), (7, 7), (8, 7)];
        let on_target = [(100, 7), (101, 7), (102, 7)];
        assert_eq!(
            found(&on_source, &on_target, UNTOUCHED),
            Some(vec![(5, 100, 3)])
        );
    }

    #[test]
    fn a_stretch_that_is_not_the_mirrors_own_is_not_taken_for_it() {
        let on_source = [(5, 1), (6, 2), (7, 3)];
        for on_target in [
            &[(100, 9)][..],
            &[(100, 2)],
            &[(100, 1), (101, 3)],
            &[(101, 1)],
            &[(100, 1), (102, 2)],
            &[(100, 1), (101, 2), (102, 3), (103, 4)],
        ] {
            assert_eq!(
                found(&on_source, on_target, UNTOUCHED),
                None,
                "{on_target:?}"
            );
        }
    }

    #[test]
    fn the_first_record_may_come_once_more_at_the_end() {
        let on_source = [(5, 1), (6, 2), (7, 3)];
        let met_late_writes = [(100, 1), (101, 2), (102, 1)];
        let runs = vec![(5, 100, 2)];
        assert_eq!(found(&on_source, &met_late_writes, UNTOUCHED), Some(runs));
        for on_target in [
            &[(100, 1), (101, 2), (102, 2)][..],
            &[(100, 1), (101, 2), (102, 1), (103, 3)],
        ] {
            assert_eq!(found(&on_source, on_target, UNTOUCHED), None);
        }
    }

    #[test]
    fn what_compaction_took_out_of_the_copy_is_passed_over() {
        let cleaning = Cleaning {
            target: true,
            ..UNTOUCHED
        };
        let on_source = [(5, 1), (6, 2), (7, 3), (8, 4)];
        let on_target = [(101, 2), (103, 4)];
        let runs = vec![(6, 101, 1), (8, 103, 1)];
        assert_eq!(found(&on_source, &on_target, cleaning), Some(runs));
        let too_far = [(100, 2)];
        assert_eq!(
            found(&on_source, &too_far, cleaning),
            None,
            "no offset is missing before it"
        );
    }

    #[test]
    fn what_compaction_took_out_of_the_source_is_passed_over() {
        let cleaning = Cleaning {
            source: true,
            ..UNTOUCHED
        };
        let on_source = [(5, 1), (8, 4)];
        let on_target = [(100, 1), (101, 2), (102, 3), (103, 4)];
        let runs = vec![(5, 100, 1), (8, 103, 1)];
        assert_eq!(found(&on_source, &on_target, cleaning), Some(runs));
    }

    #[test]
    fn what_stands_in_the_copy_twice_is_not_taken_for_what_compaction_took_out_of_the_source() {
        let cleaning = Cleaning {
            source: true,
            ..UNTOUCHED
        };
        let on_target = [(100, 1), (101, 2), (102, 1), (103, 2), (104, 3)];
        for on_source in [&[(5, 1), (6, 2), (7, 3)][..], &[(6, 2), (7, 3)], &[(7, 3)]] {
            let found = found(on_source, &on_target, cleaning);
            assert_eq!(found, None, "{on_source:?}");
        }
    }

    proptest! {
        #[test]
        fn however_much_was_written_the_mirror_goes_on_behind_it(
            digests in prop::collection::vec(0..3_u64, 0..60),
            gaps in prop::collection::vec(1..3_i64, 60),
            written in 0..60_usize,
        ) {
            let offsets = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) });
            let on_source: Vec<_> = offsets.zip(digests).collect();
            let written = written.min(on_source.len());
            let on_target: Vec<_> = (100..).zip(&on_source[..written]).map(|(at, (_, digest))| (at, *digest)).collect();
            let end = 100 + written as i64;
            let recovered = recover_to(end, &on_source, &on_target, UNTOUCHED);
            let to = recovered.expect("it is the mirror's own").to.map(SourceOffset::get);
            prop_assert_eq!(to, on_source[..written].last().map(|(at, _)| at + 1));
        }
    }
}
