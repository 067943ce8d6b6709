//! Decides where reading a partition begins, from what is committed and what the source still holds.

use crate::config::Start;
use crate::offset::SourceOffset;

/// What is known of a partition when it is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// The group's committed position, or how far this process had read.
    pub position: Option<SourceOffset>,
    /// First offset that the source still holds.
    pub log_start: SourceOffset,
    /// Offset after the last record.
    pub log_end: SourceOffset,
    /// First record at or after the configured time; `None` when there is none or none was asked for.
    pub at_time: Option<SourceOffset>,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At a position that the source holds.
    At(SourceOffset),
    /// The source deleted `from..to` before it was read (`on_gap`).
    Gap {
        /// Where reading should have gone on.
        from: SourceOffset,
        /// What the source holds now.
        to: SourceOffset,
    },
    /// The log ends before the position: it was cut back, or the topic recreated (`on_divergence`).
    Diverged {
        /// Where reading should have gone on.
        position: SourceOffset,
        /// Where the log ends now.
        log_end: SourceOffset,
    },
}

/// Where to go on with a partition that comes back to this process: from what it had acknowledged itself, unless
/// the group has moved the committed position elsewhere meanwhile.
///
/// Whatever lies before `acknowledged` is on the target, whoever else may have copied some of it again; a commit
/// whose answer was lost lies between the two.
pub fn resume(
    committed: Option<SourceOffset>,
    known: Option<SourceOffset>,
    acknowledged: SourceOffset,
) -> Option<SourceOffset> {
    let within = known <= committed && committed <= Some(acknowledged);
    if within {
        Some(acknowledged)
    } else {
        committed
    }
}

/// Never resets a position silently: one that the source does not hold is a gap or a divergence.
pub fn begin(observed: Observed, start: Start) -> Begin {
    let Observed {
        position,
        log_start,
        log_end,
        at_time,
    } = observed;
    match (position, start) {
        (Some(position), _) if position > log_end => Begin::Diverged { position, log_end },
        (Some(from), _) if from < log_start => Begin::Gap {
            from,
            to: log_start,
        },
        (Some(position), _) => Begin::At(position),
        (None, Start::Earliest) => Begin::At(log_start),
        (None, Start::Latest) => Begin::At(log_end),
        (None, Start::At(_)) => Begin::At(at_time.unwrap_or(log_end)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const fn at(offset: i64) -> SourceOffset {
        SourceOffset::new(offset)
    }

    fn observed(position: Option<i64>) -> Observed {
        Observed {
            position: position.map(SourceOffset::new),
            log_start: at(10),
            log_end: at(20),
            at_time: None,
        }
    }

    #[test]
    fn a_committed_position_wins_over_the_start_policy() {
        for start in [Start::Earliest, Start::Latest, Start::At(SystemTime::now())] {
            for position in [10, 15, 20] {
                assert_eq!(
                    begin(observed(Some(position)), start),
                    Begin::At(at(position))
                );
            }
        }
    }

    #[test]
    fn without_a_position_the_start_policy_decides() {
        let at_time = Observed {
            at_time: Some(at(13)),
            ..observed(None)
        };
        let time = Start::At(SystemTime::now());
        assert_eq!(begin(observed(None), Start::Earliest), Begin::At(at(10)));
        assert_eq!(begin(observed(None), Start::Latest), Begin::At(at(20)));
        assert_eq!(begin(at_time, time), Begin::At(at(13)));
        assert_eq!(begin(observed(None), time), Begin::At(at(20)));
    }

    #[test]
    fn a_partition_that_comes_back_goes_on_from_what_was_acknowledged() {
        let cases = [
            // The source was away, and nothing could be committed.
            (Some(10), Some(10), Some(15)),
            (None, None, Some(15)),
            // A commit went through, and its answer did not.
            (Some(12), Some(10), Some(15)),
            // Another member went further, or an operator moved the group back.
            (Some(17), Some(10), Some(17)),
            (Some(5), Some(10), Some(5)),
            (None, Some(10), None),
        ];
        for (committed, known, expected) in cases {
            let resumed = resume(committed.map(at), known.map(at), at(15));
            assert_eq!(resumed, expected.map(at), "{committed:?} {known:?}");
        }
    }

    #[test]
    fn a_position_below_the_log_start_is_a_gap() {
        let gap = Begin::Gap {
            from: at(9),
            to: at(10),
        };
        assert_eq!(begin(observed(Some(9)), Start::Latest), gap);
    }

    #[test]
    fn a_position_beyond_the_log_end_is_a_divergence() {
        let diverged = Begin::Diverged {
            position: at(21),
            log_end: at(20),
        };
        assert_eq!(begin(observed(Some(21)), Start::Earliest), diverged);
    }
}
