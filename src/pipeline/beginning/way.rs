//! Decides by the mirror's policies what a beginning means: going on, and from where, or standing still.

use super::begin::{Begin, Observed};
use crate::board::Seat;
use crate::clusters::{TopicId, TopicPartition};
use crate::config::{Mirror, OnDivergence, OnGap};
use crate::metrics::Skipped;
use crate::offset::Position;
use crate::status::State;

/// What to do with a partition.
pub enum Way {
    /// Read it from here, in this topic.
    On {
        /// Where reading begins.
        position: Position,
        /// The topic that it counts in.
        topic_id: Option<TopicId>,
    },
    /// Let it stand still, and commit nothing: the position is a guess.
    Forgotten {
        /// Where the start policy would begin.
        first: Position,
    },
    /// Let it stand still.
    Still {
        /// Where reading should have gone on.
        position: Position,
        /// How it stands.
        state: State,
        /// Why.
        reason: String,
    },
}

impl Way {
    /// Where the partition is taken to stand.
    pub fn position(&self) -> Position {
        match self {
            Self::On { position, .. } | Self::Still { position, .. } => *position,
            Self::Forgotten { first } => *first,
        }
    }
}

/// Where to go on, or why to stand still.
pub fn decide(mirror: &Mirror, begin: Begin, observed: &Observed) -> Way {
    let on = |position| Way::On {
        position,
        topic_id: observed.topic_id.clone(),
    };
    let diverged = |position: Option<Position>, reason| Way::Still {
        position: position.unwrap_or(Position::at(observed.log_start)),
        state: State::Diverged,
        reason,
    };
    let goes_on = mirror.on_divergence == OnDivergence::Continue;
    match begin {
        Begin::At(position) => on(position),
        Begin::Gap { to, .. } if mirror.on_gap == OnGap::Continue => on(Position::at(to)),
        Begin::Gap { from, to } => Way::Still {
            position: Position::at(from),
            state: State::Paused,
            reason: format!(
                "gap: the source deleted offsets {from} to {to} before they were read (on_gap: pause)"
            ),
        },
        // The source tells where the history parts when librdkafka validates the position.
        Begin::CutBack { position, .. } if goes_on && position.epoch.is_some() => on(position),
        Begin::CutBack { log_end, .. } if goes_on => on(Position::at(log_end)),
        Begin::CutBack { position, log_end } => diverged(
            Some(position),
            format!(
                "the source log ends at {log_end}, before position {}: it was cut back (on_divergence: pause)",
                position.offset
            ),
        ),
        Begin::Forgotten { first } if goes_on => on(first),
        Begin::Forgotten { first } => Way::Forgotten { first },
        Begin::Recreated { log_start, .. } if goes_on => on(Position::at(log_start)),
        Begin::Recreated { position, .. } => diverged(position, recreated(position)),
        Begin::CopyLost { first, .. } if goes_on => on(first),
        Begin::CopyLost { position, .. } => diverged(Some(position), copy_lost(position)),
    }
}

/// Says what is gone over, and counts it.
pub fn tell(at: &TopicPartition, begin: Begin, position: Position, seat: &Seat) {
    let position = position.offset.get();
    match begin {
        Begin::At(_) => {}
        Begin::Gap { from, to } => {
            tracing::warn!(
                partition = %at,
                from = from.get(),
                to = to.get(),
                "gap: the source deleted records before they were read"
            );
            seat.metrics.skip(Skipped::Retention, to.since(from));
        }
        Begin::CutBack { log_end, .. } => {
            let log_end = log_end.get();
            tracing::warn!(
                partition = %at,
                position,
                log_end,
                "the source log was cut back, going on"
            );
        }
        Begin::Forgotten { .. } => {
            tracing::warn!(
                partition = %at,
                position,
                "no position is committed although the copy holds records, going on"
            );
        }
        Begin::Recreated { .. } => {
            tracing::warn!(
                partition = %at,
                position,
                "the source topic was created anew, going on with it"
            );
        }
        Begin::CopyLost { .. } => {
            tracing::warn!(
                partition = %at,
                position,
                "the copy was created anew, copying once more"
            );
        }
    }
}

/// Why a partition whose position was forgotten stands still.
pub const FORGOTTEN: &str = "no position is committed, although the copy holds records: the source topic was deleted and created anew, or nobody was in the group for so long that its offsets expired (on_divergence: pause); with on_divergence: continue it is copied from where `start` says, or commit the group's position with Kafka's tools while kmirror is stopped";

fn recreated(position: Option<Position>) -> String {
    let at = position
        .map(|position| format!(", so that position {} means nothing in it", position.offset));
    format!(
        "the source topic was deleted and created anew{} (on_divergence: pause); with on_divergence: continue the new topic is copied behind the old one",
        at.unwrap_or_default()
    )
}

fn copy_lost(position: Position) -> String {
    format!(
        "the copy does not hold what was copied before position {}: it was deleted and created anew, the target is another cluster, or target_topic names another topic (on_divergence: pause); with on_divergence: continue it is copied once more, from where `start` says",
        position.offset
    )
}
