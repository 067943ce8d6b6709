//! Says what a cluster is to be like, and starts it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kafka_protocol::messages::ApiKey;

use crate::api::Versions;
use crate::cluster::Cluster;
use crate::config::BrokerConfigs;
use crate::faults::{Faults, Random};
use crate::journal::Journal;
use crate::net::bind::bind;
use crate::state::Shared;
use crate::store::StoreError;

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of a node is no address, or not free.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address, with the port of the node at fault.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    DataDir {
        /// The file or directory at fault.
        path: PathBuf,
        /// What the system said, or what is wrong with the content.
        source: io::Error,
    },
    /// A broker property does not exist, or its value does not fit it.
    #[error("{0}")]
    Config(String),
}

impl From<StoreError> for StartError {
    fn from(StoreError { path, source }: StoreError) -> Self {
        Self::DataDir { path, source }
    }
}

/// What a cluster is to be like; every setting has a default.
#[derive(Debug, Clone)]
pub struct Builder {
    nodes: usize,
    listen: String,
    data_dir: Option<PathBuf>,
    configs: BTreeMap<String, String>,
    seed: Option<u64>,
    journal: usize,
    caps: Vec<(ApiKey, i16)>,
}

/// How many requests are remembered unless said.
const JOURNAL: usize = 100_000;

impl Default for Builder {
    fn default() -> Self {
        Self {
            nodes: 1,
            listen: "127.0.0.1:0".to_owned(),
            data_dir: None,
            configs: BTreeMap::new(),
            seed: None,
            journal: JOURNAL,
            caps: Vec::new(),
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

    /// How many partitions an auto-created topic gets; short for the broker property `num.partitions`, 1 unless said.
    #[must_use]
    pub fn partitions(self, partitions: i32) -> Self {
        self.broker_config("num.partitions", partitions.to_string())
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

    /// Has the cluster keep ACLs, in the data directory if there is one. They are not enforced: fault rules are what denies.
    /// Without this, requests about ACLs are answered with SECURITY_DISABLED. Short for the broker property
    /// `authorizer.class.name`.
    #[must_use]
    pub fn authorizer(self) -> Self {
        let class = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
        self.broker_config("authorizer.class.name", class)
    }

    /// What all that is drawn at random follows from; a seed that nobody chose unless said, see [`Cluster::seed`].
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many requests are remembered, see [`Cluster::journal`]; the last 100 000 unless said.
    #[must_use]
    pub fn journal(mut self, entries: usize) -> Self {
        self.journal = entries;
        self
    }

    /// Advertises and answers no version of an API above `highest`, as an older cluster would. Below the lowest version
    /// there is, or of an API that the broker does not have, it is as if there were no such API.
    #[must_use]
    pub fn cap_versions(mut self, api: ApiKey, highest: i16) -> Self {
        self.caps.push((api, highest));
        self
    }

    fn versions(&self) -> Versions {
        let versions = Versions::all();
        for (api, highest) in &self.caps {
            versions.cap(*api, *highest);
        }
        versions
    }

    /// Loads the state, binds every node, and only then begins to answer.
    ///
    /// # Errors
    /// When a property is wrong, an address cannot be bound, or the data directory cannot be locked or read.
    pub async fn start(self) -> Result<Cluster, StartError> {
        let versions = self.versions();
        let (seed, journal) = (
            self.seed.unwrap_or_else(Random::seed),
            Journal::new(self.journal),
        );
        let configs = BrokerConfigs::new(self.configs)
            .map_err(|invalid| StartError::Config(invalid.to_string()))?;
        let (listeners, nodes) =
            bind(&self.listen, self.nodes)
                .await
                .map_err(|error| StartError::Listen {
                    address: error.address,
                    source: error.source,
                })?;
        let data_dir = self.data_dir;
        let load = tokio::task::spawn_blocking(move || {
            crate::load::load(nodes, configs, data_dir.as_deref())
        });
        let state = load
            .await
            .map_err(|panic| StartError::Config(panic.to_string()))??;
        let shared = Shared::new(state, Faults::new(seed), journal, versions);
        Cluster::run(Arc::new(shared), seed, listeners).map_err(|source| StartError::Listen {
            address: self.listen,
            source,
        })
    }
}
