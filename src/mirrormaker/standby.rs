//! Keeps MirrorMaker 2 able to take over from a mirror: a task that writes while the mirror runs, and once more at its end.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout_at;
use tracing::Instrument;

use super::writer::{Maps, Writer};
use crate::clusters::Inspector;
use crate::config::{self, Mirror};
use crate::deadline::{Deadline, DrainOutcome};
use crate::metrics::Metrics;
use crate::offset_map::Registry;

/// The clusters at both ends, each with the client that asks it.
#[derive(Clone)]
pub struct Ends {
    /// The source.
    pub source: (Arc<config::Cluster>, Inspector),
    /// The target.
    pub target: (Arc<config::Cluster>, Inspector),
}

/// What is kept for MirrorMaker 2, where the mirror asks for it (`mm2_offset_syncs`).
pub struct Standby {
    mirror: Arc<Mirror>,
    ends: Ends,
    metrics: Metrics,
    maps: Registry,
    running: Option<Running>,
}

struct Running {
    stop: watch::Sender<()>,
    task: JoinHandle<Writer>,
}

/// The partitions that this process copied when it began to stop.
pub struct Owned(Maps);

impl Standby {
    /// Starts what the mirror asks for; `maps` are those of the partitions that this process copies.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of a cluster.
    pub fn start(
        mirror: Arc<Mirror>,
        ends: Ends,
        maps: Registry,
        metrics: Metrics,
    ) -> KafkaResult<Self> {
        let mut standby = Self {
            mirror,
            ends,
            metrics,
            maps,
            running: None,
        };
        standby.begin()?;
        Ok(standby)
    }

    fn begin(&mut self) -> KafkaResult<()> {
        if !self.mirror.mm2_offset_syncs {
            return Ok(());
        }
        let writer = Writer::open(&self.mirror, &self.ends, &self.metrics)?;
        let (stop, stopped) = watch::channel(());
        let writing = writer.run(self.maps.clone(), stopped);
        let task = tokio::spawn(writing.in_current_span());
        self.running = Some(Running { stop, task });
        Ok(())
    }

    /// Goes on as the mirror asks for now, which has the same ends.
    pub async fn follow(&mut self, mirror: &Arc<Mirror>) {
        let asked = |mirror: &Mirror| {
            let how = (mirror.create_topics, mirror.replication_factor);
            (mirror.mm2_offset_syncs, mirror.checkpoint_interval, how)
        };
        if asked(mirror) == asked(&self.mirror) {
            return;
        }
        if let Some(writer) = self.end().await {
            close(writer).await;
        }
        self.mirror = Arc::clone(mirror);
        if let Err(error) = self.begin() {
            tracing::error!(%error, "what MirrorMaker 2 would need cannot be written");
        }
    }

    /// The partitions that this process copies, before they are given back.
    pub fn owned(&self) -> Owned {
        Owned(self.maps.snapshot())
    }

    /// Writes where the mirror stopped, all that it copied of `owned`, before `deadline`.
    pub async fn finish(&mut self, owned: Owned, deadline: Deadline) -> DrainOutcome {
        let Some(mut writer) = self.end().await else {
            return DrainOutcome::Clean;
        };
        let written = timeout_at(deadline.end, writer.write_last(&owned.0)).await;
        match written {
            Ok(true) => {}
            Ok(false) | Err(_) => tracing::error!(
                "MirrorMaker 2 is not told where the mirror stopped: if it goes on from here, it repeats records"
            ),
        }
        close(writer).await;
        match written {
            Ok(_) => DrainOutcome::Clean,
            Err(_) => DrainOutcome::DeadlinePassed,
        }
    }

    /// Stops the task, and answers with what it wrote with.
    async fn end(&mut self) -> Option<Writer> {
        let Running { stop, task } = self.running.take()?;
        stop.send_replace(());
        Some(task.await.expect("writing does not panic"))
    }
}

/// Waits for librdkafka's threads.
async fn close(writer: Writer) {
    let dropped = spawn_blocking(move || drop(writer)).await;
    dropped.expect("dropping a producer does not panic");
}
