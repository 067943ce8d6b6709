//! Starts and stops a cluster: binds the nodes, loads the state, runs the timer.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::groups::{GroupSettings, Groups};
use crate::net::listener;
use crate::state::{Node, Shared, State};

/// How often expired sessions and rebalance deadlines are looked for.
const TICK: Duration = Duration::from_millis(20);

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of a node is not an address, or not free.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address as given, with the port of the node at fault.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}: {source}", path.display())]
    DataDir {
        /// The file or directory at fault.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a cluster is to be like; every setting has a default.
#[derive(Debug, Clone)]
pub struct Builder {
    nodes: usize,
    partitions: i32,
    listen: String,
    data_dir: Option<PathBuf>,
    configs: BTreeMap<String, String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            nodes: 1,
            partitions: 1,
            listen: "127.0.0.1:0".to_owned(),
            data_dir: None,
            configs: BTreeMap::new(),
        }
    }
}

impl Builder {
    /// How many brokers the cluster has; 1 unless said, and never less.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes.max(1);
        self
    }

    /// How many partitions an auto-created topic gets (`num.partitions`); 1 unless said.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = partitions;
        self
    }

    /// The first node's address. With port 0 every node gets a free port; with a fixed port P they get P, P+1 and so on.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Where the data is kept, so that it survives the process. Without it everything lives in memory.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Sets a broker property by Kafka's name for it, such as `message.max.bytes`.
    #[must_use]
    pub fn broker_config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.insert(key.into(), value.into());
        self
    }

    /// Loads the state, binds every node, and only then begins to answer.
    ///
    /// # Errors
    /// When an address cannot be bound or the data directory cannot be read or locked.
    pub async fn start(self) -> Result<Cluster, StartError> {
        let groups =
            Groups::new(GroupSettings::default(), self.data_dir.as_deref()).map_err(|source| {
                StartError::DataDir {
                    path: self.data_dir.clone().unwrap_or_default(),
                    source,
                }
            })?;
        let (listeners, nodes) = bind(&self.listen, self.nodes).await?;
        let shared = Arc::new(Shared::new(State { nodes, groups }));
        Ok(Cluster::run(shared, listeners))
    }
}

async fn bind(listen: &str, count: usize) -> Result<(Vec<TcpListener>, Vec<Node>), StartError> {
    let failed = |address: String| move |source| StartError::Listen { address, source };
    let first = resolve(listen).await.map_err(failed(listen.to_owned()))?;
    let mut listeners = Vec::with_capacity(count);
    let mut nodes = Vec::with_capacity(count);
    for (id, offset) in (0..).zip(0..count as u16) {
        let port = if first.port() == 0 {
            0
        } else {
            first.port().saturating_add(offset)
        };
        let address = SocketAddr::new(first.ip(), port);
        let listener = TcpListener::bind(address)
            .await
            .map_err(failed(address.to_string()))?;
        let bound = listener.local_addr().map_err(failed(address.to_string()))?;
        nodes.push(Node {
            id: BrokerId(id),
            host: advertised(bound.ip()),
            port: bound.port(),
        });
        listeners.push(listener);
    }
    Ok((listeners, nodes))
}

/// An IPv4 address is preferred, since that is what clients are told.
async fn resolve(listen: &str) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host(listen).await?.collect();
    let preferred = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    preferred
        .copied()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

/// Clients cannot connect to "any address", so the loopback stands in for it.
fn advertised(ip: IpAddr) -> StrBytes {
    let ip = if ip.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        ip
    };
    StrBytes::from_string(ip.to_string())
}

/// A running cluster. Dropping it is a kill: nothing is flushed and nobody is told.
pub struct Cluster {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    stop: watch::Sender<()>,
}

impl Cluster {
    /// A cluster of one node on a free port, until told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn run(shared: Arc<Shared>, listeners: Vec<TcpListener>) -> Self {
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        for (node, listener) in (0..).zip(listeners) {
            tasks.spawn(listener::serve(
                listener,
                BrokerId(node),
                Arc::clone(&shared),
                stopped.clone(),
            ));
        }
        tasks.spawn(tick(Arc::clone(&shared), stopped));
        Self {
            shared,
            tasks,
            stop,
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

    /// Ends every connection, joins every task and writes out what is left to write.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(());
        let mut tasks = std::mem::take(&mut self.tasks);
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the cluster failed");
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Drives what happens by the passing of time alone.
async fn tick(shared: Arc<Shared>, mut stop: watch::Receiver<()>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => shared.lock().groups.tick(Instant::now()),
            _ = stop.changed() => return,
        }
    }
}
