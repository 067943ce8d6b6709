//! Brings assigned partitions into flow: decides where each begins, seats it and starts its lane.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use super::beginning::{
    self, Begin, FORGOTTEN, Known, Memory, Observed, Seen, Way, begin, decide, resumes, tell,
};
use super::caution::Caution;
use super::flight::Flight;
use super::group::{Group, Named};
use super::lane::{Lane, SETTLE};
use super::lanes::{Place, Progress};
use super::mark::Committed;
use super::provenance::LeftOut;
use super::reading::Intake;
use super::saving::{self, Beginning};
use super::trouble::stand_still;
use crate::clusters::TopicPartition;
use crate::librdkafka::queue::PartitionQueue;
use crate::metrics::Stage;
use crate::offset::{Position, SourceOffset, TargetOffset};
use crate::offset_map::{Registered, SharedMap, Witness};
use crate::status::State;
use crate::target::Fence;

/// How long a partition that could not begin is left alone.
const ASSIGN_ANEW: Duration = Duration::from_millis(200);

/// Counts assignments, so that what was asked in one is not taken for an answer in another.
pub type Assignment = u64;

impl Group {
    /// Takes partitions over: asks where each begins.
    ///
    /// The group is answered at once, as if there were none: until then librdkafka reads nothing of the partitions that are
    /// here already (KIP-429).
    pub(super) fn own(&mut self, partitions: &[TopicPartition]) {
        if let Err(error) = self.member.assign(&[]) {
            tracing::debug!(%error, "assignment came too late");
        }
        if partitions.is_empty() {
            return;
        }
        self.assignments += 1;
        for at in partitions {
            self.owned.insert(at.clone(), self.assignments);
        }
        let unknown = partitions.iter().map(|at| (at.clone(), None)).collect();
        self.observe(self.assignments, unknown);
    }

    /// Reads partitions again, each from the first record that was not acknowledged. One that flows does so already: whatever
    /// asked for this was got over another way.
    pub(super) fn restart(&mut self, partitions: Vec<TopicPartition>) {
        if self.member.has_lost_assignment() {
            self.restart_after(ASSIGN_ANEW, partitions);
            return;
        }
        let mut known: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for at in partitions {
            if let Some(assignment) = self.owned.get(&at)
                && !self.lanes.is_flowing(&at)
                && let Some(place) = self.lanes.place(&at)
            {
                let of_assignment = known.entry(*assignment).or_default();
                of_assignment.insert(at, Some(known_of(place)));
            }
        }
        for (assignment, known) in known {
            let partitions: Vec<_> = known.keys().cloned().collect();
            // An empty list would be an answer to the group.
            if partitions.iter().any(|at| self.assigned.contains(at)) {
                self.unassign(&partitions);
            }
            self.observe(assignment, known);
        }
    }

    /// Reads partitions again after a while, as far as they are still of the same assignment then.
    pub(super) fn restart_after(&mut self, delay: Duration, partitions: Vec<TopicPartition>) {
        let owned = partitions.into_iter().filter_map(|at| {
            let assignment = self.owned.get(&at).copied();
            Some((at, assignment?))
        });
        let owned: Vec<_> = owned.collect();
        if !owned.is_empty() {
            self.restarts.spawn(async move {
                tokio::time::sleep(delay).await;
                owned
            });
        }
    }

    /// The time has come to read partitions again.
    pub(super) fn restart_due(&mut self, due: Vec<(TopicPartition, Assignment)>) {
        let due = due.into_iter();
        let owned = due.filter(|(at, assignment)| self.owned.get(at) == Some(assignment));
        self.restart(owned.map(|(at, _)| at).collect());
    }

