//! Starts and stops the pipeline of one topic.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::member::Member;
use super::settings::Prefetch;
use super::topic::{Sight, Topic};
use crate::board::TopicBoard;
use crate::budget::Budget;
use crate::clusters::{Inspector, TopicId};
use crate::config;
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Metrics;
use crate::target::{Limits, TargetTopic};

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
    /// Asks the target.
    pub target: Inspector,
    /// Bytes between source and target.
    pub budget: Arc<Budget>,
    /// Counters of errors.
    pub metrics: Metrics,
    /// Bytes that librdkafka may prefetch.
    pub prefetch: Prefetch,
}

/// What both clusters say of the topic at the moment.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The source topic, as this process last saw it; `None` before it has, or where the source tells no ids.
    pub source_id: Option<TopicId>,
    /// What the target topic takes.
    pub limits: Limits,
}

/// A running pipeline.
pub struct Pipeline {
    stop: watch::Sender<Option<Deadline>>,
    source_id: watch::Sender<Option<TopicId>>,
    limits: watch::Sender<Limits>,
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
        known: Known,
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
        let (source_id, seen_id) = watch::channel(known.source_id);
        let (limits, seen_limits) = watch::channel(known.limits);
        let sight = Sight {
            source_id: seen_id,
            limits: seen_limits,
        };
        let topic = Topic::new(context, plan, target, board, member, sight);
        let task = tokio::spawn(topic.run(events, stopped).instrument(span));
        Ok(Self {
            stop,
            source_id,
            limits,
            task,
        })
    }

    /// Tells it which topic bears the name on the source now.
    pub fn see_source_id(&self, id: &TopicId) {
        self.source_id.send_if_modified(|known| {
            let is_news = known.as_ref() != Some(id);
            *known = Some(id.clone());
            is_news
        });
    }

    /// Tells it what the target topic takes now.
    pub fn see_limits(&self, limits: Limits) {
        self.limits.send_replace(limits);
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
