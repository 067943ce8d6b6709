//! Writes signs of life of a mirror, and watches how old the newest is that crossed.
//!
//! The formats, topics and names are MirrorMaker 2's, so that `MirrorClient` sees the topology. `heartbeats` on the
//! target says which directions end there. `A.heartbeats` says that the cluster came into reach from A; it is the copy
//! of A's own `heartbeats`, made by the mirror as of any topic. Where A has none, since nothing is written there unless
//! asked for, the same heartbeat is written to the copy itself.

mod format;
mod pulse;
mod reader;
mod topic;
mod writer;

use std::sync::Arc;

use rdkafka::error::KafkaError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

pub use pulse::Pulse;

use crate::clusters::Inspector;
use crate::config::{self, Mirror};
use crate::metrics::Metrics;
use reader::Reader;
use writer::{Place, Writer};

/// The clusters at both ends, each with the client that asks it.
pub struct Ends<'a> {
    /// The source.
    pub source: (&'a config::Cluster, Inspector),
    /// The target.
    pub target: (&'a config::Cluster, Inspector),
}

/// The heartbeats of one mirror. Dropped, they end wherever they are.
pub struct Heartbeats {
    tasks: JoinSet<()>,
    is_mirrored: watch::Sender<bool>,
    stop: watch::Sender<()>,
    pulse: Arc<Pulse>,
}

impl Heartbeats {
    /// Starts what the mirror asks for.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of a cluster.
    pub fn start(
        mirror: &Arc<Mirror>,
        ends: Ends<'_>,
        metrics: &Metrics,
        pulse: Arc<Pulse>,
    ) -> Result<Self, KafkaError> {
        let mut heartbeats = Self {
            tasks: JoinSet::new(),
            is_mirrored: watch::Sender::new(false),
            stop: watch::Sender::new(()),
            pulse,
        };
        if mirror.heartbeats != config::Heartbeats::Off {
            heartbeats.begin(mirror, ends, metrics)?;
            heartbeats.pulse.begin();
        }
        Ok(heartbeats)
    }

    fn begin(
        &mut self,
        mirror: &Arc<Mirror>,
        ends: Ends<'_>,
        metrics: &Metrics,
    ) -> Result<(), KafkaError> {
        let place = |(cluster, inspector)| Place { cluster, inspector };
        let (source, target) = (place(ends.source), place(ends.target));
        let is_mirrored = self.is_mirrored.subscribe();
        let on_target = Writer::on_target(mirror, &target, metrics, is_mirrored, &self.pulse)?;
        self.spawn(on_target.run(self.stop.subscribe()));
        if mirror.heartbeats == config::Heartbeats::Both {
            let on_source = Writer::on_source(mirror, &source, metrics)?;
            let reader = Reader::new(mirror, target.cluster, &self.pulse)?;
            self.spawn(on_source.run(self.stop.subscribe()));
            self.spawn(reader.run(self.stop.subscribe()));
        }
        Ok(())
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.in_current_span());
    }

    /// Says whether the mirror copies the source's own heartbeats, so that nobody else needs to write the copy.
    pub fn set_mirrored(&self, is_mirrored: bool) {
        self.is_mirrored.send_replace(is_mirrored);
    }

    /// Tells all tasks to stop.
    pub fn stop(&self) {
        self.stop.send_replace(());
        self.pulse.end();
    }

    /// Waits until they have, which takes well below a second.
    ///
    /// # Panics
    ///
    /// When one of them did.
    pub async fn join(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("heartbeats do not panic");
        }
    }
}