    /// Puts partitions in flow, as far as they are still owned by this assignment. Answers `false` where that cannot be done
    /// until the group has said which partitions it takes back.
    pub(super) async fn assign(
        &mut self,
        assignment: Assignment,
        seen: Vec<(TopicPartition, Seen)>,
    ) -> bool {
        // By an assignment librdkafka would forget that some are lost.
        if self.member.has_lost_assignment() {
            return false;
        }
        let mut starts = Vec::new();
        for (at, seen) in seen {
            let owned = self.owned.get(&at) == Some(&assignment);
            if owned && !self.assigned.contains(&at) {
                starts.extend(self.seat(at, seen));
            }
        }
        if starts.is_empty() {
            return true;
        }
        let held = starts.iter();
        let held: Vec<_> = held.map(|start| (start.at.clone(), start.held())).collect();
        if let Err(error) = self.member.assign(&held) {
            tracing::debug!(%error, "assignment came too late");
            return false;
        }
        self.assigned
            .extend(starts.iter().map(|start| start.at.clone()));
        let positions = starts.iter();
        let positions: Vec<_> = positions
            .map(|start| (start.at.clone(), start.reads_from()))
            .collect();
        let mut refused = self.member.validate(&positions).await;
        if !refused.is_empty() {
            let partitions: Vec<_> = refused.iter().cloned().collect();
            let partitions = Named(&partitions).to_string();
            tracing::warn!(
                partitions,
                "librdkafka cannot begin to read, assigning anew"
            );
        }
        refused.extend(self.commit_beginnings(&mut starts).await);
        let gates = self.save_beginnings(&starts);
        for (start, gate) in starts.into_iter().zip(gates) {
            if refused.contains(&start.at) {
                self.lanes.hold(start.at, start.place);
            } else {
                self.start_lane(start, gate);
            }
        }
        // Together: each question waits for commits of its own.
        self.restart_after(ASSIGN_ANEW, refused.into_iter().collect());
        true
    }

    /// Writes where the maps of partitions begin, before their first record: what is then found on the target behind it was
    /// written by this mirror. Answers with the gates that open when that is done.
    fn save_beginnings(&mut self, starts: &[Start]) -> Vec<watch::Receiver<bool>> {
        let beginnings = starts.iter().map(|start| {
            let (gate, open) = watch::channel(false);
            let (at, place) = (start.at.clone(), start.place.clone());
            (Beginning { at, place, gate }, open)
        });
        let (beginnings, gates): (Vec<_>, Vec<_>) = beginnings.unzip();
        let store = self.context.store.clone();
        let saving = async move { saving::persist(beginnings, &store).await };
        self.map_beginnings.spawn(saving.in_current_span());
        gates
    }

    /// Commits where partitions begin of which the group holds nothing, before their first record: from then on it is
    /// known that there is a copy, and `start: latest` begins where it began, whatever happens. Answers those whose
    /// commit was not taken.
    async fn commit_beginnings(&mut self, starts: &mut [Start]) -> Vec<TopicPartition> {
        let fresh = starts.iter_mut();
        let mut fresh: Vec<_> = fresh
            .filter(|start| start.place.committed.is_none())
            .collect();
        let beginnings = fresh.iter();
        let beginnings = beginnings
            .map(|start| (start.at.clone(), start.place.reached()))
            .collect();
        // Not so long that the others' lease runs out meanwhile.
        let within = SETTLE.min(self.member.session_timeout() / 5);
        if !self.commit_now(beginnings, Instant::now() + within).await {
            return fresh.iter().map(|start| start.at.clone()).collect();
        }
        for start in &mut fresh {
            start.place.committed = Some(start.place.reached());
        }
        Vec::new()
    }

