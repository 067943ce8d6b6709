//! Keeps one pipeline per planned topic running, for as long as the mirror's producer lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::aftermath::{Aftermath, Deaf};
use super::handle::{Parts, Shared};
use super::pipelines::{Pipelines, Sight};
use super::producers::Producers;
use crate::board::{MirrorBoard, Standing, TopicBoard};
use crate::checkpoints::Checkpoints;
use crate::clusters::{Inspector, TopicId};
use crate::config::{self, ConsumerGroups, HEARTBEATS_TOPIC, ImportFrom, is_heartbeat_topic};
use crate::control::Discovery;
use crate::control::plan::{Action, TopicPlan};
use crate::deadline::{Deadline, DrainOutcome};
use crate::heartbeats::Heartbeats;
use crate::metrics::{Metrics, Stage};
use crate::mirrormaker::{Legacy, Standby};
use crate::offset::SourceOffset;
use crate::pipeline::{self, Express, Fetching, Plan};
use crate::status::{State, nothing_selected};
use crate::target::Limits;

/// How long pipelines may take to stop while the mirror goes on: a topic that vanished, a new producer.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// One mirror at work.
pub(super) struct Session {
    mirror: Arc<config::Mirror>,
    source: Inspector,
    target: Inspector,
    metrics: Metrics,
    heartbeats: Heartbeats,
    checkpoints: Checkpoints,
    standby: Standby,
    producers: Producers,
    discovery: Discovery,
    /// Bytes that the members may prefetch, for all topics together; those that are read apart have as much again.
    prefetch: u64,
    board: Arc<MirrorBoard>,
    /// Whether the last look found nothing to mirror.
    selects_nothing: bool,
    pipelines: Pipelines,
    /// The plans that were carried out for every topic: of the same ones only what else has changed is looked at.
    carried_out: Option<Arc<[TopicPlan]>>,
    /// Since the source was away as a whole, until all that read it were heard of.
    aftermath: Option<Aftermath>,
    /// The id of each source topic that was mirrored in the life of this process, as last seen.
    source_ids: BTreeMap<String, TopicId>,
}

impl Session {
    /// Puts the parts of `mirror` together; nothing runs yet but its heartbeats and checkpoints.
    pub(super) fn new(
        mirror: &Arc<config::Mirror>,
        parts: Parts,
        shared: Shared,
        board: Arc<MirrorBoard>,
    ) -> Self {
        let (from, source) = parts.ends.source;
        let (to, target) = parts.ends.target;
        let metrics = shared.metrics;
        let legacy = mirror.import_from.map(|ImportFrom::MirrorMaker2| {
            let ends = [(&from, &source), (&to, &target)];
            let [from, to] = ends.map(|(cluster, asked)| (Arc::clone(cluster), asked.clone()));
            Legacy::new(Arc::clone(mirror), from, to)
        });
        let prefetch = shared.prefetch / 2;
        let express = Express::new(Arc::clone(&from), Arc::clone(mirror), prefetch);
        let context = pipeline::Context {
            mirror: Arc::clone(mirror),
            source: from,
            inspector: source.clone(),
            target: target.clone(),
            target_cluster: to,
            store: parts.store,
            legacy,
            maps: parts.maps,
            budget: shared.budget,
            metrics: metrics.clone(),
            fetching: Fetching::default(),
            express,
        };
        Self {
            heartbeats: parts.heartbeats,
            checkpoints: parts.checkpoints,
            standby: parts.standby,
            discovery: Discovery::new(
                (**mirror).clone(),
                source.clone(),
                target.clone(),
                metrics.clone(),
                Arc::clone(&board),
            ),
            producers: parts.producers,
            pipelines: Pipelines::new(context),
            prefetch,
            board,
            selects_nothing: false,
            carried_out: None,
            aftermath: None,
            source_ids: BTreeMap::new(),
            source,
            target,
            metrics,
            mirror: Arc::clone(mirror),
        }
    }

