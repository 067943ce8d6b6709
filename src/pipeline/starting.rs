//! Brings assigned partitions into flow: decides where each begins, seats it and starts its lane.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::begin::{Observed, begin, resumes};
use super::caution::Caution;
use super::flight::Flight;
use super::lane::{Lane, SETTLE};
use super::lanes::Place;
use super::mark::Committed;
use super::observe::Known;
use super::topic::Topic;
use super::trouble::stand_still;
use super::way::{FORGOTTEN, Way, decide, tell};
use crate::board::Seat;
use crate::clusters::TopicId;
use crate::librdkafka::queue::PartitionQueue;
use crate::offset::{Position, SourceOffset};
use crate::status::State;

/// How long a partition that could not begin is left alone.
const ASSIGN_ANEW: Duration = Duration::from_millis(200);

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
        if let Some(place) = self.lanes.place(partition) {
            let known = Known {
                position: Some(place.seat.reading_position()),
                counted_in: place.counted_in.clone(),
            };
            self.unassign(&[partition]);
            self.observe(
                Cause::Restarted(assignment),
                [(partition, Some(known))].into(),
            );
        }
    }

    /// Reads a partition again after a while.
    pub(super) fn restart_after(&mut self, delay: Duration, partition: i32) {
        self.restarts.spawn(async move {
            tokio::time::sleep(delay).await;
            partition
        });
    }

    /// Puts partitions in flow, as far as they are still owned, and answers the group's assignment.
    pub(super) async fn assign(&mut self, cause: Cause, observed: Vec<(i32, Observed)>) {
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
        let held = starts.iter();
        let held: Vec<_> = held.map(|start| (start.partition, start.held())).collect();
        if let Err(error) = self.member.assign(&held) {
            // The group took them back meanwhile; the event that says so follows.
            tracing::debug!(%error, "assignment came too late");
            return;
        }
        self.assigned
            .extend(starts.iter().map(|start| start.partition));
        let positions = starts.iter();
        let positions: Vec<_> = positions
            .map(|start| (start.partition, start.position))
            .collect();
        let mut refused = self.member.validate(&positions).await;
        refused.extend(self.commit_beginnings(&mut starts).await);
        for start in starts {
            if refused.contains(&start.partition) {
                tracing::warn!(
                    start.partition,
                    "the partition cannot begin yet, assigning anew"
                );
                self.lanes.hold(start.partition, start.place);
                self.restart_after(ASSIGN_ANEW, start.partition);
            } else {
                self.start_lane(start);
            }
        }
    }

    /// Commits where partitions begin of which the group holds nothing, before their first record: from then on it is
    /// known that there is a copy, and `start: latest` begins where it began, whatever happens. Answers those whose
    /// commit was not taken.
    async fn commit_beginnings(&mut self, starts: &mut [Start]) -> Vec<i32> {
        let fresh = starts.iter_mut();
        let mut fresh: Vec<_> = fresh
            .filter(|start| start.place.committed.is_none())
            .collect();
        let beginnings = fresh.iter();
        let beginnings = beginnings
            .map(|start| (start.partition, start.place.reached()))
            .collect();
        if !self.commit_now(beginnings, Instant::now() + SETTLE).await {
            return fresh.iter().map(|start| start.partition).collect();
        }
        for start in &mut fresh {
            start.place.committed = Some(start.place.reached());
        }
        Vec::new()
    }

    /// Seats a partition, and says where to start it unless it has to stand still.
    fn seat(&mut self, partition: i32, mut observed: Observed) -> Option<Start> {
        self.resume(partition, &mut observed);
        let seat = self.board.seat(partition, &self.context.budget);
        let committed = match self.lanes.place(partition) {
            Some(place) => place.committed.clone(),
            None => observed.committed.clone(),
        };
        let begin = begin(&observed, self.context.mirror.start);
        let way = decide(&self.context.mirror, begin, &observed);
        seat.set_source_range(observed.log_start, observed.log_end);
        seat.set_position(way.position());
        if let Way::On { position, .. } = &way {
            tell(partition, begin, *position, &seat);
        }
        match (way, self.member.queue(partition)) {
            (Way::On { position, topic_id }, Some(queue)) => Some(Start {
                partition,
                position,
                log_end: observed.log_end,
                place: place(seat, topic_id, committed),
                queue,
            }),
            (Way::On { topic_id, .. }, None) => {
                let reason = "librdkafka refuses the partition";
                self.hold(
                    partition,
                    place(seat, topic_id, committed),
                    State::Paused,
                    reason,
                );
                None
            }
            (Way::Forgotten { .. }, _) => {
                let place = Place {
                    is_guessed: true,
                    ..place(seat, observed.counted_in, committed)
                };
                self.hold(partition, place, State::Diverged, FORGOTTEN);
                None
            }
            (Way::Still { state, reason, .. }, _) => {
                let place = place(seat, observed.counted_in, committed);
                self.hold(partition, place, state, &reason);
                None
            }
        }
    }

    /// Lets a partition that comes back to this process go on from what it had acknowledged itself.
    fn resume(&mut self, partition: i32, observed: &mut Observed) {
        let Some(left) = self.left.remove(&partition) else {
            return;
        };
        let offset =
            |held: &Option<Committed>| held.as_ref().map(|committed| committed.position.offset);
        let (committed, known) = (offset(&observed.committed), offset(&left.committed));
        let reached = left.reached;
        if resumes(committed, known, reached.position.offset) {
            observed.position = Some(reached.position);
            observed.counted_in = reached.mark.topic_id().or(observed.counted_in.take());
        }
    }

    fn hold(&mut self, partition: i32, place: Place, state: State, reason: &str) {
        stand_still(partition, &place.seat, state, reason);
        place.seat.set_held_up(true);
        self.lanes.hold(partition, place);
    }

    fn start_lane(&mut self, start: Start) {
        let (writer, acks) = self.target.partition(start.partition);
        let (stop, stopped) = watch::channel(None);
        let caution = Caution {
            limits: self.sight.limits.clone(),
            producer_batch: self.target.batch_bytes(),
            through: self.retries.careful_through(start.partition),
        };
        let flight = Flight::new(
            Arc::clone(&start.place.seat),
            Arc::clone(&self.board),
            caution,
            self.context.mirror.on_rejected,
        );
        let lane = Lane {
            queue: start.queue,
            writer,
            acks,
            lease: self.lease.holder(),
            stop: stopped,
            flight,
        };
        self.lanes.start(start.partition, start.place, lane, stop);
    }
}

/// A partition about to flow.
struct Start {
    partition: i32,
    position: Position,
    log_end: SourceOffset,
    place: Place,
    queue: PartitionQueue,
}

impl Start {
    /// A position that the log holds: of one beyond its end, the validation shall say where the history parts, not the
    /// first fetch that it does not exist.
    fn held(&self) -> Position {
        Position {
            offset: self.position.offset.min(self.log_end),
            ..self.position
        }
    }
}

fn place(seat: Arc<Seat>, counted_in: Option<TopicId>, committed: Option<Committed>) -> Place {
    Place {
        seat,
        counted_in,
        committed,
        is_guessed: false,
    }
}