    /// Seats a partition, and says where to start it unless it has to stand still.
    fn seat(&mut self, at: TopicPartition, seen: Seen) -> Option<Start> {
        let Seen {
            mut observed,
            memory,
        } = seen;
        let fence = self.fence(&at, &observed, &memory);
        let resumed = self.resume(&at, &mut observed, &memory);
        self.tell_found(&at, &memory);
        let seat = self.seat_of(&at);
        let (committed, began_with) = match self.lanes.place(&at) {
            Some(place) => (place.committed.clone(), place.began_with),
            None => (observed.committed.clone(), observed.began_with),
        };
        let begin = begin(&observed, self.context.mirror.start);
        let way = decide(&self.context.mirror, begin, &observed);
        let on = match &way {
            Way::On { position, .. } => Some(position.offset),
            _ => None,
        };
        let known = resumed.or_else(|| {
            let place = self.lanes.place(&at).filter(|place| place.is_mapping);
            place.map(|place| place.map.clone())
        });
        seat.see_target_end(memory.target_end);
        let map = beginning::map(&self.context.mirror.name, &at, known, memory, begin, on);
        self.register(&at, &map);
        let witness = witness(&map, begin, &observed);
        let place = |counted_in, copy_id| Place {
            seat: Arc::clone(&seat),
            counted_in,
            copy_id,
            began_with,
            committed,
            is_guessed: false,
            map,
            is_mapping: on.is_some(),
            fence,
            is_settled: false,
        };
        seat.set_source_range(observed.log_start, observed.log_end);
        seat.set_position(way.position());
        if let Way::On { position, topic_id } = &way {
            tell(&at, begin, *position, &seat);
            seat.set_counted_in(topic_id.clone());
        }
        let copy_id = observed.copy_id.or_else(|| observed.copied_to.clone());
        match (way, self.member.queue(&at)) {
            (Way::On { position, topic_id }, Some(queue)) => Some(Start {
                at,
                position,
                witness,
                log_end: observed.log_end,
                place: place(topic_id, copy_id),
                queue,
            }),
            (Way::On { topic_id, .. }, None) => {
                let reason = "librdkafka refuses the partition";
                let place = place(topic_id, copy_id);
                self.hold(at, place, State::Paused, reason)
            }
            (Way::Forgotten { .. }, _) => {
                let place = Place {
                    is_guessed: true,
                    ..place(observed.counted_in, observed.copied_to)
                };
                self.hold(at, place, State::Diverged, FORGOTTEN)
            }
            (Way::Still { state, reason, .. }, _) => {
                let place = place(observed.counted_in, observed.copied_to);
                self.hold(at, place, state, &reason)
            }
        }
    }

    /// What has to keep out the late writes of whoever had the partition before: none where that one gave it back with
    /// nothing in flight, or was this member itself, and none where others write the copy, whom it would keep out, too.
    ///
    /// Where one of several members of a process was expelled and has not heard of it, this keeps the process's own producer
    /// out: new ones take over (`target`).
    fn fence(&self, at: &TopicPartition, observed: &Observed, memory: &Memory) -> Option<Fence> {
        let end = memory.target_end;
        if !self.context.mirror.is_only_writer(&at.topic) || matches!(memory.found, Some(Err(_))) {
            return None;
        }
        if let Some(place) = self.lanes.place(at) {
            return (!place.is_fenced()).then(|| Fence::at(end));
        }
        let is_ours = memory.found.is_some() || memory.past.target_end() == Some(end);
        // What it had in flight when it was taken away is settled by now.
        let was_here = self
            .left
            .get(at)
            .is_some_and(|left| left.is_fenced() && left.seat.target_end() == Some(end));
        let mark = observed.committed.as_ref().map(|held| &held.mark);
        let is_settled = was_here || mark.is_some_and(|mark| mark.is_settled_at(end));
        (is_ours && end > TargetOffset::new(0) && !is_settled).then(|| Fence::at(end))
    }

    /// Lets a partition that comes back to this process go on from what it had acknowledged itself, where the copy does
    /// not tell better; answers with the map that knows of it.
    fn resume(
        &mut self,
        at: &TopicPartition,
        observed: &mut Observed,
        memory: &Memory,
    ) -> Option<SharedMap> {
        let left = self.left.remove(at)?;
        let Progress { reached, committed } = left.progress();
        let offset =
            |held: &Option<Committed>| held.as_ref().map(|committed| committed.position.offset);
        let (now, known) = (offset(&observed.committed), offset(&committed));
        let reaches = Some(reached.position.offset);
        let is_behind = observed.position.map(|position| position.offset) <= reaches;
        let is_found = matches!(memory.found, Some(Ok(_)));
        if is_found || !is_behind || !resumes(now, known, reached.position.offset) {
            return None;
        }
        observed.position = Some(reached.position);
        observed.counted_in = reached.mark.topic_id().or(observed.counted_in.take());
        left.is_mapping.then(|| {
            left.map.lock().take_turn(memory.past.last_turn());
            left.map
        })
    }

