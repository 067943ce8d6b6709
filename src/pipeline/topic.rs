//! Runs one topic: answers the group's events, commits what its lanes acknowledge, drains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::begin::Observed;
use super::handle::{Context, Plan};
use super::lane::{End, SETTLE, Trouble};
use super::lanes::{Lanes, Progress, Stopped};
use super::member::{Event, Member};
use super::starting::{Assignment, Cause};
use crate::board::{Seat, TopicBoard};
use crate::deadline::{Deadline, DrainOutcome};
use crate::librdkafka::commit::Answer;
use crate::metrics::Stage;
use crate::offset::SourceOffset;
use crate::status::State;
use crate::target::TargetTopic;

/// How long a partition waits after a failure that may pass, before it is read again from its position.
const RESTART_DELAY: Duration = Duration::from_secs(1);

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
    pub(super) beginnings: JoinSet<(Cause, Vec<(i32, Observed)>)>,
    /// Partitions whose lanes ended in trouble, waiting for their delay.
    pub(super) restarts: JoinSet<i32>,
    /// How far partitions had come that were given back or lost.
    pub(super) left: BTreeMap<i32, Progress>,
    /// Whether a commit waits for its answer; the next one waits for that, too.
    pub(super) committing: bool,
}

impl Topic {
    /// Joined, and nothing assigned yet.
    pub fn new(
        context: Context,
        plan: Plan,
        target: TargetTopic,
        board: Arc<TopicBoard>,
        member: Member,
    ) -> Self {
        Self {
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
            committing: false,
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
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(event) = events.recv() => self.answer(event).await,
                Some(begun) = self.beginnings.join_next() => {
                    let (cause, observed) = begun.expect("observing does not panic");
                    self.assign(cause, observed);
                }
                (partition, seat, end) = self.lanes.ended() => self.lane_ended(partition, &seat, end),
                answer = member.commit_answer() => self.committed(&answer),
                _ = commits.tick() => self.commit(),
                error = member.serve() => {
                    self.context.metrics.error(&self.context.mirror.name, Stage::Consume, error.rdkafka_error_code());
                    tracing::debug!(%error, "the source reports an error");
                }
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

    async fn answer(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
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

    /// Takes note of what became of a commit; what was refused is committed again with the next tick.
    fn committed(&mut self, answer: &Answer) {
        self.committing = false;
        let taken = answer.taken.iter();
        let taken: Vec<_> = taken
            .map(|(partition, offset)| (*partition, SourceOffset::new(*offset)))
            .collect();
        self.lanes.committed(&taken);
        if let Some(code) = answer.refused {
            let metrics = &self.context.metrics;
            metrics.error(&self.context.mirror.name, Stage::Commit, code);
            tracing::warn!(%code, "commit refused");
        }
    }

    /// Notes why a lane ended by itself; where the cause may pass, lets it begin again after a while.
    fn lane_ended(&mut self, partition: i32, seat: &Seat, end: End) {
        let End::Trouble(trouble) = end else { return };
        let (stage, state, delay) = match &trouble {
            Trouble::OutOfRange { .. } => (Stage::Consume, State::Paused, Some(Duration::ZERO)),
            Trouble::NotRead(_) => (Stage::Consume, State::Paused, Some(RESTART_DELAY)),
            Trouble::NotWritten { .. } => (Stage::Produce, State::Paused, Some(RESTART_DELAY)),
            Trouble::Rejected { .. } => (Stage::Produce, State::Rejected, None),
        };
        let metrics = &self.context.metrics;
        metrics.error(&self.context.mirror.name, stage, trouble.code());
        if seat.set_standing(state, Some(trouble.to_string())) {
            tracing::error!(partition, %state, reason = %trouble, "partition stands still");
        }
        if let Some(delay) = delay {
            self.restarts.spawn(async move {
                tokio::time::sleep(delay).await;
                partition
            });
        }
    }

    /// Stops lanes and takes their partitions off the board.
    async fn release(&mut self, partitions: &[i32], deadline: Instant) -> Stopped {
        for partition in partitions {
            self.owned.remove(partition);
        }
        let stopped = self.lanes.stop(partitions, deadline).await;
        self.left.extend(stopped.progress.iter().copied());
        partitions
            .iter()
            .for_each(|partition| self.board.unseat(*partition));
        stopped
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

    fn commit(&mut self) {
        for (partition, seat) in self.lanes.seats() {
            if let Some(end) = self.member.log_end(partition) {
                seat.see_source_end(end);
            }
        }
        let positions = self.lanes.uncommitted();
        if positions.is_empty() || self.committing {
            return;
        }
        match self.member.commit(&positions) {
            Ok(()) => self.committing = true,
            Err(error) => tracing::debug!(%error, "no group to commit to"),
        }
    }

    /// Commits and waits for the answer, up to the deadline. Answers whether the group took it.
    async fn commit_now(&self, positions: Vec<(i32, SourceOffset)>, deadline: Instant) -> bool {
        if positions.is_empty() {
            return true;
        }
        let member = Arc::clone(&self.member);
        let commit = tokio::task::spawn_blocking(move || member.commit_now(&positions));
        match tokio::time::timeout_at(deadline, commit).await {
            Ok(Ok(Ok(()))) => return true,
            Ok(Ok(Err(error))) => {
                let code = error.rdkafka_error_code();
                self.context
                    .metrics
                    .error(&self.context.mirror.name, Stage::Commit, code);
                tracing::warn!(%error, "commit refused");
            }
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => tracing::warn!("commit not answered in time"),
        }
        false
    }

    /// I7: settles, commits and leaves the group, all by one deadline.
    async fn drain(mut self, deadline: Deadline) -> DrainOutcome {
        self.beginnings.shutdown().await;
        self.restarts.shutdown().await;
        let all = self.lanes.all();
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
