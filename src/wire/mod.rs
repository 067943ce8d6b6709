//! Requests that kmirror sends over connections of its own, where librdkafka has no call or a costly one.
//!
//! librdkafka's listing of all topics fills a cache with each of them, every time; here an answer that has not changed is
//! not even read. And no call of librdkafka writes under another producer's id. Members, fetching, producing and the rest of
//! the administration stay with librdkafka.
//!
//! - [`Wire`]: one cluster, asked through whichever of its brokers answers, or through one node;
//! - `connection`: one connection: versions, requests, answers;
//! - `channel`: the frames of one stream;
//! - `security`, `scram`: TLS and SASL, by the same keys of the configuration as librdkafka's.

mod address;
mod channel;
mod connection;
mod scram;
mod security;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use tokio::sync::Mutex;
use tokio::time::Instant;

use address::Address;
use connection::Connection;
pub use connection::Reply;
use security::Security;

use crate::config;

/// Shortest time that one broker is given to take up a connection before the next one is tried.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No broker could be reached, or the one asked did not answer in time.
    #[error("{0}")]
    Unreachable(String),
    /// The credentials were refused.
    #[error("{0}")]
    Denied(String),
    /// A broker was reached and said something that is not understood, or cannot do what is asked.
    #[error("{0}")]
    Unusable(String),
}

fn garbled(address: &Address, error: impl fmt::Display) -> Error {
    Error::Unusable(format!("{address} does not answer as Kafka does: {error}"))
}

/// Asks which of the named topics there are, of all where none are named, and who leads their partitions. Creates none.
pub fn metadata_of(topics: Option<&[String]>) -> MetadataRequest {
    let named = |name: &String| {
        let name = TopicName(StrBytes::from_string(name.clone()));
        MetadataRequestTopic::default().with_name(Some(name))
    };
    MetadataRequest::default()
        .with_topics(topics.map(|names| names.iter().map(named).collect()))
        .with_allow_auto_topic_creation(false)
}

/// One cluster. Cheap to clone; all clones share the connections, one per broker that is asked.
///
/// Each request ends within the timeout given to [`Wire::new`], connecting included. Cancel-safe.
#[derive(Clone)]
pub struct Wire {
    inner: Arc<Inner>,
}

struct Inner {
    client_id: String,
    security: Security,
    bootstrap: Vec<Address>,
    timeout: Duration,
    /// To the broker that answers what any of them can.
    any: Mutex<Any>,
    nodes: Mutex<BTreeMap<i32, Arc<Node>>>,
}

#[derive(Default)]
struct Any {
    connection: Option<Arc<Connection>>,
    /// Which of the brokers is tried next.
    turn: usize,
}

/// A broker by its number.
struct Node {
    address: Address,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Wire {
    /// Prepares the client; connects when first asked.
    ///
    /// # Errors
    ///
    /// When the files or settings of `tls` are refused.
    pub fn new(
        cluster: &config::Cluster,
        client_id: &str,
        timeout: Duration,
    ) -> Result<Self, String> {
        let servers = cluster.bootstrap_servers.split(',');
        Ok(Self {
            inner: Arc::new(Inner {
                client_id: client_id.to_owned(),
                security: Security::of(cluster)?,
                bootstrap: servers.map(Address::parse).collect(),
                timeout,
                any: Mutex::default(),
                nodes: Mutex::default(),
            }),
        })
    }

    /// Asks any broker.
    ///
    /// # Errors
    ///
    /// When none answers in time; codes within the answer are its own.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<Reply<R>, Error> {
        let deadline = Instant::now() + self.inner.timeout;
        loop {
            let found = in_time(deadline, self.any(deadline)).await?;
            let answer = in_time(deadline, found.connection.call(request)).await;
            if answer.is_ok() {
                return answer;
            }
            self.leave(&found.connection).await;
            // One that was there before may have been closed while it was not used.
            if found.is_new || Instant::now() >= deadline {
                return answer;
            }
        }
    }

    /// A connection to whichever broker takes it up.
    async fn any(&self, deadline: Instant) -> Result<Found, Error> {
        let mut any = self.inner.any.lock().await;
        if let Some(found) = Found::before(&any.connection) {
            return Ok(found);
        }
        any.connection = None;
        let brokers = self.brokers().await;
        let mut last = Error::Unreachable("no broker is named".to_owned());
        for left in (1..=brokers.len()).rev() {
            let broker = &brokers[any.turn % brokers.len()];
            let time = deadline.saturating_duration_since(Instant::now());
            let share = time / u32::try_from(left).unwrap_or(u32::MAX);
            let until = deadline.min(Instant::now() + share.max(LEAST_PATIENCE));
            match in_time(until, self.inner.connect(broker)).await {
                Ok(found) => {
                    any.connection = Some(Arc::clone(&found.connection));
                    return Ok(found);
                }
                // The others would say the same.
                Err(denied @ Error::Denied(_)) => return Err(denied),
                Err(error) => last = error,
            }
            any.turn += 1;
        }
        Err(last)
    }

