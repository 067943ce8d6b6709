//! Decides what becomes of a partition whose lane ended in trouble: it stands still, visibly (I9), and is tried again where
//! the cause may pass.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use super::group::Group;
use super::lane::{End, Trouble};
use crate::board::Seat;
use crate::clusters::TopicPartition;
use crate::config::OnDivergence;
use crate::metrics::Stage;
use crate::offset::{Position, SourceOffset};
use crate::retry::Delays;
use crate::status::State;

/// Partitions in trouble.
#[derive(Default)]
pub struct Retries {
    partitions: BTreeMap<TopicPartition, Retry>,
}

/// Attempts to get past one position.
struct Retry {
    position: SourceOffset,
    delays: Delays,
    /// Records before this offset fly alone.
    careful_through: Option<SourceOffset>,
}

impl Retries {
    /// How long to wait before the next attempt; starts over once the partition has got on.
    fn delay(&mut self, at: &TopicPartition, position: SourceOffset) -> Duration {
        self.retry(at, position).delays.draw()
    }

    /// Has the records before `through` fly alone.
    fn be_careful(&mut self, at: &TopicPartition, position: SourceOffset, through: SourceOffset) {
        let retry = self.retry(at, position);
        retry.careful_through = retry.careful_through.max(Some(through));
    }

    fn retry(&mut self, at: &TopicPartition, position: SourceOffset) -> &mut Retry {
        let fresh = || Retry {
            position,
            delays: Delays::default(),
            careful_through: None,
        };
        let retry = self.partitions.entry(at.clone()).or_insert_with(fresh);
        if retry.position != position {
            retry.position = position;
            retry.delays.reset();
        }
        retry
    }

    /// Up to where the records of a partition fly alone.
    pub fn careful_through(&self, at: &TopicPartition) -> Option<SourceOffset> {
        self.partitions.get(at)?.careful_through
    }

    /// Forgets a partition that is not ours any more.
    pub fn forget(&mut self, at: &TopicPartition) {
        self.partitions.remove(at);
    }
}

impl Group {
    /// Notes why a lane ended by itself; where the cause may pass, lets it begin again after a while.
    pub(super) fn lane_ended(&mut self, at: &TopicPartition, seat: &Seat, end: End) {
        let End::Trouble(trouble) = end else { return };
        let metrics = &self.context.metrics;
        let mirror = &self.context.mirror.name;
        metrics.error(mirror, stage(&trouble), trouble.code());
        let position = seat.position();
        let delay = match trouble {
            // What the source holds instead decides what to do. It has been asked about the history, or cannot tell.
            Trouble::OutOfRange { .. } => {
                seat.see_epoch(None);
                Some(Duration::ZERO)
            }
            // Looking back at the copy tells where its records stand.
            Trouble::ReadAgain { .. } | Trouble::NotTold { .. } => Some(Duration::ZERO),
            Trouble::Overtaken { .. } => {
                tracing::warn!(partition = %at, reason = %trouble, "looking back at the copy once more");
                Some(self.retries.delay(at, position))
            }
            Trouble::Truncated { to, .. } => self.diverged(
                at,
                seat,
                &trouble,
                to,
                "going on where the source's history parts",
            ),
            Trouble::Replaced { .. } => {
                let start = seat.source_start();
                self.diverged(
                    at,
                    seat,
                    &trouble,
                    start,
                    "copying the source's log from its beginning",
                )
            }
            Trouble::RejectedTogether { through, .. } => {
                tracing::warn!(partition = %at, reason = %trouble, "sending its records one by one");
                self.topic(&at.topic).board.note_refused();
                self.retries.be_careful(at, position, through);
                Some(Duration::ZERO)
            }
            Trouble::Rejected { at: offset, .. } => {
                stand_still(at, seat, State::Rejected, &trouble);
                self.topic(&at.topic).board.note_refused();
                self.retries.be_careful(at, position, offset.next());
                Some(self.retries.delay(at, position))
            }
            Trouble::Misled { .. } => {
                stand_still(at, seat, State::Paused, &trouble);
                self.topic(&at.topic).target.fail(trouble.to_string());
                None
            }
            Trouble::NotRead(_) | Trouble::NotWritten { .. } => {
                stand_still(at, seat, State::Paused, &trouble);
                Some(self.retries.delay(at, position))
            }
        };
        if let Some(delay) = delay {
            self.restart_after(delay, vec![at.clone()]);
        }
    }

    /// A log that has another history: where it may be gone on with, that is from `to` on, which is told in the words `how`.
    fn diverged(
        &self,
        at: &TopicPartition,
        seat: &Seat,
        trouble: &Trouble,
        to: SourceOffset,
        how: &str,
    ) -> Option<Duration> {
        if self.context.mirror.on_divergence == OnDivergence::Pause {
            stand_still(at, seat, State::Diverged, trouble);
            return None;
        }
        tracing::warn!(partition = %at, reason = %trouble, "{how}");
        seat.set_position(Position::at(to));
        Some(Duration::ZERO)
    }
}

fn stage(trouble: &Trouble) -> Stage {
    match trouble {
        Trouble::OutOfRange { .. }
        | Trouble::Truncated { .. }
        | Trouble::Replaced { .. }
        | Trouble::ReadAgain { .. }
        | Trouble::NotRead(_) => Stage::Consume,
        Trouble::Misled { .. }
        | Trouble::NotTold { .. }
        | Trouble::Overtaken { .. }
        | Trouble::Rejected { .. }
        | Trouble::RejectedTogether { .. }
        | Trouble::NotWritten { .. } => Stage::Produce,
    }
}

/// Shows that a partition stands still, and why; says it once.
pub fn stand_still(at: &TopicPartition, seat: &Seat, state: State, reason: impl Display) {
    if seat.set_standing(state, Some(reason.to_string())) {
        tracing::error!(partition = %at, %state, %reason, "partition stands still");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("orders", number)
    }

    #[test]
    fn attempts_are_spaced_out_until_the_partition_gets_on() {
        let (mut retries, at) = (Retries::default(), partition(0));
        let (here, further) = (SourceOffset::new(5), SourceOffset::new(6));
        let later = (0..50).map(|_| retries.delay(&at, here)).last();
        assert!(later > Some(Duration::from_secs(4)), "{later:?}");
        assert!(retries.delay(&at, further) < Duration::from_secs(1));
    }

    #[test]
    fn care_is_taken_up_to_the_furthest_record_in_doubt() {
        let (mut retries, at) = (Retries::default(), partition(0));
        let offset = SourceOffset::new;
        retries.be_careful(&at, offset(5), offset(9));
        retries.be_careful(&at, offset(6), offset(7));
        assert_eq!(retries.careful_through(&at), Some(offset(9)));
        assert_eq!(retries.careful_through(&partition(1)), None);
        retries.forget(&at);
        assert_eq!(retries.careful_through(&at), None);
    }
}