    /// Says what was found in the copy behind what its map knew, and what was not.
    fn tell_found(&self, at: &TopicPartition, memory: &Memory) {
        if memory.missing > 0 {
            let (metrics, mirror) = (&self.context.metrics, &self.context.mirror.name);
            metrics.error(mirror, Stage::Offsets, "Missing");
            tracing::error!(partition = %at, records = memory.missing, "the copy has lost records that it had taken, and does not get them again");
        }
        match &memory.found {
            Some(Ok(found)) => {
                let records: u64 = found.runs.iter().map(|run| run.length).sum();
                tracing::info!(partition = %at, records, "the copy holds more than was known, going on behind it");
            }
            Some(Err(reason)) if self.context.mirror.is_only_writer(&at.topic) => {
                self.context
                    .metrics
                    .error(&self.context.mirror.name, Stage::Offsets, "Unmatched");
                tracing::warn!(partition = %at, reason, "the copy holds more than was known, records may be repeated");
            }
            _ => {}
        }
    }

    /// Lets others translate by the map of a partition that is here.
    fn register(&self, at: &TopicPartition, map: &SharedMap) {
        let target_topic = self.topic(&at.topic).names.target_topic.as_str().into();
        let registered = Registered {
            target_topic,
            map: map.clone(),
        };
        self.context.maps.add(at.clone(), registered);
    }

    /// Lets a partition stand still: there is nothing to start.
    fn hold(
        &mut self,
        at: TopicPartition,
        place: Place,
        state: State,
        reason: &str,
    ) -> Option<Start> {
        stand_still(&at, &place.seat, state, reason);
        place.seat.set_held_up(true);
        self.lanes.hold(at, place);
        None
    }

    fn start_lane(&mut self, start: Start, gate: watch::Receiver<bool>) {
        let topic = self.topic(&start.at.topic);
        let fence = start.place.fence.clone();
        let fence = fence.filter(|fence| !fence.is_done());
        let (writer, acks) = topic.target.partition(start.at.partition, fence.clone());
        let (stop, stopped) = watch::channel(None);
        let caution = Caution {
            limits: topic.limits.clone(),
            producer_batch: topic.target.batch_bytes(),
            through: self.retries.careful_through(&start.at),
        };
        let flight = Flight::new(
            Arc::clone(&start.place.seat),
            Arc::clone(&topic.board),
            caution,
            self.context.mirror.on_rejected,
            start.place.map.clone(),
            fence,
            !self.context.mirror.is_only_writer(&start.at.topic),
        );
        let reads_from = start.reads_from();
        let intake = Intake::new(
            start.at.clone(),
            Arc::clone(&self.member),
            self.context.express.clone(),
            start.queue,
            reads_from,
            start.log_end,
        );
        let lane = Lane {
            intake,
            witness: start.witness,
            left_out: LeftOut::of(&self.context.mirror, &start.at.topic),
            writer,
            acks,
            lease: self.lease.holder(),
            gate,
            stop: stopped,
            flight,
        };
        self.lanes.start(start.at, start.place, lane, stop);
    }
}

/// By which record the log is known again before a partition goes on: unless its beginning tells already that the log is
/// another one, or that the record is gone; or an operator says where to go on.
fn witness(map: &SharedMap, begin: Begin, observed: &Observed) -> Option<Witness> {
    let committed = observed.committed.as_ref();
    let is_ours = committed.is_none_or(|held| held.mark.is_ours());
    let goes_on = is_ours && matches!(begin, Begin::At(_));
    let witness = map.lock().witness().filter(|_| goes_on);
    witness.filter(|witness| witness.offset >= observed.log_start)
}

/// What this process knows better than a commit.
fn known_of(place: &Place) -> Known {
    Known {
        position: Some(place.seat.reading_position()),
        counted_in: place.counted_in.clone(),
        copy_id: place.copy_id.clone(),
        mapped_to: None,
        target_end: place.is_mapping.then(|| place.map.lock().target_end()),
    }
}

/// A partition about to flow.
struct Start {
    at: TopicPartition,
    position: Position,
    witness: Option<Witness>,
    log_end: SourceOffset,
    place: Place,
    queue: PartitionQueue,
}

impl Start {
    /// Where reading begins: at the witness, so that no request of its own is needed to see it.
    fn reads_from(&self) -> Position {
        let witness = self.witness.map(|witness| witness.offset);
        Position {
            offset: witness.unwrap_or(self.position.offset),
            ..self.position
        }
    }

    /// A position that the log holds: of one beyond its end, the validation shall say where the history parts, not the
    /// first fetch that it does not exist.
    fn held(&self) -> Position {
        let from = self.reads_from();
        Position {
            offset: from.offset.min(self.log_end),
            ..from
        }
    }
}
