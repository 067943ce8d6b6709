//! Starts and stops the pipeline of one topic.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::member::{Member, Prefetch};
use super::topic::Topic;
use crate::board::TopicBoard;
use crate::budget::Budget;
use crate::clusters::Inspector;
use crate::config;
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Metrics;
use crate::target::TargetTopic;

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
        let topic = Topic::new(context, plan, target, board, member);
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
