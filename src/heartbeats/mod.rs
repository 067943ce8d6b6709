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
pub use writer::wanted_topics;

use crate::clusters::Inspector;
use crate::config::{self, Mirror};
use crate::metrics::Metrics;
use reader::Reader;
use writer::{Place, Writer};

/// The clusters at both ends, each with the client that asks it.
#[derive(Clone)]
pub struct Ends {
    /// The source.
    pub source: (Arc<config::Cluster>, Inspector),
    /// The target.
    pub target: (Arc<config::Cluster>, Inspector),
}

/// The heartbeats of one mirror. Dropped, they end wherever they are.
pub struct Heartbeats {
    mirror: Arc<Mirror>,
    ends: Ends,
    metrics: Metrics,
    pulse: Arc<Pulse>,
    is_mirrored: watch::Sender<bool>,
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Heartbeats {
    /// Starts what the mirror asks for.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of a cluster.
    pub fn start(mirror: Arc<Mirror>, ends: Ends, metrics: Metrics) -> Result<Self, KafkaError> {
        let mut heartbeats = Self {
            pulse: Arc::new(Pulse::new(&mirror.name, metrics.clone())),
            mirror,
            ends,
            metrics,
            is_mirrored: watch::Sender::new(false),
            stop: watch::Sender::new(()),
            tasks: JoinSet::new(),
        };
        heartbeats.begin()?;
        Ok(heartbeats)
    }

    fn begin(&mut self) -> Result<(), KafkaError> {
        if self.mirror.heartbeats == config::Heartbeats::Off {
            return Ok(());
        }
        let place = |(cluster, inspector): &(Arc<config::Cluster>, Inspector)| Place {
            cluster: Arc::clone(cluster),
            inspector: inspector.clone(),
        };
        let (mirror, metrics, pulse) = (&self.mirror, &self.metrics, &self.pulse);
        let (source, target) = (place(&self.ends.source), place(&self.ends.target));
        let is_mirrored = self.is_mirrored.subscribe();
        let on_target = Writer::on_target(mirror, &target, metrics, is_mirrored, pulse)?;
        let both = match mirror.heartbeats {
            config::Heartbeats::Both => {
                let on_source = Writer::on_source(mirror, &source, metrics)?;
                Some((on_source, Reader::new(mirror, &target.cluster, pulse)?))
            }
            _ => None,
        };
        self.spawn(on_target.run(self.stop.subscribe()));
        if let Some((on_source, reader)) = both {
            self.spawn(on_source.run(self.stop.subscribe()));
            self.spawn(reader.run(self.stop.subscribe()));
        }
        self.pulse.begin();
        Ok(())
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.in_current_span());
    }

    /// How long ago one crossed.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// Says whether the mirror copies the source's own heartbeats, so that nobody else needs to write the copy.
    pub fn set_mirrored(&self, is_mirrored: bool) {
        self.is_mirrored.send_replace(is_mirrored);
    }

    /// Goes on as the mirror asks for now, which has the same ends.
    pub async fn follow(&mut self, mirror: &Arc<Mirror>) {
        let asked = |mirror: &Mirror| {
            let when = (mirror.heartbeats, mirror.heartbeat_interval);
            let how = (mirror.create_topics, mirror.replication_factor);
            (when, how, mirror.carries_heartbeats())
        };
        if asked(mirror) == asked(&self.mirror) {
            return;
        }
        self.stop();
        self.join().await;
        self.mirror = Arc::clone(mirror);
        if let Err(error) = self.begin() {
            tracing::error!(%error, "heartbeats cannot be started");
        }
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
