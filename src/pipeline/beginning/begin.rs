//! Decides where reading a partition begins, from what is committed and what the source still holds.

use crate::clusters::TopicId;
use crate::config::Start;
use crate::offset::{Position, SourceOffset};
use crate::pipeline::mark::Committed;

/// What is known of a partition when it is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What the group holds for it.
    pub committed: Option<Committed>,
    /// Where to go on: the committed position, or how far this process had read.
    pub position: Option<Position>,
    /// The topic in which that counts, as far as it is known.
    pub counted_in: Option<TopicId>,
    /// The topic that bears the name now.
    pub topic_id: Option<TopicId>,
    /// The copy that was written up to the position, as far as it is known.
    pub copied_to: Option<TopicId>,
    /// The one that bears the name now.
    pub copy_id: Option<TopicId>,
    /// First offset that the source still holds.
    pub log_start: SourceOffset,
    /// Offset after the last record.
    pub log_end: SourceOffset,
    /// First record at or after the configured time; `None` when there is none or none was asked for.
    pub at_time: Option<SourceOffset>,
    /// How many partitions the topic had when the mirror began.
    pub began_with: u32,
    /// Whether the partition was added after that.
    pub is_new: bool,
    /// Whether the copy has been written to, although no position is known, and nobody but this mirror writes it.
    pub is_copied: bool,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At a position that the source holds.
    At(Position),
    /// The source deleted `from..to` before it was read (`on_gap`).
    Gap {
        /// Where reading should have gone on.
        from: SourceOffset,
        /// What the source holds now.
        to: SourceOffset,
    },
    /// The log ends before the position: it was cut back (`on_divergence`).
    CutBack {
        /// Where reading should have gone on.
        position: Position,
        /// Where the log ends now.
        log_end: SourceOffset,
    },
    /// Some of it was copied, and no position tells how much (`on_divergence`): Kafka forgets what groups have committed
    /// when the topic is deleted, and when nobody has been a member of the group for `offsets.retention.minutes`.
    Forgotten {
        /// Where the start policy would begin.
        first: Position,
    },
    /// The topic was deleted, and another one bears its name (`on_divergence`).
    Recreated {
        /// Where reading the old one should have gone on, if it is known.
        position: Option<Position>,
        /// Where the new one begins.
        log_start: SourceOffset,
    },
    /// The copy was deleted, and another one bears its name, or the target is another cluster (`on_divergence`).
    CopyLost {
        /// Where reading should have gone on.
        position: Position,
        /// Where the start policy would have begun, or where that is behind the position, there.
        first: Position,
    },
}

/// Whether a partition that comes back to this process goes on from what it had acknowledged itself: unless the group
/// has moved the committed position elsewhere meanwhile.
///
/// Whatever lies before `acknowledged` is on the target, whoever else may have copied some of it again; a commit
/// whose answer was lost lies between the two.
pub fn resumes(
    committed: Option<SourceOffset>,
    known: Option<SourceOffset>,
    acknowledged: SourceOffset,
) -> bool {
    known <= committed && committed <= Some(acknowledged)
}

/// Never resets a position silently: one that the source does not hold is a gap or a divergence.
pub fn begin(observed: &Observed, start: Start) -> Begin {
    let Observed {
        position,
        log_start,
        log_end,
        ..
    } = *observed;
    if let (Some(then), Some(now)) = (&observed.counted_in, &observed.topic_id)
        && then != now
    {
        return Begin::Recreated {
            position,
            log_start,
        };
    }
    if let (Some(then), Some(now), Some(position)) =
        (&observed.copied_to, &observed.copy_id, position)
        && then != now
    {
        let first = first(observed, start).offset.min(position.offset);
        return Begin::CopyLost {
            position,
            first: Position::at(first),
        };
    }
    match (position, start) {
        (Some(position), _) if position.offset > log_end => Begin::CutBack { position, log_end },
        (Some(position), _) if position.offset < log_start => Begin::Gap {
            from: position.offset,
            to: log_start,
        },
        (Some(position), _) => Begin::At(position),
        (None, start) if observed.is_copied => Begin::Forgotten {
            first: first(observed, start),
        },
        (None, start) => Begin::At(first(observed, start)),
    }
}

