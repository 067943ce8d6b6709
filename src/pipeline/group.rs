//! Runs one membership: answers the group's events, commits what its lanes acknowledge, drains.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::asking::Beginning;
use super::committing::Committing;
use super::handle::Context;
use super::lane::SETTLE;
use super::lanes::{Lanes, Place, Stopped};
use super::lease::Lease;
use super::reading::{Event, Member};
use super::starting::Assignment;
use super::topic::{Topic, Topics};
use super::trouble::Retries;
use crate::board::{Seat, Standing};
use crate::clusters::TopicPartition;
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Stage;
use crate::status::State;

/// Longest wait for the source to show its topics.
const LOOK: Duration = Duration::from_secs(5);

/// One member of a consumer group, and the partitions that the group gives to it.
pub struct Group {
    pub(super) context: Context,
    pub(super) member: Arc<Member>,
    /// The topics to copy, as discovery sees them.
    wanted: watch::Receiver<Topics>,
    /// Those that librdkafka was told.
    subscribed: BTreeSet<Arc<str>>,
    /// All that were ever wanted: the group may still give partitions of one that is wanted no more.
    topics: Topics,
    pub(super) lanes: Lanes,
    /// Partitions that the group gave to this member.
    pub(super) owned: BTreeMap<TopicPartition, Assignment>,
    /// Those of them that librdkafka reads.
    pub(super) assigned: BTreeSet<TopicPartition>,
    pub(super) assignments: Assignment,
    /// Partitions whose beginning is being asked for.
    pub(super) beginnings: JoinSet<Beginning>,
    /// Whether a cluster did not answer when this was asked last.
    pub(super) is_unanswered: bool,
    /// Writes where the maps of partitions begin, before their first record.
    pub(super) map_beginnings: JoinSet<()>,
    /// Partitions that are to begin once more, waiting for their delay.
    pub(super) restarts: JoinSet<Vec<(TopicPartition, Assignment)>>,
    /// The seats of the partitions that are owned.
    seats: BTreeMap<TopicPartition, Arc<Seat>>,
    /// What belonged to partitions that were given back or lost, for when they come back.
    pub(super) left: BTreeMap<TopicPartition, Place>,
    pub(super) retries: Retries,
    pub(super) committing: Committing,
    pub(super) lease: Lease,
}

impl Group {
    /// Wants nothing yet.
    pub fn new(context: Context, member: Member, wanted: watch::Receiver<Topics>) -> Self {
        Self {
            lease: Lease::new(member.grace()),
            context,
            member: Arc::new(member),
            wanted,
            subscribed: BTreeSet::new(),
            topics: Topics::new(),
            lanes: Lanes::default(),
            owned: BTreeMap::new(),
            assigned: BTreeSet::new(),
            assignments: 0,
            beginnings: JoinSet::new(),
            is_unanswered: false,
            map_beginnings: JoinSet::new(),
            restarts: JoinSet::new(),
            seats: BTreeMap::new(),
            left: BTreeMap::new(),
            retries: Retries::default(),
            committing: Committing::default(),
        }
    }

