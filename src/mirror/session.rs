//! Keeps one pipeline per planned topic running, for as long as the mirror's producer lives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use super::discovery::{Discovery, REQUEST_TIMEOUT};
use super::pipelines::{Pipelines, Sight};
use super::plan::{Action, TopicPlan};
use super::producers::Producers;
use crate::board::{MirrorBoard, Standing, TopicBoard};
use crate::budget::Budget;
use crate::clusters::{Inspector, TopicId, TopicPartition};
use crate::config::{self, Config, HEARTBEATS_TOPIC};
use crate::deadline::{Deadline, DrainOutcome};
use crate::heartbeats::{Ends, Heartbeats, Pulse};
use crate::metrics::{Metrics, Stage};
use crate::offset::SourceOffset;
use crate::pipeline::{self, Plan, Prefetch};
use crate::status::State;
use crate::target::Limits;

/// How long pipelines may take to stop while the mirror goes on: a topic that vanished, a new producer.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What all mirrors of the process share.
#[derive(Clone)]
pub struct Shared {
    /// Bytes between sources and targets.
    pub budget: Arc<Budget>,
    /// Bytes that the consumers of one mirror may prefetch.
    pub prefetch: u64,
    /// All metrics.
    pub metrics: Metrics,
}

/// The handle of a running mirror.
pub struct Mirror {
    board: Arc<MirrorBoard>,
    pulse: Arc<Pulse>,
    stop: watch::Sender<Option<Deadline>>,
}

impl Mirror {
    /// Starts mirroring, as one more of `tasks`. An unreachable cluster is no error: it is asked again and
    /// again.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of one of the two clusters.
    pub fn start(
        config: &Config,
        mirror: &config::Mirror,
        shared: Shared,
        tasks: &mut JoinSet<DrainOutcome>,
    ) -> anyhow::Result<Self> {
        let cluster = |name: &str| {
            let cluster = config.clusters.get(name);
            cluster.with_context(|| format!("cluster {name} is not configured"))
        };
        let (source, target) = (cluster(&mirror.source)?, cluster(&mirror.target)?);
        let id = format!("kmirror-{}", mirror.name);
        let look = Inspector::open(source, &id, REQUEST_TIMEOUT)?;
        let look_at_target = Inspector::open(target, &id, REQUEST_TIMEOUT)?;
        let board = MirrorBoard::new(
            &mirror.name,
            &mirror.source,
            &mirror.target,
            shared.metrics.clone(),
        );
        let board = Arc::new(board);
        let span = tracing::info_span!("mirror", mirror = mirror.name);
        let pulse = Arc::new(Pulse::new(&mirror.name, shared.metrics.clone()));
        let ends = Ends {
            source: (source, look.clone()),
            target: (target, look_at_target.clone()),
        };
        let heartbeats = span.in_scope(|| {
            let (mirror, pulse) = (Arc::new(mirror.clone()), Arc::clone(&pulse));
            Heartbeats::start(&mirror, ends, &shared.metrics, pulse)
        })?;
        let (stop, stopped) = watch::channel(None);
        let producers = Producers::open(target, mirror);
        let producers = producers.with_context(|| format!("clusters.{}", target.name))?;
        let metrics = shared.metrics;
        let mirror = Arc::new(mirror.clone());
        let context = pipeline::Context {
            mirror: Arc::clone(&mirror),
            source: Arc::new(source.clone()),
            inspector: look.clone(),
            target: look_at_target.clone(),
            budget: shared.budget,
            metrics: metrics.clone(),
            prefetch: Prefetch::default(),
        };
        let session = Session {
            heartbeats,
            discovery: Discovery::new(
                (*mirror).clone(),
                look.clone(),
                look_at_target,
                metrics.clone(),
            ),
            producers,
            pipelines: Pipelines::new(context),
            prefetch: shared.prefetch,
            board: Arc::clone(&board),
            source_ids: BTreeMap::new(),
            source: look,
            metrics,
            mirror: Arc::clone(&mirror),
        };
        tasks.spawn(session.run(stopped).instrument(span));
        Ok(Self { board, pulse, stop })
    }

    /// Its place on the board.
    pub fn board(&self) -> &Arc<MirrorBoard> {
        &self.board
    }

    /// How long ago a heartbeat crossed.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// Tells it to drain by `deadline`.
    pub fn stop(&self, deadline: Deadline) {
        self.stop.send_replace(Some(deadline));
    }
}

struct Session {
    mirror: Arc<config::Mirror>,
    source: Inspector,
    metrics: Metrics,
    heartbeats: Heartbeats,
    producers: Producers,
    discovery: Discovery,
    /// Bytes to prefetch, for all topics together.
    prefetch: u64,
    board: Arc<MirrorBoard>,
    pipelines: Pipelines,
    /// The id of each source topic that was mirrored in the life of this process, as last seen.
    source_ids: BTreeMap<String, TopicId>,
}

