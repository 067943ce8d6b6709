//! Keeps one pipeline per planned topic running, for as long as the mirror's producer lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use super::discovery::{Discovery, REQUEST_TIMEOUT};
use super::plan::{Action, TopicPlan};
use super::producers::Producers;
use crate::board::{MirrorBoard, Standing, TopicBoard};
use crate::budget::Budget;
use crate::clusters::{Inspector, TopicId, TopicPartition};
use crate::config::{self, Config};
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::{Metrics, Stage};
use crate::offset::SourceOffset;
use crate::pipeline::{self, Pipeline, Prefetch};
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
        let (stop, stopped) = watch::channel(None);
        let session = Session {
            producers: Producers::open(target, mirror)
                .with_context(|| format!("clusters.{}", target.name))?,
            discovery: Discovery::new(
                mirror.clone(),
                look.clone(),
                look_at_target.clone(),
                shared.metrics.clone(),
            ),
            context: pipeline::Context {
                mirror: Arc::new(mirror.clone()),
                source: Arc::new(source.clone()),
                inspector: look,
                target: look_at_target,
                budget: shared.budget,
                metrics: shared.metrics,
                prefetch: Prefetch {
                    partition: 0,
                    answer: 0,
                },
            },
            prefetch: shared.prefetch,
            board: Arc::clone(&board),
            pipelines: BTreeMap::new(),
            source_ids: BTreeMap::new(),
            leaving: JoinSet::new(),
        };
        let span = tracing::info_span!("mirror", mirror = mirror.name);
        tasks.spawn(session.run(stopped).instrument(span));
        Ok(Self { board, stop })
    }

    /// Its place on the board.
    pub fn board(&self) -> &Arc<MirrorBoard> {
        &self.board
    }

    /// Tells it to drain by `deadline`.
    pub fn stop(&self, deadline: Deadline) {
        self.stop.send_replace(Some(deadline));
    }
}

struct Session {
    context: pipeline::Context,
    producers: Producers,
    discovery: Discovery,
    /// Bytes to prefetch, for all topics together.
    prefetch: u64,
    board: Arc<MirrorBoard>,
    pipelines: BTreeMap<String, Pipeline>,
    /// The id of each source topic that was mirrored in the life of this process, as last seen.
    source_ids: BTreeMap<String, TopicId>,
    /// Pipelines on their way out.
    leaving: JoinSet<DrainOutcome>,
}

