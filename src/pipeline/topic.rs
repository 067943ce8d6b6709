//! Runs one topic: answers the group's events, starts lanes, commits what they acknowledge, drains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument;

use super::begin::{Begin, Observed, begin};
use super::flight::Flight;
use super::lane::{End, Lane, SETTLE, Trouble};
use super::lanes::{Lanes, Stopped};
use super::member::{Event, Member, Prefetch};
use super::observe::Question;
use crate::board::{Seat, TopicBoard};
use crate::budget::Budget;
use crate::clusters::Inspector;
use crate::config::{self, OnDivergence, OnGap};
use crate::deadline::{Deadline, DrainOutcome};
use crate::librdkafka::queue::PartitionQueue;
use crate::metrics::{Metrics, Skipped, Stage};
use crate::offset::SourceOffset;
use crate::status::State;
use crate::target::TargetTopic;

/// How long a partition waits after a failure that may pass, before it is read again from its position.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// What to copy, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name on the source.
    pub source_topic: String,
    /// Name on the target.
    pub target_topic: String,
    /// Consumer group on the source.
    pub group: String,
}

/// What the pipelines of one mirror share.
#[derive(Clone)]
pub struct Context {
    /// The mirror's part of the configuration.
    pub mirror: Arc<config::Mirror>,
    /// The source cluster.
    pub source: Arc<config::Cluster>,
    /// Asks the source.
    pub inspector: Inspector,
    /// Bytes between source and target.
    pub budget: Arc<Budget>,
    /// Counters of errors.
    pub metrics: Metrics,
    /// Bytes that librdkafka may prefetch.
    pub prefetch: Prefetch,
}

/// A running pipeline.
pub struct Pipeline {
    stop: watch::Sender<Option<Deadline>>,
    task: JoinHandle<DrainOutcome>,
}

impl Pipeline {
    /// Joins the group and starts copying.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the consumer's configuration.
    pub fn start(
        context: Context,
        plan: Plan,
        target: TargetTopic,
        board: Arc<TopicBoard>,
    ) -> KafkaResult<Self> {
        let (member, events) = Member::join(
            &context.source,
            &plan.group,
            &plan.source_topic,
            context.prefetch,
        )?;
        let (stop, stopped) = watch::channel(None);
        let span = tracing::info_span!(
            "topic",
            mirror = context.mirror.name,
            topic = plan.source_topic
        );
        let topic = Topic {
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
        };
        let task = tokio::spawn(topic.run(events, stopped).instrument(span));
        Ok(Self { stop, task })
    }

    /// Tells it to drain by `deadline`.
    pub fn stop(&self, deadline: Deadline) {
        self.stop.send_replace(Some(deadline));
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// When it panicked.
    pub async fn join(self) -> DrainOutcome {
        self.task.await.expect("a pipeline does not panic")
    }

    /// Whether it ended without being told to, which only a panic does.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

/// Counts assignments, so that an answer that comes late is told from the one that is waited for.
type Assignment = u64;

/// Why partitions begin, and in which assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The group gave them, and waits for an answer.
    Assigned(Assignment),
    /// Their lanes ended in trouble that may have passed.
    Restarted(Assignment),
}

struct Topic {
    context: Context,
    plan: Plan,
    target: TargetTopic,
    board: Arc<TopicBoard>,
    member: Arc<Member>,
    lanes: Lanes,
    /// Partitions that the group gave to this member.
    owned: BTreeMap<i32, Assignment>,
    /// Those of them that librdkafka reads.
    assigned: BTreeSet<i32>,
    assignments: Assignment,
    /// Partitions whose beginning is being asked for.
    beginnings: JoinSet<(Cause, Vec<(i32, Observed)>)>,
    /// Partitions whose lanes ended in trouble, waiting for their delay.
    restarts: JoinSet<i32>,
}

impl Topic {
    async fn run(
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
                self.commit_now(stopped.positions, Instant::now() + SETTLE)
                    .await;
                self.unassign(&partitions);
                tracing::info!(?partitions, "partitions revoked");
            }
            Event::Lost(partitions) => {
                self.board.metrics().rebalances.inc();
                // I6: the group may have given them to another member already.
                self.release(&partitions, Instant::now()).await;
                self.unassign(&partitions);
                tracing::warn!(?partitions, "partitions lost");
            }
            Event::Committed(positions) => self.lanes.committed(&positions),
            Event::CommitFailed(error) => {
                // The next tick commits again, with what is acknowledged by then.
                let code = error.rdkafka_error_code();
                if code != Some(RDKafkaErrorCode::NoOffset) {
                    self.context
                        .metrics
                        .error(&self.context.mirror.name, Stage::Commit, code);
                    tracing::warn!(%error, "commit refused");
                }
            }
        }
    }

    /// Takes partitions over: asks where each begins.
    fn own(&mut self, partitions: &[i32]) {
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
    fn restart(&mut self, partition: i32) {
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
    fn assign(&mut self, cause: Cause, observed: Vec<(i32, Observed)>) {
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
        for Start {
            partition,
            position,
            seat,
            queue,
        } in starts
        {
            self.assigned.insert(partition);
            seat.set_standing(State::Running, None);
            self.start_lane(partition, position, seat, queue);
        }
    }

    /// Seats a partition, and says where to start it unless it has to stand still.
    fn seat(&mut self, partition: i32, observed: Observed) -> Option<Start> {
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
            self.lanes.hold(partition, seat);
            return None;
        }
        queue.map(|queue| Start {
            partition,
            position,
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

    fn start_lane(
        &mut self,
        partition: i32,
        position: SourceOffset,
        seat: Arc<Seat>,
        queue: PartitionQueue,
    ) {
        let (writer, acks) = self.target.partition(partition);
        let (stop, stopped) = watch::channel(None);
        let board = Arc::clone(&self.board);
        let flight = Flight::from(position, seat, board, self.context.mirror.on_rejected);
        let lane = Lane {
            queue,
            writer,
            acks,
            stop: stopped,
            flight,
        };
        self.lanes.start(partition, lane, stop);
    }

    /// Notes why a lane ended by itself; where the cause may pass, lets it begin again after a while.
    fn lane_ended(&mut self, partition: i32, seat: &Seat, end: End) {
        let End::Trouble(trouble) = end else { return };
        let (stage, state, delay) = match &trouble {
            Trouble::OutOfRange(_) => (Stage::Consume, State::Paused, Some(Duration::ZERO)),
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
        partitions
            .iter()
            .for_each(|partition| self.board.unseat(*partition));
        stopped
    }

    /// Stops reading partitions; an empty list answers the group all the same.
    fn unassign(&mut self, partitions: &[i32]) {
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
        if !positions.is_empty()
            && let Err(error) = self.member.commit(&positions)
        {
            tracing::debug!(%error, "no group to commit to");
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
        let committed = self.commit_now(stopped.positions, deadline.end).await;
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

/// A partition about to flow.
struct Start {
    partition: i32,
    position: SourceOffset,
    seat: Arc<Seat>,
    queue: PartitionQueue,
}
