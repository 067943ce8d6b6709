//! Runs one topic: answers the group's events, commits what its lanes acknowledge, drains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::asking::Beginning;
use super::committing::Committing;
use super::handle::{Context, Plan};
use super::lane::SETTLE;
use super::lanes::{Lanes, Progress, Stopped};
use super::lease::Lease;
use super::member::{Event, Member};
use super::starting::Assignment;
use super::trouble::Retries;
use crate::board::{Standing, TopicBoard};
use crate::clusters::TopicId;
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Stage;
use crate::status::State;
use crate::target::{Limits, TargetTopic};

/// What discovery sees of the topic while it is mirrored.
pub struct Sight {
    /// Which topic bears the name on the source.
    pub source_id: watch::Receiver<Option<TopicId>>,
    /// What the target topic takes.
    pub limits: watch::Receiver<Limits>,
}

/// One topic while it is mirrored.
pub struct Topic {
    pub(super) context: Context,
    pub(super) plan: Plan,
    pub(super) target: TargetTopic,
    pub(super) board: Arc<TopicBoard>,
    pub(super) member: Arc<Member>,
    pub(super) lanes: Lanes,
    /// Partitions that the group gave to this member.
    pub(super) owned: BTreeMap<i32, Assignment>,
    /// Those of them that librdkafka reads.
    pub(super) assigned: BTreeSet<i32>,
    pub(super) assignments: Assignment,
    /// Partitions whose beginning is being asked for.
    pub(super) beginnings: JoinSet<Beginning>,
    /// Partitions whose lanes ended in trouble, waiting for their delay.
    pub(super) restarts: JoinSet<i32>,
    /// How far partitions had come that were given back or lost.
    pub(super) left: BTreeMap<i32, Progress>,
    pub(super) retries: Retries,
    pub(super) committing: Committing,
    pub(super) lease: Lease,
    pub(super) sight: Sight,
}

impl Topic {
    /// Joined, and nothing assigned yet.
    pub fn new(
        context: Context,
        plan: Plan,
        target: TargetTopic,
        board: Arc<TopicBoard>,
        member: Member,
        sight: Sight,
    ) -> Self {
        Self {
            lease: Lease::new(member.session_timeout()),
            context,
            plan,
            target,
            board,
            member: Arc::new(member),
            lanes: Lanes::default(),
            owned: BTreeMap::new(),
            assigned: BTreeSet::new(),
            assignments: 0,
            beginnings: JoinSet::new(),
            restarts: JoinSet::new(),
            left: BTreeMap::new(),
            retries: Retries::default(),
            committing: Committing::default(),
            sight,
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
                Some(begun) = self.beginnings.join_next() => {
                    self.begin(begun.expect("observing does not panic")).await;
                }
                (partition, seat, end) = self.lanes.ended() => self.lane_ended(partition, &seat, end),
                answer = member.commit_answer() => self.committed(&answer),
                _ = looks.tick() => self.look_at_the_clock(),
                _ = commits.tick() => self.commit(),
                Ok(()) = self.sight.source_id.changed() => self.source_seen().await,
                error = member.serve() => self.source_error(&error),
                // Behind the group's own events: taking a partition back while one of them waits for its
                // answer would be that answer.
                Some(partition) = self.restarts.join_next(), if events.is_empty() => {
                    self.restart(partition.expect("a delay does not panic"));
                }
            }
        }
        drop(member);
        let deadline = *stop.borrow();
        // Without one, the owner is gone, and with it the reason to wait.
        let deadline = deadline.unwrap_or_else(|| Deadline::within(Duration::ZERO));
        self.drain(deadline).await
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
        if self.board.set_standing(Some(standing)) {
            tracing::warn!(%error, "no partition is assigned yet");
        }
    }

    async fn answer(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                self.board.set_standing(None);
                self.board.metrics().rebalances.inc();
                tracing::info!(?partitions, "partitions assigned");
                self.own(&partitions);
            }
            Event::Revoked(partitions) => {
                self.board.metrics().rebalances.inc();
                let stopped = self.release(&partitions, Instant::now() + SETTLE).await;
                self.commit_now(stopped.uncommitted(), Instant::now() + SETTLE)
                    .await;
                self.unassign(&partitions);
                tracing::info!(?partitions, "partitions revoked");
            }
            Event::Lost(partitions) => {
                self.board.metrics().rebalances.inc();
                // I6: the group may have given them to another member already, so nothing is committed; but
                // what was sent is worth knowing about, should they come back.
                self.release(&partitions, Instant::now() + SETTLE).await;
                self.unassign(&partitions);
                tracing::warn!(?partitions, "partitions lost");
            }
        }
    }

    /// Stops lanes and takes their partitions off the board.
    async fn release(&mut self, partitions: &[i32], deadline: Instant) -> Stopped {
        for partition in partitions {
            self.owned.remove(partition);
            self.retries.forget(*partition);
        }
        let stopped = self.lanes.stop(partitions, deadline).await;
        self.left.extend(stopped.progress.iter().cloned());
        partitions
            .iter()
            .for_each(|partition| self.board.unseat(*partition));
        stopped
    }

    /// Stops partitions whose positions count in a topic that another one has taken the name of, and looks anew where
    /// they begin.
    async fn source_seen(&mut self) {
        let now = self.sight.source_id.borrow_and_update().clone();
        let places = self.lanes.places();
        let stale = places.filter(|(_, place)| {
            place.counted_in.is_some()
                && place.counted_in != now
                && place.seat.standing().state != State::Diverged
        });
        let stale: Vec<i32> = stale.map(|(partition, _)| partition).collect();
        if stale.is_empty() {
            return;
        }
        tracing::warn!("the source topic was deleted and created anew");
        self.lanes.halt(&stale, Instant::now() + SETTLE).await;
        stale
            .into_iter()
            .for_each(|partition| self.restart(partition));
    }

    /// Stops reading partitions; an empty list answers the group all the same.
    pub(super) fn unassign(&mut self, partitions: &[i32]) {
        let assigned = partitions.iter().copied();
        let assigned: Vec<i32> = assigned
            .filter(|partition| self.assigned.remove(partition))
            .collect();
        if let Err(error) = self.member.unassign(&assigned) {
            tracing::debug!(%error, "the assignment is gone already");
        }
    }

    /// I7: settles, commits and leaves the group, all by one deadline.
    async fn drain(mut self, deadline: Deadline) -> DrainOutcome {
        self.beginnings.shutdown().await;
        self.restarts.shutdown().await;
        let all: Vec<i32> = self.owned.keys().copied().collect();
        let stopped = self.release(&all, deadline.settle).await;
        let committed = self.commit_now(stopped.uncommitted(), deadline.end).await;
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