impl Session {
    async fn run(mut self, mut stop: watch::Receiver<Option<Deadline>>) -> DrainOutcome {
        self.board
            .set_trouble(Some("the clusters have not been looked at yet".to_owned()));
        let mut looks = tokio::time::interval(self.mirror.discovery_interval);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                reason = self.producers.failed() => self.renew_producers(&reason).await,
                _ = self.pipelines.left() => {}
                // A look ends within the time-outs of its requests; it is not cut short by a stop, so
                // that no topic is left half created.
                _ = looks.tick() => self.look().await,
            }
        }
        self.heartbeats.stop();
        let deadline = (*stop.borrow()).unwrap_or_else(|| Deadline::within(Duration::ZERO));
        let outcome = self.pipelines.stop(deadline).await;
        self.producers.close().await;
        self.heartbeats.join().await;
        outcome
    }

    async fn look(&mut self) {
        match self.discovery.look().await {
            Ok(plans) => {
                self.board.set_trouble(None);
                self.heartbeats.set_mirrored(plans.iter().any(|plan| {
                    plan.action == Action::Mirror && plan.names.source_topic == HEARTBEATS_TOPIC
                }));
                self.stop_vanished(&plans);
                self.share_prefetch(&plans);
                let limits = self.limits(&plans).await;
                let ids = self.discovery.source_ids(&plans).await;
                for plan in plans {
                    let seen = Sight {
                        partitions: plan.partitions,
                        source_id: ids.get(&plan.names.source_topic).cloned(),
                        limits: limits.get(&plan.names.target_topic).copied(),
                    };
                    self.carry_out(plan, seen);
                }
                self.pipelines.publish();
            }
            Err(reason) => self.board.set_trouble(Some(reason)),
        }
        self.refresh_log_ends().await;
    }

    fn carry_out(&mut self, plan: TopicPlan, mut seen: Sight) {
        let names = plan.names;
        // What a pipeline that starts now is told was seen before this look, if it was.
        let last_seen = seen.source_id.as_ref().and_then(|id| {
            let topic = names.source_topic.clone();
            self.source_ids.insert(topic, id.clone())
        });
        if self.pipelines.has(&names) {
            self.pipelines.see(&names, seen);
            return;
        }
        seen.source_id = last_seen.or(seen.source_id);
        let board = self
            .board
            .topic(&names.source_topic, &names.target_topic, &names.group);
        if let Action::Refuse(reason) = plan.action {
            if board.set_standing(Some(stopped(reason.clone()))) {
                tracing::warn!(topic = names.source_topic, reason, "topic refused");
            }
            return;
        }
        board.set_standing(None);
        if let Err(reason) = self.start(names, seen, Arc::clone(&board)) {
            self.metrics
                .error(&self.mirror.name, Stage::Control, "Start");
            board.set_standing(Some(stopped(reason)));
        }
    }

    fn start(&mut self, names: Plan, seen: Sight, board: Arc<TopicBoard>) -> Result<(), String> {
        let limits = seen.limits.unwrap_or_default();
        let stamp = pipeline::stamp(&self.mirror, &names.source_topic);
        let target = self.producers.topic(&names.target_topic, limits, stamp);
        let target = target.ok_or("librdkafka refuses the target topic's name")?;
        tracing::info!(
            topic = names.source_topic,
            target_topic = names.target_topic,
            "mirroring topic"
        );
        self.pipelines.add(names, seen, target, board)
    }

    /// What those copies take that are about to start, or have refused a record.
    async fn limits(&self, plans: &[TopicPlan]) -> BTreeMap<String, Limits> {
        let starting = plans
            .iter()
            .filter(|plan| plan.action == Action::Mirror && !self.pipelines.has(&plan.names));
        let names = starting.map(|plan| plan.names.target_topic.clone());
        let names: Vec<_> = names.chain(self.board.take_refused()).collect();
        match names.is_empty() {
            true => BTreeMap::new(),
            false => self.discovery.limits(&names).await,
        }
    }

    /// Topics that are gone or no longer selected: their pipelines end, their copies stay.
    fn stop_vanished(&mut self, plans: &[TopicPlan]) {
        let planned = plans.iter().map(|plan| plan.names.source_topic.as_str());
        let planned: BTreeSet<&str> = planned.collect();
        let deadline = Deadline::within(STOP_WITHIN);
        let gone = self
            .pipelines
            .retain(|topic| planned.contains(topic), deadline);
        for names in gone {
            let topic = &names.source_topic;
            tracing::warn!(topic, "the source topic is gone, its copy stays");
            let board = self.board.topic(topic, &names.target_topic, &names.group);
            board.set_standing(Some(stopped("the source topic is gone".to_owned())));
        }
    }

    /// Divides the prefetch over all partitions; pipelines that start from now on get their part.
    fn share_prefetch(&mut self, plans: &[TopicPlan]) {
        let partitions: u64 = plans.iter().map(|plan| u64::from(plan.partitions)).sum();
        let partition = (self.prefetch / partitions.max(1)).clamp(64 << 10, 8 << 20);
        let answer = (self.prefetch / 4).clamp(1 << 20, 16 << 20);
        self.pipelines.set_prefetch(Prefetch { partition, answer });
    }

    /// Partitions that do not read are not told the log end by fetch answers, so it is asked for.
    async fn refresh_log_ends(&self) {
        let held_up = self.board.held_up();
        if held_up.is_empty() {
            return;
        }
        let partitions: Vec<_> = held_up
            .iter()
            .map(|(topic, partition, _)| TopicPartition::new(topic.as_str(), *partition))
            .collect();
        match self.source.log_ends(&partitions).await {
            Ok(ends) => {
                for ((_, _, seat), end) in held_up.iter().zip(ends) {
                    if let Ok(Some(end)) = end.offset {
                        seat.see_source_end(SourceOffset::new(end));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "log ends cannot be read"),
        }
    }

    /// After a fatal error a producer takes nothing more: all begin again from their positions, with new ones.
    async fn renew_producers(&mut self, reason: &str) {
        tracing::error!(reason, "a producer failed for good, new ones take over");
        self.metrics
            .error(&self.mirror.name, Stage::Produce, "Fatal");
        self.pipelines.stop(Deadline::within(STOP_WITHIN)).await;
        self.producers.close().await;
    }
}

fn stopped(reason: String) -> Standing {
    Standing {
        state: State::Stopped,
        reason: Some(reason),
    }
}