impl Session {
    async fn run(mut self, mut stop: watch::Receiver<Option<Deadline>>) -> DrainOutcome {
        self.board
            .set_trouble(Some("the clusters have not been looked at yet".to_owned()));
        let mut looks = tokio::time::interval(self.context.mirror.discovery_interval);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                reason = self.producers.failed() => self.renew_producers(&reason).await,
                Some(left) = self.leaving.join_next() => {
                    left.expect("leaving does not panic");
                }
                // A look ends within the time-outs of its requests; it is not cut short by a stop, so
                // that no topic is left half created.
                _ = looks.tick() => self.look().await,
            }
        }
        let deadline = (*stop.borrow()).unwrap_or_else(|| Deadline::within(Duration::ZERO));
        let outcome = self.stop_all(deadline).await;
        self.producers.close().await;
        outcome
    }

    async fn look(&mut self) {
        match self.discovery.look().await {
            Ok(plans) => {
                self.board.set_trouble(None);
                self.stop_vanished(&plans);
                self.share_prefetch(&plans);
                let limits = self.limits(&plans).await;
                let ids = self.discovery.source_ids(&plans).await;
                for plan in plans {
                    let source_id = ids.get(&plan.names.source_topic);
                    let limits = limits.get(&plan.names.target_topic).copied();
                    self.carry_out(plan, source_id, limits);
                }
            }
            Err(reason) => self.board.set_trouble(Some(reason)),
        }
        self.refresh_log_ends().await;
    }

    fn carry_out(&mut self, plan: TopicPlan, source_id: Option<&TopicId>, limits: Option<Limits>) {
        let names = plan.names;
        // What a pipeline that starts now is told was seen before this look, if it was.
        let last_seen = source_id.and_then(|id| {
            let topic = names.source_topic.clone();
            self.source_ids.insert(topic, id.clone())
        });
        if let Some(running) = self.pipelines.get(&names.source_topic) {
            assert!(!running.is_finished(), "a pipeline does not panic");
            source_id
                .into_iter()
                .for_each(|id| running.see_source_id(id));
            limits
                .into_iter()
                .for_each(|limits| running.see_limits(limits));
            return;
        }
        let board = self
            .board
            .topic(&names.source_topic, &names.target_topic, &names.group);
        if let Action::Refuse(reason) = plan.action {
            let refused = Standing {
                state: State::Stopped,
                reason: Some(reason),
            };
            if board.set_standing(Some(refused.clone())) {
                tracing::warn!(
                    topic = names.source_topic,
                    reason = refused.reason,
                    "topic refused"
                );
            }
            return;
        }
        board.set_standing(None);
        let known = pipeline::Known {
            source_id: last_seen.or_else(|| source_id.cloned()),
            limits: limits.unwrap_or_default(),
        };
        if let Err(reason) = self.start(&names, known, Arc::clone(&board)) {
            self.context
                .metrics
                .error(&self.context.mirror.name, Stage::Control, "Start");
            let state = State::Stopped;
            board.set_standing(Some(Standing {
                state,
                reason: Some(reason),
            }));
        }
    }

    fn start(
        &mut self,
        names: &pipeline::Plan,
        known: pipeline::Known,
        board: Arc<TopicBoard>,
    ) -> Result<(), String> {
        let target = self.producers.topic(&names.target_topic, known.limits);
        let target = target.ok_or("librdkafka refuses the target topic's name")?;
        let pipeline = Pipeline::start(self.context.clone(), names.clone(), target, board, known);
        let pipeline =
            pipeline.map_err(|error| format!("librdkafka refuses the consumer: {error}"))?;
        tracing::info!(
            topic = names.source_topic,
            target_topic = names.target_topic,
            "mirroring topic"
        );
        self.pipelines.insert(names.source_topic.clone(), pipeline);
        Ok(())
    }

    /// What those copies take that are about to start, or have refused a record.
    async fn limits(&self, plans: &[TopicPlan]) -> BTreeMap<String, Limits> {
        let starting = plans.iter().filter(|plan| {
            plan.action == Action::Mirror && !self.pipelines.contains_key(&plan.names.source_topic)
        });
        let names = starting.map(|plan| plan.names.target_topic.clone());
        let names: Vec<_> = names.chain(self.board.take_refused()).collect();
        match names.is_empty() {
            true => BTreeMap::new(),
            false => self.discovery.limits(&names).await,
        }
    }

    /// Topics that are gone or no longer selected: their pipelines end, their copies stay.
    fn stop_vanished(&mut self, plans: &[TopicPlan]) {
        let planned = |topic: &str| plans.iter().any(|plan| plan.names.source_topic == topic);
        let gone = self.pipelines.extract_if(.., |topic, _| !planned(topic));
        for (topic, pipeline) in gone {
            tracing::warn!(topic, "the source topic is gone, its copy stays");
            let names = super::plan::names(&self.context.mirror, &topic);
            let board = self.board.topic(&topic, &names.target_topic, &names.group);
            let reason = Some("the source topic is gone".to_owned());
            board.set_standing(Some(Standing {
                state: State::Stopped,
                reason,
            }));
            pipeline.stop(Deadline::within(STOP_WITHIN));
            self.leaving.spawn(pipeline.join().in_current_span());
        }
    }

    /// Divides the prefetch over all partitions; pipelines that start from now on get their part.
    fn share_prefetch(&mut self, plans: &[TopicPlan]) {
        let partitions: u64 = plans.iter().map(|plan| u64::from(plan.partitions)).sum();
        let partition = (self.prefetch / partitions.max(1)).clamp(64 << 10, 8 << 20);
        let answer = (self.prefetch / 4).clamp(1 << 20, 16 << 20);
        self.context.prefetch = Prefetch { partition, answer };
    }

    /// Partitions that do not read are not told the log end by fetch answers, so it is asked for.
    async fn refresh_log_ends(&self) {
        let held_up = self.board.held_up();
        if held_up.is_empty() {
            return;
        }
        let partitions: Vec<_> = held_up
            .iter()
            .map(|(topic, partition, _)| TopicPartition::new(topic, *partition))
            .collect();
        match self.context.inspector.log_ends(&partitions).await {
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
        let mirror = &self.context.mirror.name;
        self.context.metrics.error(mirror, Stage::Produce, "Fatal");
        self.stop_all(Deadline::within(STOP_WITHIN)).await;
        self.producers.close().await;
    }

    async fn stop_all(&mut self, deadline: Deadline) -> DrainOutcome {
        let mut outcome = DrainOutcome::Clean;
        for pipeline in self.pipelines.values() {
            pipeline.stop(deadline);
        }
        for (_, pipeline) in std::mem::take(&mut self.pipelines) {
            outcome = outcome.max(pipeline.join().await);
        }
        while let Some(left) = self.leaving.join_next().await {
            outcome = outcome.max(left.expect("leaving does not panic"));
        }
        outcome
    }
}