    /// The brokers to try: those of the configuration, then others that are known.
    async fn brokers(&self) -> Vec<Address> {
        let nodes = self.inner.nodes.lock().await;
        let mut brokers = self.inner.bootstrap.clone();
        let others = nodes.values().map(|node| &node.address);
        let others = others.filter(|address| !self.inner.bootstrap.contains(address));
        brokers.extend(others.cloned());
        brokers
    }

    /// Has the next request go over another connection.
    async fn leave(&self, left: &Arc<Connection>) {
        let mut any = self.inner.any.lock().await;
        if let Some(connection) = &any.connection
            && Arc::ptr_eq(connection, left)
        {
            any.connection = None;
            any.turn += 1;
        }
    }

    /// Notes where an answer says the nodes are; answers whether they are others than before.
    pub async fn learn_nodes(&self, metadata: &MetadataResponse) -> bool {
        let mut nodes = self.inner.nodes.lock().await;
        let mut before = std::mem::take(&mut *nodes);
        let is_first = before.is_empty();
        let mut has_new = false;
        for broker in &metadata.brokers {
            let address = Address {
                host: broker.host.to_string(),
                port: u16::try_from(broker.port).unwrap_or_default(),
            };
            let known = before.remove(&broker.node_id);
            let known = known.filter(|node| node.address == address);
            has_new |= known.is_none();
            let node = known.unwrap_or_else(|| {
                Arc::new(Node {
                    address,
                    connection: Mutex::default(),
                })
            });
            nodes.insert(*broker.node_id, node);
        }
        !is_first && (has_new || !before.is_empty())
    }

    /// Asks one node, one of those that were learned.
    ///
    /// # Errors
    ///
    /// When it is not known, or does not answer in time; whether it did what it was asked is not known then.
    pub async fn ask_node<R: Request>(&self, node: i32, request: &R) -> Result<Reply<R>, Error> {
        self.ask_node_within(i16::MAX, node, request).await
    }

    /// Asks one node in no newer version than `newest`: a request whose fields mean something up to there only.
    ///
    /// # Errors
    ///
    /// As those of [`Wire::ask_node`].
    pub async fn ask_node_within<R: Request>(
        &self,
        newest: i16,
        node: i32,
        request: &R,
    ) -> Result<Reply<R>, Error> {
        let deadline = Instant::now() + self.inner.timeout;
        let known = self.inner.nodes.lock().await.get(&node).cloned();
        let node = known.ok_or_else(|| Error::Unusable(format!("broker {node} is not known")))?;
        loop {
            let found = in_time(deadline, self.inner.of_node(&node)).await?;
            let answer = in_time(deadline, found.connection.call_within(newest, request)).await;
            if answer.is_ok() {
                return answer;
            }
            node.connection
                .lock()
                .await
                .take_if(|connection| Arc::ptr_eq(connection, &found.connection));
            if found.is_new || Instant::now() >= deadline {
                return answer;
            }
        }
    }
}

impl Inner {
    async fn connect(&self, address: &Address) -> Result<Found, Error> {
        let connection = Connection::open(address, &self.security, &self.client_id).await?;
        Ok(Found {
            connection: Arc::new(connection),
            is_new: true,
        })
    }

    async fn of_node(&self, node: &Node) -> Result<Found, Error> {
        let mut place = node.connection.lock().await;
        if let Some(found) = Found::before(&place) {
            return Ok(found);
        }
        let found = self.connect(&node.address).await?;
        *place = Some(Arc::clone(&found.connection));
        Ok(found)
    }
}

/// A connection to be used.
struct Found {
    connection: Arc<Connection>,
    /// Whether it was opened for this request.
    is_new: bool,
}

impl Found {
    fn before(place: &Option<Arc<Connection>>) -> Option<Self> {
        let connection = place.as_ref().filter(|connection| connection.is_valid())?;
        Some(Self {
            connection: Arc::clone(connection),
            is_new: false,
        })
    }
}

async fn in_time<T>(
    deadline: Instant,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout_at(deadline, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unreachable("no answer in time".to_owned())),
    }
}

#[cfg(test)]
mod tests;
