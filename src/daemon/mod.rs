//! Builds the whole from a configuration, serves it over HTTP, changes it while it runs, and drains it by one deadline.

mod fleet;
mod memory;
mod step;
mod view;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use crate::budget::Budget;
use crate::clusters::Inspector;
use crate::config::Config;
use crate::control::REQUEST_TIMEOUT;
use crate::deadline::Deadline;
pub use crate::deadline::DrainOutcome;
use crate::http::{self, Source as _};
use crate::metrics::Metrics;
use crate::mirror::Shared;
use crate::status::Status;
use fleet::Fleet;
use memory::Memory;
use view::View;

/// All mirrors of one configuration, running.
pub struct Daemon {
    config: Config,
    memory: Memory,
    fleet: Fleet,
    metrics: Metrics,
    view: Arc<View>,
    address: SocketAddr,
    http: JoinHandle<std::io::Result<()>>,
    http_stop: oneshot::Sender<()>,
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
        let metrics = match config.metrics_per_partition {
            true => Metrics::new(),
            false => Metrics::without_partitions(),
        };
        metrics.declare_clusters(&config);
        let memory = Memory::divide(config.memory);
        let budget = Budget::new(memory.in_flight);
        metrics.memory_budget.set(memory.in_flight as i64);
        let mut fleet = Fleet::new(Shared {
            budget: Arc::clone(&budget),
            prefetch: memory.prefetch_of_each(config.mirrors.len()),
            metrics: metrics.clone(),
        });
        for mirror in &config.mirrors {
            fleet.start(&config, mirror)?;
        }
        let view = Arc::new(View::new(metrics.clone(), budget));
        view.show(fleet.scene(&config));
        let (http_stop, stopped) = oneshot::channel::<()>();
        let source: Arc<dyn http::Source> = Arc::clone(&view) as _;
        let http = tokio::spawn(http::serve(listener, source, async {
            stopped.await.unwrap_or(())
        }));
        Ok(Self {
            config,
            memory,
            fleet,
            metrics,
            view,
            address,
            http,
            http_stop,
        })
    }

    /// Where HTTP listens.
    pub fn http_address(&self) -> SocketAddr {
        self.address
    }

    /// What the partitions of this process are doing.
    pub fn status(&self) -> Status {
        self.view.status()
    }

    /// Goes on as `config` says: mirrors that it does not have any more drain, new ones start, those that have changed are
    /// changed in place or, where their data path has, drained and begun anew. The others are not touched. What takes a new
    /// process is logged.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of a cluster; nothing has changed then.
    pub fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        self.rehearse(&config)?;
        for key in step::needs_new_process(&self.config, &config) {
            tracing::warn!(
                key,
                "changed in the file, takes effect with the next start of the process"
            );
        }
        let prefetch = self.memory.prefetch_of_each(config.mirrors.len());
        self.fleet.set_prefetch(prefetch);
        self.metrics.follow(&self.config, &config);
        self.fleet
            .follow(&config, Deadline::within(config.drain_timeout));
        let old = std::mem::replace(&mut self.config, config);
        // What the process runs with, for the next comparison.
        (self.config.memory, self.config.http_listen) = (old.memory, old.http_listen);
        self.config.metrics_per_partition = old.metrics_per_partition;
        self.config.log.format = old.log.format;
        self.view.show(self.fleet.scene(&self.config));
        Ok(())
    }

    /// Lets librdkafka see the clusters of mirrors that are to start: it reads their certificates, for example.
    fn rehearse(&self, config: &Config) -> anyhow::Result<()> {
        let starting = self.fleet.starting(config).into_iter();
        let clusters = starting.flat_map(|mirror| [&mirror.source, &mirror.target]);
        for name in clusters.collect::<BTreeSet<_>>() {
            let cluster = config.clusters.get(name);
            let cluster = cluster.with_context(|| format!("cluster {name} is not configured"))?;
            Inspector::open(cluster, "kmirror-reload", REQUEST_TIMEOUT)
                .with_context(|| format!("clusters.{name}"))?;
        }
        Ok(())
    }

    /// Puts a mirror in the place of each that was drained for it; answers when a mirror has panicked, which only a bug
    /// makes it do. Cancel-safe.
    pub async fn tend(&mut self) -> JoinError {
        loop {
            match self.fleet.left(&self.config).await {
                Ok(()) => self.view.show(self.fleet.scene(&self.config)),
                Err(panic) => return panic,
            }
        }
    }

    /// Stops reading, waits for what is in flight, commits it, leaves the groups (I7).
    ///
    /// # Panics
    ///
    /// When a mirror or the HTTP server panicked.
    pub async fn drain(mut self) -> DrainOutcome {
        let deadline = Deadline::within(self.config.drain_timeout);
        let outcome = self.fleet.drain(deadline).await;
        drop(self.http_stop);
        // A client that is slow to read its answer is not waited for beyond the deadline.
        if let Ok(served) = tokio::time::timeout_at(deadline.end, self.http).await {
            let served = served.expect("the http server does not panic");
            served.unwrap_or_else(|error| tracing::warn!(%error, "http server failed"));
        }
        outcome
    }
}