    /// Runs until it is told to stop, then drains.
    pub async fn run(
        mut self,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut stop: watch::Receiver<Option<Deadline>>,
    ) -> DrainOutcome {
        let member = Arc::clone(&self.member);
        let mut commits = tokio::time::interval(self.context.mirror.commit_interval);
        commits.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = tokio::time::interval(member.session_timeout() / 5);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(event) = events.recv() => self.answer(event).await,
                Some(begun) = self.map_beginnings.join_next() => begun.expect("writing does not panic"),
                Some(begun) = self.beginnings.join_next() => {
                    self.begin(begun.expect("observing does not panic")).await;
                }
                (at, seat, end) = self.lanes.ended() => self.lane_ended(&at, &seat, end),
                answer = member.commit_answer() => self.committed(&answer),
                saved = self.committing.saved() => self.saved(saved),
                _ = looks.tick() => self.look_at_the_clock(),
                _ = commits.tick() => self.commit(),
                Ok(()) = self.wanted.changed() => self.follow().await,
                error = member.serve() => self.source_error(&error),
                // Behind the group's own events, those too that have come just now: taking a partition back while one of
                // them waits for its answer would be that answer.
                Some(due) = self.restarts.join_next() => {
                    let due = due.expect("a delay does not panic");
                    if events.is_empty() {
                        self.restart_due(due);
                    } else {
                        self.restarts.spawn(std::future::ready(due));
                    }
                }
            }
        }
        drop(member);
        let deadline = *stop.borrow();
        // Without one, the owner is gone, and with it the reason to wait.
        let deadline = deadline.unwrap_or_else(|| Deadline::within(Duration::ZERO));
        self.drain(deadline).await
    }

    /// The topic of this name, of which the group gave partitions.
    ///
    /// # Panics
    ///
    /// When it was never asked for.
    pub(super) fn topic(&self, name: &str) -> &Topic {
        let topic = self.topics.get(name);
        topic.expect("the group gives partitions of topics that were asked for")
    }

    /// Follows what discovery sees: topics that come and go, grow, or are created anew.
    async fn follow(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        let before = |name: &Arc<str>| self.topics.get(name);
        let is_grown = |(name, topic): (&Arc<str>, &Topic)| {
            before(name).is_some_and(|before| before.partitions < topic.partitions)
        };
        let is_renewed = |(name, topic): &(&Arc<str>, &Topic)| {
            before(name).is_some_and(|before| before.source_id != topic.source_id)
        };
        let has_grown = wanted.iter().any(is_grown);
        let renewed = wanted.iter().filter(is_renewed);
        let renewed: Vec<_> = renewed.map(|(name, _)| Arc::clone(name)).collect();
        if !wanted.keys().eq(&self.subscribed) {
            self.subscribe(&wanted);
        } else if has_grown {
            self.look_at_topics();
        }
        self.topics.extend(wanted);
        for name in renewed {
            self.source_seen(&name).await;
        }
    }

    fn subscribe(&mut self, wanted: &Topics) {
        let names: Vec<&str> = wanted.keys().map(|name| &**name).collect();
        if let Err(error) = self.member.subscribe(&names) {
            tracing::error!(%error, "librdkafka refuses the subscription");
        }
        self.subscribed = wanted.keys().cloned().collect();
    }

    /// Has new partitions shared out soon.
    fn look_at_topics(&self) {
        let member = Arc::clone(&self.member);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = member.look_at_topics(LOOK) {
                tracing::debug!(%error, "new partitions are shared out later");
            }
        });
    }

    /// Takes note of an error that is about no partition in particular: before the first is assigned, it is the reason.
    fn source_error(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        let code = code.unwrap_or(RDKafkaErrorCode::Unknown);
        let mirror = &self.context.mirror.name;
        self.context.metrics.error(mirror, Stage::Consume, code);
        tracing::debug!(%error, "the source reports an error");
        if !self.owned.is_empty() {
            return;
        }
        let standing = Standing {
            state: State::Starting,
            reason: Some(format!("no partition is assigned yet: {error}")),
        };
        let wanted = self.wanted.borrow();
        // Others of the same process may have partitions of a topic.
        let waiting = wanted.values().filter(|topic| !topic.board.is_seated());
        let news = waiting.filter(|topic| topic.board.set_standing(Some(standing.clone())));
        // That no broker answers is said once for the cluster, not for each of its groups.
        if news.count() > 0 && code != RDKafkaErrorCode::AllBrokersDown {
            tracing::warn!(%error, "no partition is assigned yet");
        }
    }

    async fn answer(&mut self, event: Event) {
        let (Event::Assigned(partitions) | Event::Revoked(partitions) | Event::Lost(partitions)) =
            &event;
        self.count_rebalance(partitions);
        let named = Named(partitions).to_string();
        match event {
            Event::Assigned(partitions) => {
                for topic in self.wanted.borrow().values() {
                    topic.board.set_standing(None);
                }
                match partitions.is_empty() {
                    true => tracing::debug!("rebalanced, no partition was added"),
                    false => tracing::info!(partitions = named, "partitions assigned"),
                }
                self.own(&partitions);
            }
            Event::Revoked(partitions) => {
                let stopped = self.release(&partitions, Instant::now() + SETTLE).await;
                // What waited for the target was not stopped.
                self.look_at_the_clock();
                self.commit_stopped(&stopped, Instant::now() + SETTLE).await;
                self.unassign(&partitions);
                tracing::info!(partitions = named, "partitions revoked");
            }
            Event::Lost(partitions) => {
                // I6: the group may have given them to another member already, so nothing is committed; but
                // what was sent is worth knowing about, should they come back.
                self.release(&partitions, Instant::now() + SETTLE).await;
                self.unassign(&partitions);
                tracing::warn!(partitions = named, "partitions lost");
            }
        }
    }

    fn count_rebalance(&self, partitions: &[TopicPartition]) {
        let topics: BTreeSet<_> = partitions.iter().map(|at| &at.topic).collect();
        let topics = topics.into_iter().filter_map(|name| self.topics.get(name));
        topics.for_each(|topic| topic.board.metrics().rebalances.inc());
    }

    /// Stops lanes and takes their partitions off the board.
    async fn release(&mut self, partitions: &[TopicPartition], deadline: Instant) -> Stopped {
        for at in partitions {
            self.owned.remove(at);
            self.retries.forget(at);
        }
        self.committing.forget(partitions);
        let stopped = self.lanes.stop(partitions, deadline).await;
        for (at, place) in &stopped.places {
            self.context.maps.remove(at, &place.map);
        }
        self.left.extend(stopped.places.iter().cloned());
        for at in partitions {
            if let Some(seat) = self.seats.remove(at) {
                self.topic(&at.topic).board.unseat(&seat);
            }
        }
        stopped
    }

    /// The seat of a partition that is owned.
    pub(super) fn seat_of(&mut self, at: &TopicPartition) -> Arc<Seat> {
        if let Some(seat) = self.seats.get(at) {
            return Arc::clone(seat);
        }
        let board = &self.topic(&at.topic).board;
        let seat = board.seat(at.partition, &self.context.budget);
        self.seats.insert(at.clone(), Arc::clone(&seat));
        seat
    }

    /// Whether another member in this process has the partition still, and does not know that it lost it.
    pub(super) fn is_held_elsewhere(&self, at: &TopicPartition) -> bool {
        let seated = self.topic(&at.topic).board.seated(at.partition);
        let own = self.seats.get(at);
        seated.is_some_and(|seat| own.is_none_or(|own| !Arc::ptr_eq(own, &seat)))
    }

    /// Stops partitions whose positions count in a topic that another one has taken the name of, and looks anew where
    /// they begin.
    async fn source_seen(&mut self, name: &Arc<str>) {
        let now = self
            .topics
            .get(name)
            .and_then(|topic| topic.source_id.clone());
        let places = self.lanes.places();
        let stale = places.filter(|(at, place)| {
            at.topic == *name
                && place.counted_in.is_some()
                && place.counted_in != now
                && place.seat.standing().state != State::Diverged
        });
        let stale: Vec<_> = stale.map(|(at, _)| at.clone()).collect();
        if stale.is_empty() {
            return;
        }
        tracing::warn!(
            topic = &**name,
            "the source topic was deleted and created anew"
        );
        self.lanes.halt(&stale, Instant::now() + SETTLE).await;
        self.restart_after(Duration::ZERO, stale);
    }

    /// Stops reading partitions; an empty list answers the group all the same.
    pub(super) fn unassign(&mut self, partitions: &[TopicPartition]) {
        let assigned = partitions.iter().cloned();
        let assigned: Vec<_> = assigned.filter(|at| self.assigned.remove(at)).collect();
        if let Err(error) = self.member.unassign(&assigned) {
            tracing::debug!(%error, "the assignment is gone already");
        }
    }

    /// I7: settles, commits and leaves the group, all by one deadline.
    async fn drain(mut self, deadline: Deadline) -> DrainOutcome {
        self.beginnings.shutdown().await;
        self.restarts.shutdown().await;
        self.map_beginnings.shutdown().await;
        let all: Vec<_> = self.owned.keys().cloned().collect();
        let stopped = self.release(&all, deadline.settle).await;
        let committed = self.commit_stopped(&stopped, deadline.end).await;
        self.member.leave();
        let member = self.member;
        // Leaving tells the coordinator, which blocks.
        let left = tokio::task::spawn_blocking(move || drop(member));
        if tokio::time::timeout_at(deadline.end, left).await.is_err() {
            tracing::warn!("the group was not left in time");
        }
        match stopped.settled && committed {
            true => DrainOutcome::Clean,
            false => DrainOutcome::DeadlinePassed,
        }
    }
}

/// Partitions in a log line, which names some of many.
pub(super) struct Named<'a>(pub(super) &'a [TopicPartition]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for (index, at) in self.0.iter().take(SHOWN).enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{at}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_names_some_of_many_partitions() {
        let partitions: Vec<_> = (0..22).map(|at| TopicPartition::new("t", at)).collect();
        assert_eq!(Named(&partitions[..2]).to_string(), "t/0 t/1");
        assert!(Named(&partitions).to_string().ends_with("t/19 and 2 more"));
    }
}
