//! Brings assigned partitions into flow: asks where each begins, decides, seats it and starts its lane.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::Instrument;

use super::begin::{Begin, Observed, begin, resume};
use super::flight::Flight;
use super::lane::Lane;
use super::observe::Question;
use super::topic::Topic;
use crate::board::Seat;
use crate::config::{OnDivergence, OnGap};
use crate::librdkafka::queue::PartitionQueue;
use crate::metrics::Skipped;
use crate::offset::SourceOffset;
use crate::status::State;

/// Counts assignments, so that an answer that comes late is told from the one that is waited for.
pub type Assignment = u64;

/// Why partitions begin, and in which assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The group gave them, and waits for an answer.
    Assigned(Assignment),
    /// Their lanes ended in trouble that may have passed.
    Restarted(Assignment),
}

impl Topic {
    /// Takes partitions over: asks where each begins.
    pub(super) fn own(&mut self, partitions: &[i32]) {
        self.assignments += 1;
        for partition in partitions {
            self.owned.insert(*partition, self.assignments);
        }
        let unknown = partitions
            .iter()
            .map(|partition| (*partition, None))
            .collect();
        self.observe(Cause::Assigned(self.assignments), unknown);
    }

    /// Reads a partition again, from the first record that was not acknowledged.
    pub(super) fn restart(&mut self, partition: i32) {
        let Some(assignment) = self.owned.get(&partition).copied() else {
            return;
        };
        if let Some(seat) = self.lanes.seat(partition) {
            self.unassign(&[partition]);
            let position = [(partition, Some(seat.position()))].into();
            self.observe(Cause::Restarted(assignment), position);
        }
    }

    /// Asks where partitions begin; [`Topic::assign`] gets the answer.
    fn observe(&mut self, cause: Cause, partitions: BTreeMap<i32, Option<SourceOffset>>) {
        let question = Question {
            member: Arc::clone(&self.member),
            inspector: self.context.inspector.clone(),
            topic: self.plan.source_topic.clone(),
            partitions,
            start: self.context.mirror.start,
        };
        let answer = async move {
            let observed = match question.partitions.is_empty() {
                true => Vec::new(),
                false => question.answer().await,
            };
            (cause, observed)
        };
        self.beginnings.spawn(answer.in_current_span());
    }

    /// Puts partitions in flow, as far as they are still owned, and answers the group's assignment.
    pub(super) fn assign(&mut self, cause: Cause, observed: Vec<(i32, Observed)>) {
        let (Cause::Assigned(assignment) | Cause::Restarted(assignment)) = cause;
        let mut starts = Vec::new();
        for (partition, observed) in observed {
            let owned = self.owned.get(&partition) == Some(&assignment);
            if owned && !self.assigned.contains(&partition) {
                starts.extend(self.seat(partition, observed));
            }
        }
        // An empty answer is one, too, but only to the assignment that waits for it.
        if starts.is_empty() && cause != Cause::Assigned(self.assignments) {
            return;
        }
        let positions: Vec<_> = starts
            .iter()
            .map(|start| (start.partition, start.position))
            .collect();
        if let Err(error) = self.member.assign(&positions) {
            // The group took them back meanwhile; the event that says so follows.
            tracing::debug!(%error, "assignment came too late");
            return;
        }
        for start in starts {
            self.assigned.insert(start.partition);
            start.seat.set_standing(State::Running, None);
            self.start_lane(start);
        }
    }

    /// Seats a partition, and says where to start it unless it has to stand still.
    fn seat(&mut self, partition: i32, mut observed: Observed) -> Option<Start> {
        let committed = match self.lanes.progress(partition) {
            Some(progress) => progress.committed,
            None => observed.position,
        };
        if let Some(left) = self.left.remove(&partition) {
            observed.position = resume(observed.position, left.committed, left.position);
        }
        let begin = begin(observed, self.context.mirror.start);
        let (position, standing) = self.decide(begin);
        let seat = match self.lanes.seat(partition) {
            Some(seat) => seat,
            None => self.board.seat(partition, &self.context.budget, position),
        };
        seat.set_source_range(observed.log_start, observed.log_end);
        seat.advance(position, 0, None);
        if let Begin::Gap { from, to } = begin
            && standing.is_none()
        {
            tracing::warn!(
                partition,
                from = from.get(),
                to = to.get(),
                "gap: the source deleted records before they were read"
            );
            seat.metrics.skip(Skipped::Retention, to.since(from));
        }
        let queue = self.member.queue(partition);
        let standing = standing.or_else(|| {
            let refused = || (State::Paused, "librdkafka refuses the partition".to_owned());
            queue.is_none().then(refused)
        });
        if let Some((state, reason)) = standing {
            tracing::error!(partition, %state, reason, "partition stands still");
            seat.set_standing(state, Some(reason));
            self.lanes.hold(partition, seat, committed);
            return None;
        }
        queue.map(|queue| Start {
            partition,
            position,
            committed,
            seat,
            queue,
        })
    }

    /// Where to go on, or why to stand still.
    fn decide(&self, begin: Begin) -> (SourceOffset, Option<(State, String)>) {
        let mirror = &self.context.mirror;
        match begin {
            Begin::At(position) => (position, None),
            Begin::Gap { to, .. } if mirror.on_gap == OnGap::Continue => (to, None),
            Begin::Gap { from, to } => {
                let reason = format!(
                    "gap: the source deleted offsets {from} to {to} before they were read (on_gap: pause)"
                );
                (from, Some((State::Paused, reason)))
            }
            Begin::Diverged { log_end, .. } if mirror.on_divergence == OnDivergence::Continue => {
                (log_end, None)
            }
            Begin::Diverged { position, log_end } => {
                let reason = format!(
                    "the source log ends at {log_end}, before position {position}: it was cut back or the topic recreated (on_divergence: pause)"
                );
                (position, Some((State::Diverged, reason)))
            }
        }
    }

    fn start_lane(&mut self, start: Start) {
        let (writer, acks) = self.target.partition(start.partition);
        let (stop, stopped) = watch::channel(None);
        let board = Arc::clone(&self.board);
        let on_rejected = self.context.mirror.on_rejected;
        let flight = Flight::from(start.position, start.seat, board, on_rejected);
        let lane = Lane {
            queue: start.queue,
            writer,
            acks,
            stop: stopped,
            flight,
        };
        self.lanes
            .start(start.partition, lane, stop, start.committed);
    }
}

/// A partition about to flow.
struct Start {
    partition: i32,
    position: SourceOffset,
    committed: Option<SourceOffset>,
    seat: Arc<Seat>,
    queue: PartitionQueue,
}