    /// Mirrors until told to stop, and then drains; takes over what `settings` say meanwhile.
    pub(super) async fn run(
        mut self,
        mut settings: watch::Receiver<Arc<config::Mirror>>,
        mut stop: watch::Receiver<Option<Deadline>>,
    ) -> DrainOutcome {
        self.board
            .set_trouble(Some("the clusters have not been looked at yet".to_owned()));
        let mut looks = every(self.mirror.discovery_interval);
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Ok(()) = settings.changed() => {
                    let mirror = Arc::clone(&settings.borrow_and_update());
                    self.follow(mirror).await;
                    looks = every(self.mirror.discovery_interval);
                }
                reason = self.producers.failed() => self.renew_producers(&reason).await,
                _ = self.pipelines.left() => {}
                // A look ends within the time-outs of its requests; it is not cut short by a stop, so
                // that no topic is left half created.
                _ = looks.tick() => self.look().await,
            }
        }
        self.heartbeats.stop();
        self.checkpoints.stop();
        let deadline = (*stop.borrow()).unwrap_or_else(|| Deadline::within(Duration::ZERO));
        let owned = self.standby.owned();
        let outcome = self.pipelines.stop(deadline).await;
        self.producers.close().await;
        let noted = self.standby.finish(owned, deadline).await;
        self.heartbeats.join().await;
        self.checkpoints.join().await;
        outcome.max(noted)
    }

    /// Goes on as `mirror` says. Topics that it still selects are not interrupted.
    async fn follow(&mut self, mirror: Arc<config::Mirror>) {
        self.heartbeats.follow(&mirror).await;
        self.checkpoints.follow(&mirror);
        self.standby.follow(&mirror).await;
        self.pipelines.follow(&mirror);
        self.discovery = Discovery::new(
            (*mirror).clone(),
            self.source.clone(),
            self.target.clone(),
            self.metrics.clone(),
            Arc::clone(&self.board),
        );
        let deadline = Deadline::within(STOP_WITHIN);
        for names in self
            .pipelines
            .retain(|topic| mirror.selects(topic), deadline)
        {
            let topic = &names.source_topic;
            tracing::info!(topic, "topic is not selected any more, its copy stays");
        }
        self.pipelines.publish();
        self.board.retain_topics(|topic| mirror.selects(topic));
        self.mirror = mirror;
    }

    async fn look(&mut self) {
        match self.discovery.look().await {
            Ok(plans) => {
                let before = self.carried_out.take();
                let is_news = !before.is_some_and(|before| Arc::ptr_eq(&before, &plans));
                if is_news {
                    self.see_plans(&plans);
                }
                let grown = self.discovery.take_grown();
                self.producers.learn_partitions(&grown).await;
                let limits = self.limits(&plans, is_news).await;
                let mut all_run = true;
                for plan in plans.iter() {
                    let seen = Sight {
                        partitions: plan.partitions,
                        source_id: plan.source_id.clone(),
                        limits: limits.get(&plan.names.target_topic).copied(),
                    };
                    if is_news || seen.limits.is_some() {
                        all_run &= self.carry_out(plan, seen);
                    }
                }
                self.carried_out = all_run.then_some(plans);
                self.pipelines.publish();
                self.board.set_trouble(None);
            }
            Err(reason) => self.board.set_trouble(Some(reason)),
        }
        self.discovery.follow().await;
        self.refresh_log_ends().await;
        self.look_for_the_deaf().await;
    }

    /// After the source was away as a whole, has new consumers take over from those that do not read it any more.
    async fn look_for_the_deaf(&mut self) {
        if self.source.take_returned() {
            self.aftermath = Some(Aftermath::begin());
        }
        let Some(aftermath) = &mut self.aftermath else {
            return;
        };
        let groups = self.pipelines.groups();
        let deaf = aftermath.look(groups, &self.board, &self.source, self.mirror.isolation);
        let deaf = deaf.await;
        self.aftermath.take_if(|aftermath| aftermath.is_over());
        let deadline = Deadline::within(STOP_WITHIN);
        if deaf.is_some() {
            let name = &self.mirror.name;
            self.metrics.error(name, Stage::Consume, "Deaf");
        }
        match deaf {
            None => return,
            Some(Deaf::All(at, reason)) => {
                tracing::error!(partition = %at, reason, "a partition is not read since the source was away, new consumers take over");
                self.aftermath = None;
                self.pipelines.stop(deadline).await;
                self.pipelines.renew_express(self.prefetch);
            }
            Some(Deaf::Groups(groups)) => {
                tracing::warn!(
                    groups = groups.len(),
                    first = groups[0],
                    "no partition was assigned since the source was away, new consumers take over"
                );
                self.pipelines.stop_groups(&groups, deadline).await;
            }
        }
        self.carried_out = None;
    }

    /// Takes note of what is planned now.
    fn see_plans(&mut self, plans: &[TopicPlan]) {
        self.tell_of_nothing(plans);
        self.heartbeats.set_mirrored(plans.iter().any(|plan| {
            plan.action == Action::Mirror && plan.names.source_topic == HEARTBEATS_TOPIC
        }));
        self.stop_vanished(plans);
        self.share_prefetch(plans);
    }

    /// Warns when the patterns select nothing, once until they select something.
    fn tell_of_nothing(&mut self, plans: &[TopicPlan]) {
        let mut names = plans.iter().map(|plan| &plan.names.source_topic);
        let nothing = names.all(|topic| is_heartbeat_topic(topic));
        if nothing && !self.selects_nothing {
            tracing::warn!("{}", nothing_selected(&self.mirror.source));
        }
        self.selects_nothing = nothing;
    }

    /// Answers whether nothing is left to do.
    fn carry_out(&mut self, plan: &TopicPlan, mut seen: Sight) -> bool {
        let names = &plan.names;
        // What a pipeline that starts now is told was seen before this look, if it was.
        let last_seen = seen.source_id.as_ref().and_then(|id| {
            let topic = names.source_topic.clone();
            self.source_ids.insert(topic, id.clone())
        });
        if self.pipelines.has(names) {
            let refused = match &plan.action {
                Action::Refuse(reason) => Some(reason.clone()),
                _ => None,
            };
            self.discovery.tell_refused(names, refused);
            self.pipelines.see(names, seen);
            return true;
        }
        seen.source_id = last_seen.or(seen.source_id);
        let board = self
            .board
            .topic(&names.source_topic, &names.target_topic, &names.group);
        if let Action::Refuse(reason) = &plan.action {
            if board.set_standing(Some(stopped(reason.clone()))) {
                tracing::warn!(topic = names.source_topic, reason, "topic refused");
            }
            return true;
        }
        board.set_standing(None);
        if let Err(reason) = self.start(names.clone(), seen, Arc::clone(&board)) {
            self.metrics
                .error(&self.mirror.name, Stage::Control, "Start");
            board.set_standing(Some(stopped(reason)));
            return false;
        }
        true
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
    async fn limits(&self, plans: &[TopicPlan], are_new: bool) -> BTreeMap<String, Limits> {
        let is_starting = |plan: &&TopicPlan| {
            are_new && plan.action == Action::Mirror && !self.pipelines.has(&plan.names)
        };
        let starting = plans.iter().filter(is_starting);
        let names = starting.map(|plan| plan.names.target_topic.clone());
        let names: Vec<_> = names.chain(self.board.take_refused()).collect();
        match names.is_empty() {
            true => BTreeMap::new(),
            false => self.discovery.limits(&names).await,
        }
    }

    /// Topics that are gone or no longer selected: their pipelines end, their copies stay.
    fn stop_vanished(&mut self, plans: &[TopicPlan]) {
        let is_planned = |topic: &str| {
            let by_name = |plan: &TopicPlan| plan.names.source_topic.as_str().cmp(topic);
            plans.binary_search_by(by_name).is_ok()
        };
        let deadline = Deadline::within(STOP_WITHIN);
        for names in self.pipelines.retain(is_planned, deadline) {
            let topic = &names.source_topic;
            let reason = self.discovery.why_gone(topic);
            tracing::warn!(topic, reason, "mirrored no longer, the copy stays");
            let board = self.board.topic(topic, &names.target_topic, &names.group);
            board.set_standing(Some(stopped(reason)));
        }
    }

    /// Divides the prefetch over all partitions; pipelines that start from now on get their part.
    fn share_prefetch(&mut self, plans: &[TopicPlan]) {
        let partitions: u64 = plans.iter().map(|plan| u64::from(plan.partitions)).sum();
        let partition = (self.prefetch / partitions.max(1)).clamp(64 << 10, 8 << 20);
        let answer = (self.prefetch / 4).clamp(1 << 20, 16 << 20);
        let wait = match self.mirror.consumer_groups {
            ConsumerGroups::PerTopic => Duration::from_secs(1),
            // Each fetch asks for every idle partition of very many topics.
            ConsumerGroups::Shared => Duration::from_secs(5),
        };
        self.pipelines.set_fetching(Fetching {
            partition,
            answer,
            wait,
        });
    }

    /// Partitions that do not read are not told the log end by fetch answers, so it is asked for.
    async fn refresh_log_ends(&self) {
        let held_up = self.board.held_up();
        if held_up.is_empty() {
            return;
        }
        let partitions: Vec<_> = held_up.iter().map(|(at, _)| at.clone()).collect();
        match self
            .source
            .ends_for(self.mirror.isolation, &partitions)
            .await
        {
            Ok(ends) => {
                for ((_, seat), end) in held_up.iter().zip(ends) {
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
        self.carried_out = None;
    }
}

fn stopped(reason: String) -> Standing {
    Standing {
        state: State::Stopped,
        reason: Some(reason),
    }
}

/// Ticks at once, and then in this interval, however long what it starts takes.
fn every(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
