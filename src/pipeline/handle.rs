//! Starts and stops a pipeline, and tells it which topics to copy.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::group::Group;
use super::reading::{Express, Fetching, Member};
use super::topic::Topics;
use crate::budget::Budget;
use crate::clusters::Inspector;
use crate::config;
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Metrics;
use crate::mirrormaker::Legacy;
use crate::offset_map::{Registry, Store};

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
    /// The target cluster.
    pub target_cluster: Arc<config::Cluster>,
    /// Where the offset maps are kept.
    pub store: Store,
    /// What the deployment left behind that the mirror takes over from.
    pub legacy: Option<Legacy>,
    /// The maps of the partitions that this process copies.
    pub maps: Registry,
    /// Bytes between source and target.
    pub budget: Arc<Budget>,
    /// Counters of errors.
    pub metrics: Metrics,
    /// How members fetch.
    pub fetching: Fetching,
    /// Reads partitions that are busy.
    pub express: Express,
}

/// A running pipeline.
pub struct Pipeline {
    stop: watch::Sender<Option<Deadline>>,
    wanted: watch::Sender<Topics>,
    task: JoinHandle<DrainOutcome>,
}

impl Pipeline {
    /// Starts a member of `group`. It joins once it is told of a topic.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the consumer's configuration.
    pub fn start(context: Context, group: &str) -> KafkaResult<Self> {
        let (member, events) = Member::open(
            &context.source,
            group,
            context.mirror.isolation,
            context.fetching,
        )?;
        let (stop, stopped) = watch::channel(None);
        let (wanted, following) = watch::channel(Topics::new());
        let span = tracing::info_span!("group", mirror = context.mirror.name, group);
        let group = Group::new(context, member, following);
        let task = tokio::spawn(group.run(events, stopped).instrument(span));
        Ok(Self { stop, wanted, task })
    }

    /// Tells it to copy these topics and no others, as far as the group gives it their partitions.
    pub fn follow(&self, topics: Topics) {
        self.wanted.send_replace(topics);
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