/// Where the start policy begins: it is about what was there when the mirror began, so that a partition which was added
/// since is read from its beginning.
fn first(observed: &Observed, start: Start) -> Position {
    Position::at(match start {
        _ if observed.is_new => observed.log_start,
        Start::Earliest => observed.log_start,
        Start::Latest => observed.log_end,
        Start::At(_) => observed.at_time.unwrap_or(observed.log_end),
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn at(offset: i64) -> SourceOffset {
        SourceOffset::new(offset)
    }

    fn position(offset: i64) -> Position {
        Position::at(at(offset))
    }

    fn observed(offset: Option<i64>) -> Observed {
        Observed {
            committed: None,
            position: offset.map(position),
            counted_in: None,
            topic_id: None,
            copied_to: None,
            copy_id: None,
            log_start: at(10),
            log_end: at(20),
            at_time: None,
            began_with: 1,
            is_new: false,
            is_copied: false,
        }
    }

    #[test]
    fn a_committed_position_wins_over_the_start_policy() {
        for start in [Start::Earliest, Start::Latest, Start::At(SystemTime::now())] {
            for offset in [10, 15, 20] {
                let begun = begin(&observed(Some(offset)), start);
                assert_eq!(begun, Begin::At(position(offset)));
            }
        }
    }

    #[test]
    fn without_a_position_the_start_policy_decides() {
        let at_time = Observed {
            at_time: Some(at(13)),
            ..observed(None)
        };
        let none = observed(None);
        let time = Start::At(SystemTime::now());
        assert_eq!(begin(&none, Start::Earliest), Begin::At(position(10)));
        assert_eq!(begin(&none, Start::Latest), Begin::At(position(20)));
        assert_eq!(begin(&at_time, time), Begin::At(position(13)));
        assert_eq!(begin(&none, time), Begin::At(position(20)));
    }

    #[test]
    fn a_copy_that_was_made_anew_is_not_gone_on_with_in_silence() {
        let id = |name: &str| Some(TopicId::new(name));
        let known = |then, now| Observed {
            copied_to: then,
            copy_id: now,
            ..observed(Some(15))
        };
        let lost = |first| Begin::CopyLost {
            position: position(15),
            first: position(first),
        };
        let anew = known(id("one"), id("other"));
        assert_eq!(begin(&anew, Start::Earliest), lost(10));
        assert_eq!(begin(&anew, Start::Latest), lost(15), "nothing is left out");
        for (then, now) in [(id("one"), id("one")), (None, id("one")), (id("one"), None)] {
            let begun = begin(&known(then, now), Start::Earliest);
            assert_eq!(begun, Begin::At(position(15)));
        }
    }

    #[test]
    fn a_partition_that_was_added_later_is_read_from_its_beginning() {
        let added = Observed {
            is_new: true,
            ..observed(None)
        };
        for start in [Start::Earliest, Start::Latest, Start::At(SystemTime::now())] {
            assert_eq!(begin(&added, start), Begin::At(position(10)));
        }
    }

    #[test]
    fn a_partition_that_comes_back_goes_on_from_what_was_acknowledged() {
        let cases = [
            // The source was away, and nothing could be committed.
            (Some(10), Some(10), true),
            (None, None, true),
            // A commit went through, and its answer did not.
            (Some(12), Some(10), true),
            // Another member went further, or an operator moved the group back.
            (Some(17), Some(10), false),
            (Some(5), Some(10), false),
            (None, Some(10), false),
        ];
        for (committed, known, expected) in cases {
            let resumed = resumes(committed.map(at), known.map(at), at(15));
            assert_eq!(resumed, expected, "{committed:?} {known:?}");
        }
    }

    #[test]
    fn a_copy_of_which_no_position_tells_how_far_it_goes_is_not_begun_anew() {
        let copied = |offset| Observed {
            is_copied: true,
            ..observed(offset)
        };
        let forgotten = Begin::Forgotten {
            first: position(20),
        };
        assert_eq!(begin(&copied(None), Start::Latest), forgotten);
        let known = begin(&copied(Some(15)), Start::Latest);
        assert_eq!(known, Begin::At(position(15)));
    }

    #[test]
    fn a_position_below_the_log_start_is_a_gap() {
        let gap = Begin::Gap {
            from: at(9),
            to: at(10),
        };
        assert_eq!(begin(&observed(Some(9)), Start::Latest), gap);
    }

    #[test]
    fn a_position_beyond_the_log_end_was_cut_off() {
        let cut_back = Begin::CutBack {
            position: position(21),
            log_end: at(20),
        };
        assert_eq!(begin(&observed(Some(21)), Start::Earliest), cut_back);
    }

    #[test]
    fn a_position_in_another_topic_of_that_name_is_none_in_this_one() {
        let id = |id: &str| Some(TopicId::new(id));
        let ids = |counted_in, topic_id| Observed {
            counted_in,
            topic_id,
            ..observed(Some(15))
        };
        let recreated = Begin::Recreated {
            position: Some(position(15)),
            log_start: at(10),
        };
        assert_eq!(begin(&ids(id("old"), id("new")), Start::Latest), recreated);
        for same in [
            ids(id("a"), id("a")),
            ids(None, id("a")),
            ids(id("a"), None),
        ] {
            assert_eq!(begin(&same, Start::Latest), Begin::At(position(15)));
        }
    }
}
