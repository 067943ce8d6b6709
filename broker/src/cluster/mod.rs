//! Runs a cluster, and gives tests a handle on it that needs no wire.

mod conditions;
mod error;
mod groups;
mod leaders;
mod lifeline;
mod logs;
mod nodes;
mod topics;
mod transactions;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kafka_protocol::messages::ApiKey;
use parking_lot::Mutex;
use tokio::net::TcpListener;

pub use error::AdminError;
use lifeline::Lifeline;

use crate::builder::Builder;
use crate::control;
use crate::faults::{Faults, Random};
use crate::journal::Entry;
use crate::net::servers::Servers;
use crate::state::Shared;

/// A running cluster. Dropping it is a [`Cluster::kill`] that does not wait for the ports.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = kmirror_broker::Cluster::builder().nodes(3).start().await?;
/// cluster.create_topic("orders", 4, &[("retention.ms", "60000")])?;
/// assert_eq!(cluster.bootstrap_servers().split(',').count(), 3);
/// assert_eq!(cluster.log_end("orders", 3), Some(0));
/// cluster.shutdown().await;
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(example()).unwrap();
/// ```
pub struct Cluster {
    shared: Arc<Shared>,
    servers: Arc<Servers>,
    seed: u64,
    /// For what the controls draw.
    random: Arc<Mutex<Random>>,
    life: Option<Lifeline>,
}

impl Cluster {
    /// A cluster of one node on a free port, until told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(
        shared: Arc<Shared>,
        seed: u64,
        listeners: Vec<TcpListener>,
    ) -> io::Result<Self> {
        let life = Lifeline::new(Arc::clone(&shared));
        let servers = Arc::new(Servers::start(Arc::clone(&shared), listeners)?);
        Ok(Self {
            shared,
            servers,
            seed,
            random: Arc::new(Mutex::new(Random::new(seed))),
            life: Some(life),
        })
    }

    /// Another handle on the same cluster, which does not stop it when it is dropped.
    fn lend(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            servers: Arc::clone(&self.servers),
            seed: self.seed,
            random: Arc::clone(&self.random),
            life: None,
        }
    }

    /// The addresses of all nodes, as `bootstrap.servers` wants them.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        let state = self.shared.lock();
        let addresses: Vec<String> = state
            .nodes
            .iter()
            .map(|node| format!("{}:{}", node.host, node.port))
            .collect();
        addresses.join(",")
    }

    /// What all that is drawn at random follows from. A test that draws prints it, so that it can be run again.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The rules by which the cluster misbehaves.
    ///
    /// ```
    /// use kmirror_broker::{Api, Cluster, ErrorCode};
    /// # async fn example(cluster: &Cluster) {
    /// let lost = cluster.faults().on(Api::Produce).topic("orders").nth(3).drop_after();
    /// let moved = cluster.faults().on(Api::Fetch).partition(0).first(2).fail(ErrorCode::NotLeaderOrFollower);
    /// lost.hit(1).await;
    /// moved.remove();
    /// # }
    /// ```
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The last requests that came, to any node, oldest first. How many are remembered is
    /// [`Builder::journal`]'s to say; requests that name thousands of partitions each take the room of several.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.journal.entries()
    }

    /// How many requests of an API have come since the cluster was started.
    #[must_use]
    pub fn requests(&self, api: ApiKey) -> usize {
        self.shared.journal.count(api)
    }

    /// Lets programs in any language control the cluster: JSON objects, one per line, as the README describes. Gives the
    /// address, whose port is a free one where port 0 was asked for. Served until the cluster ends.
    ///
    /// # Errors
    /// When the address is not of the loopback, since who can connect may do anything to the cluster, or it is taken.
    pub async fn serve_control(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = control::bind(address).await?;
        let bound = listener.local_addr()?;
        if let Some(life) = &self.life {
            life.spawn(|stop| control::serve(listener, Arc::new(self.lend()), stop));
        }
        Ok(bound)
    }

    /// Ends every connection, joins every task and lets go of the data directory and the ports. Requests that were
    /// being answered may have been carried out without their client being told.
    pub async fn shutdown(mut self) {
        self.servers.shutdown().await;
        if let Some(life) = self.life.take() {
            life.end().await;
        }
    }

    /// Stops as a killed process does: from this moment nothing is written and nobody is told anything. Returns once
    /// the ports are free again, which a mere drop does not wait for.
    pub async fn kill(self) {
        self.shared.close();
        self.shutdown().await;
    }
}
