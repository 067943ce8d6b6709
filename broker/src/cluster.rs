//! Runs a cluster, and gives tests a handle on it that needs no wire.

use std::sync::Arc;

use kafka_protocol::messages::{ApiKey, BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::builder::Builder;
use crate::faults::Faults;
use crate::journal::Entry;
use crate::net::listener;
use crate::state::Shared;
use crate::timer;
use crate::topics::{Layout, NewTopic, Partition};

/// A call on a [`Cluster`] that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// Kafka's number for the error.
    pub code: i16,
    message: String,
}

impl AdminError {
    fn new(error: kafka_protocol::error::ResponseError, message: impl Into<String>) -> Self {
        Self {
            code: error.code(),
            message: message.into(),
        }
    }
}

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
    seed: u64,
    tasks: JoinSet<()>,
    stop: watch::Sender<()>,
}

impl Cluster {
    /// A cluster of one node on a free port, until told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(shared: Arc<Shared>, seed: u64, listeners: Vec<TcpListener>) -> Self {
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
        tasks.spawn(timer::run(Arc::clone(&shared), stopped));
        Self {
            shared,
            seed,
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

    /// Creates a topic with one replica of each partition.
    ///
    /// # Errors
    /// As CreateTopics: an invalid or taken name, a wrong count, an unknown configuration.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<(), AdminError> {
        let new = NewTopic {
            name: TopicName(StrBytes::from_string(name.to_owned())),
            layout: Layout::Spread {
                partitions: Some(partitions),
                replication_factor: None,
            },
            configs: configs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let created = self.shared.lock().create_topic(new).map(|_| ());
        created.map_err(|refused| AdminError::new(refused.error, refused.message))
    }

    /// Deletes a topic with its records, and the offsets that groups committed for it.
    ///
    /// # Errors
    /// When there is no such topic or the data directory cannot be written.
    pub fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        let deleted = self.shared.lock().delete_topic(name);
        deleted.map_err(|refused| AdminError::new(refused.error, refused.message))
    }

    /// The first offset that can be read; `None` when there is no such partition.
    #[must_use]
    pub fn log_start(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read(topic, partition, |partition| partition.log().start())
    }

    /// The offset that the next record gets; `None` when there is no such partition.
    #[must_use]
    pub fn log_end(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read(topic, partition, |partition| partition.log().end())
    }

    fn read<T>(
        &self,
        topic: &str,
        partition: i32,
        read: impl FnOnce(&Partition) -> T,
    ) -> Option<T> {
        self.shared
            .lock()
            .topics
            .get(topic)?
            .partition(partition)
            .map(read)
    }

    /// Deletes the records before `offset`, and gives the new start of the log.
    ///
    /// # Errors
    /// When there is no such partition, the offset lies beyond its end, or the data directory cannot be written.
    pub fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<i64, AdminError> {
        let mut state = self.shared.lock();
        let deleted = state.delete_records(topic, partition, offset);
        deleted.map_err(|error| AdminError::new(error, format!("{topic}-{partition}: {error}")))
    }

    /// Applies `retention.ms` and `retention.bytes` now instead of at the next check.
    pub fn enforce_retention(&self) {
        self.shared.lock().enforce_retention(crate::clock::now_ms());
    }

    /// Ends every connection, joins every task and lets go of the data directory and the ports. Requests that were
    /// being answered may have been carried out without their client being told.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(());
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the cluster failed");
            }
        }
    }

    /// Stops as a killed process does: from this moment nothing is written and nobody is told anything. Returns once
    /// the ports are free again, which a mere drop does not wait for.
    pub async fn kill(self) {
        self.shared.close();
        self.shutdown().await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shared.close();
    }
}
