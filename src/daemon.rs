//! Builds the whole from a configuration, serves it over HTTP, and drains it by one deadline.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::board::{self, MirrorBoard};
use crate::budget::Budget;
use crate::config::Config;
use crate::deadline::Deadline;
pub use crate::deadline::DrainOutcome;
use crate::heartbeats::Pulse;
use crate::http;
use crate::metrics::Metrics;
use crate::mirror::{Mirror, Shared};
use crate::status::Status;

/// All mirrors of one configuration, running.
pub struct Daemon {
    mirrors: Vec<Mirror>,
    tasks: JoinSet<DrainOutcome>,
    view: Arc<View>,
    address: SocketAddr,
    http: JoinHandle<std::io::Result<()>>,
    http_stop: oneshot::Sender<()>,
    drain_timeout: std::time::Duration,
}

impl Daemon {
    /// Starts all mirrors and the HTTP listener. Clusters need not be reachable.
    ///
    /// # Errors
    ///
    /// When the HTTP address is taken, or librdkafka refuses the configuration of a cluster.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let listener = http::bind(config.http_listen).await?;
        let address = listener.address()?;
        tracing::info!(%address, "http listening");
        let metrics = Metrics::new();
        metrics.declare_clusters(&config);
        let memory = Memory::divide(config.memory, config.mirrors.len() as u64);
        let budget = Budget::new(memory.in_flight);
        metrics.memory_budget.set(memory.in_flight as i64);
        let shared = Shared {
            budget: Arc::clone(&budget),
            prefetch: memory.prefetch,
            metrics: metrics.clone(),
        };
        let mut tasks = JoinSet::new();
        let mirrors = config.mirrors.iter();
        let mirrors =
            mirrors.map(|mirror| Mirror::start(&config, mirror, shared.clone(), &mut tasks));
        let mirrors = mirrors.collect::<anyhow::Result<Vec<_>>>()?;
        let boards = mirrors
            .iter()
            .map(|mirror| Arc::clone(mirror.board()))
            .collect();
        let clusters = config.clusters.keys().cloned().collect();
        let pulses = mirrors.iter();
        let pulses = pulses.map(|mirror| Arc::clone(mirror.pulse())).collect();
        let view = Arc::new(View {
            boards,
            pulses,
            clusters,
            metrics,
            budget,
        });
        let (http_stop, stopped) = oneshot::channel::<()>();
        let source: Arc<dyn http::Source> = Arc::clone(&view) as _;
        let http = tokio::spawn(http::serve(listener, source, async {
            stopped.await.unwrap_or(())
        }));
        let drain_timeout = config.drain_timeout;
        Ok(Self {
            mirrors,
            tasks,
            view,
            address,
            http,
            http_stop,
            drain_timeout,
        })
    }

    /// Where HTTP listens.
    pub fn http_address(&self) -> SocketAddr {
        self.address
    }

    /// What the partitions of this process are doing.
    pub fn status(&self) -> Status {
        board::status(&self.view.boards)
    }

    /// Waits for a mirror to end by itself, which only a bug makes it do. Cancel-safe.
    pub async fn failed(&mut self) -> JoinError {
        loop {
            match self.tasks.join_next().await {
                Some(Err(panic)) => return panic,
                Some(Ok(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Stops reading, waits for what is in flight, commits it, leaves the groups (I7).
    ///
    /// # Panics
    ///
    /// When a mirror or the HTTP server panicked.
    pub async fn drain(mut self) -> DrainOutcome {
        let deadline = Deadline::within(self.drain_timeout);
        self.mirrors.iter().for_each(|mirror| mirror.stop(deadline));
        let mut outcome = DrainOutcome::Clean;
        loop {
            match tokio::time::timeout_at(deadline.end, self.tasks.join_next()).await {
                Ok(Some(joined)) => {
                    outcome = outcome.max(joined.expect("a mirror does not panic"));
                }
                Ok(None) => break,
                Err(_) => {
                    outcome = DrainOutcome::DeadlinePassed;
                    break;
                }
            }
        }
        drop(self.http_stop);
        // A client that is slow to read its answer is not waited for beyond the deadline.
        if let Ok(served) = tokio::time::timeout_at(deadline.end, self.http).await {
            let served = served.expect("the http server does not panic");
            served.unwrap_or_else(|error| tracing::warn!(%error, "http server failed"));
        }
        outcome
    }
}

/// How the configured memory is used.
struct Memory {
    /// Records read and not yet acknowledged: a quarter, exactly.
    in_flight: u64,
    /// What librdkafka may prefetch per mirror: an eighth, divided by the mirrors. The rest is for librdkafka's own
    /// structs, answers being taken apart, batches being compressed, the allocator, and the process itself.
    prefetch: u64,
}

impl Memory {
    fn divide(memory: u64, mirrors: u64) -> Self {
        Self {
            in_flight: memory / 4,
            prefetch: memory / 8 / mirrors.max(1),
        }
    }
}

/// What HTTP shows.
struct View {
    boards: Vec<Arc<MirrorBoard>>,
    pulses: Vec<Arc<Pulse>>,
    clusters: Vec<String>,
    metrics: Metrics,
    budget: Arc<Budget>,
}

impl http::Source for View {
    fn metrics(&self) -> String {
        self.metrics.memory_used.set(self.budget.used() as i64);
        self.boards.iter().for_each(|board| board.refresh());
        self.pulses.iter().for_each(|pulse| pulse.refresh());
        self.metrics.render()
    }

    fn status(&self) -> Status {
        board::status(&self.boards)
    }

    fn readiness(&self) -> Result<(), Vec<String>> {
        let troubles = self.boards.iter().filter_map(|board| {
            let trouble = board.trouble()?;
            Some(format!("mirror {}: {trouble}", board.name()))
        });
        let down = self
            .clusters
            .iter()
            .filter(|cluster| !self.metrics.cluster_is_up(cluster));
        let down = down.map(|cluster| format!("cluster {cluster} does not answer"));
        let reasons: Vec<String> = down.chain(troubles).collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons)
        }
    }
}
