//! Decides what becomes of a partition whose lane ended in trouble: it stands still, visibly (I9), and is tried again where
//! the cause may pass.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use super::lane::{End, Trouble};
use super::topic::Topic;
use crate::board::Seat;
use crate::config::OnDivergence;
use crate::metrics::Stage;
use crate::offset::{Position, SourceOffset};
use crate::retry::Delays;
use crate::status::State;

/// Partitions in trouble.
#[derive(Default)]
pub struct Retries {
    partitions: BTreeMap<i32, Retry>,
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
    fn delay(&mut self, partition: i32, position: SourceOffset) -> Duration {
        self.at(partition, position).delays.draw()
    }

    /// Has the records before `through` fly alone.
    fn be_careful(&mut self, partition: i32, position: SourceOffset, through: SourceOffset) {
        let retry = self.at(partition, position);
        retry.careful_through = retry.careful_through.max(Some(through));
    }

    fn at(&mut self, partition: i32, position: SourceOffset) -> &mut Retry {
        let fresh = || Retry {
            position,
            delays: Delays::default(),
            careful_through: None,
        };
        let retry = self.partitions.entry(partition).or_insert_with(fresh);
        if retry.position != position {
            retry.position = position;
            retry.delays.reset();
        }
        retry
    }

    /// Up to where the records of a partition fly alone.
    pub fn careful_through(&self, partition: i32) -> Option<SourceOffset> {
        self.partitions.get(&partition)?.careful_through
    }

    /// Forgets a partition that is not ours any more.
    pub fn forget(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }
}

impl Topic {
    /// Notes why a lane ended by itself; where the cause may pass, lets it begin again after a while.
    pub(super) fn lane_ended(&mut self, partition: i32, seat: &Seat, end: End) {
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
            Trouble::ReadAgain { .. } => Some(Duration::ZERO),
            Trouble::Truncated { to, .. } => self.cut_back(partition, seat, &trouble, to),
            Trouble::RejectedTogether { through, .. } => {
                tracing::warn!(partition, reason = %trouble, "sending its records one by one");
                self.board.note_refused();
                self.retries.be_careful(partition, position, through);
                Some(Duration::ZERO)
            }
            Trouble::Rejected { at, .. } => {
                stand_still(partition, seat, State::Rejected, &trouble);
                self.board.note_refused();
                self.retries.be_careful(partition, position, at.next());
                Some(self.retries.delay(partition, position))
            }
            Trouble::Misled { .. } => {
                stand_still(partition, seat, State::Paused, &trouble);
                self.target.fail(trouble.to_string());
                None
            }
            Trouble::NotRead(_) | Trouble::NotWritten { .. } => {
                stand_still(partition, seat, State::Paused, &trouble);
                Some(self.retries.delay(partition, position))
            }
        };
        if let Some(delay) = delay {
            self.restart_after(delay, partition);
        }
    }

    /// A log that was cut back and has another history from `to` on.
    fn cut_back(
        &self,
        partition: i32,
        seat: &Seat,
        trouble: &Trouble,
        to: SourceOffset,
    ) -> Option<Duration> {
        if self.context.mirror.on_divergence == OnDivergence::Pause {
            stand_still(partition, seat, State::Diverged, trouble);
            return None;
        }
        tracing::warn!(partition, reason = %trouble, "going on where the source's history parts");
        seat.set_position(Position::at(to));
        Some(Duration::ZERO)
    }
}

fn stage(trouble: &Trouble) -> Stage {
    match trouble {
        Trouble::OutOfRange { .. }
        | Trouble::Truncated { .. }
        | Trouble::ReadAgain { .. }
        | Trouble::NotRead(_) => Stage::Consume,
        Trouble::Misled { .. }
        | Trouble::Rejected { .. }
        | Trouble::RejectedTogether { .. }
        | Trouble::NotWritten { .. } => Stage::Produce,
    }
}

/// Shows that a partition stands still, and why; says it once.
pub fn stand_still(partition: i32, seat: &Seat, state: State, reason: impl Display) {
    if seat.set_standing(state, Some(reason.to_string())) {
        tracing::error!(partition, %state, %reason, "partition stands still");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spaced_out_until_the_partition_gets_on() {
        let mut retries = Retries::default();
        let (here, further) = (SourceOffset::new(5), SourceOffset::new(6));
        let later = (0..50).map(|_| retries.delay(0, here)).last();
        assert!(later > Some(Duration::from_secs(4)), "{later:?}");
        assert!(retries.delay(0, further) < Duration::from_secs(1));
    }

    #[test]
    fn care_is_taken_up_to_the_furthest_record_in_doubt() {
        let mut retries = Retries::default();
        let at = SourceOffset::new;
        retries.be_careful(0, at(5), at(9));
        retries.be_careful(0, at(6), at(7));
        assert_eq!(retries.careful_through(0), Some(at(9)));
        assert_eq!(retries.careful_through(1), None);
        retries.forget(0);
        assert_eq!(retries.careful_through(0), None);
    }
}
