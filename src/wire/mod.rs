//! Requests that kmirror sends over connections of its own, where librdkafka has no call or a costly one.
//!
//! librdkafka's listing of all topics fills a cache with each of them, every time; here an answer that has not changed is
//! not even read. And no call of librdkafka writes under another producer's id. Members, fetching, producing and the rest of
//! the administration stay with librdkafka.
//!
//! - [`Wire`]: one cluster, asked through whichever of its brokers answers, or through one node;
//! - `connection`: one connection: requests out, answers in, strictly in turn;
//! - `security`: TLS and SASL, by the same keys of the configuration as librdkafka's.

mod connection;
mod scram;
mod security;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::protocol::Request;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use connection::Reply;
use connection::{Address, Connection};
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

/// One cluster. Cheap to clone; all clones share the connections, one per broker that is asked.
///
/// Each request ends within the timeout given to [`Wire::new`], connecting included. Cancel-safe: a request that is given
/// up takes its connection along.
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
    nodes: Mutex<Nodes>,
}

#[derive(Default)]
struct Any {
    connection: Option<Connection>,
    /// Which of the brokers is tried next.
    turn: usize,
}

#[derive(Default)]
struct Nodes {
    addresses: BTreeMap<i32, Address>,
    connections: BTreeMap<i32, Arc<Mutex<Option<Connection>>>>,
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
        let inner = &*self.inner;
        let deadline = Instant::now() + inner.timeout;
        let mut any = inner.any.lock().await;
        if let Some(mut connection) = any.connection.take() {
            match in_time(deadline, connection.call(request)).await {
                Ok(reply) => {
                    any.connection = Some(connection);
                    return Ok(reply);
                }
                // It may have been closed while it was not used.
                Err(error) if Instant::now() >= deadline => {
                    any.turn += 1;
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        let brokers = self.brokers().await;
        let mut last = None;
        for nth in 0..brokers.len() {
            let broker = &brokers[(any.turn + nth) % brokers.len()];
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(brokers.len() - nth).unwrap_or(u32::MAX);
            let until = deadline.min(Instant::now() + share.max(LEAST_PATIENCE));
            let answer = async {
                let mut connection = in_time(until, inner.connect(broker)).await?;
                let reply = in_time(deadline, connection.call(request)).await?;
                Ok((connection, reply))
            };
            match answer.await {
                Ok((connection, reply)) => {
                    any.turn += nth;
                    any.connection = Some(connection);
                    return Ok(reply);
                }
                // The others would say the same.
                Err(denied @ Error::Denied(_)) => return Err(denied),
                Err(error) => last = Some(error),
            }
            if Instant::now() >= deadline {
                any.turn += nth + 1;
                break;
            }
        }
        Err(last.unwrap_or_else(|| Error::Unreachable("no broker is named".to_owned())))
    }

    /// Notes where an answer says the nodes are.
    pub async fn learn_nodes(&self, metadata: &MetadataResponse) {
        let brokers = metadata.brokers.iter().map(|broker| {
            let host = broker.host.to_string();
            let port = u16::try_from(broker.port).unwrap_or_default();
            (*broker.node_id, Address { host, port })
        });
        let mut nodes = self.inner.nodes.lock().await;
        nodes.addresses = brokers.collect();
        let Nodes {
            addresses,
            connections,
        } = &mut *nodes;
        connections.retain(|node, _| addresses.contains_key(node));
    }

    /// Asks one node, one of those that were learned.
    ///
    /// # Errors
    ///
    /// When it is not known, or does not answer in time; whether it did what it was asked is not known then.
    pub async fn ask_node<R: Request>(&self, node: i32, request: &R) -> Result<Reply<R>, Error> {
        let inner = &*self.inner;
        let deadline = Instant::now() + inner.timeout;
        let (address, place) = {
            let mut nodes = inner.nodes.lock().await;
            let Some(address) = nodes.addresses.get(&node).cloned() else {
                return Err(Error::Unusable(format!("broker {node} is not known")));
            };
            let place = nodes.connections.entry(node).or_default();
            (address, Arc::clone(place))
        };
        let mut place = place.lock().await;
        if let Some(mut connection) = place.take()
            && connection.is_for(&address)
            && let Ok(reply) = in_time(deadline, connection.call(request)).await
        {
            *place = Some(connection);
            return Ok(reply);
        }
        let mut connection = in_time(deadline, inner.connect(&address)).await?;
        let reply = in_time(deadline, connection.call(request)).await?;
        *place = Some(connection);
        Ok(reply)
    }

    /// The brokers to try: those that are known, then those of the configuration.
    async fn brokers(&self) -> Vec<Address> {
        let nodes = self.inner.nodes.lock().await;
        let mut brokers: Vec<_> = self.inner.bootstrap.clone();
        let others = nodes.addresses.values();
        let others = others.filter(|address| !self.inner.bootstrap.contains(address));
        brokers.extend(others.cloned());
        brokers
    }
}

impl Inner {
    async fn connect(&self, address: &Address) -> Result<Connection, Error> {
        Connection::open(address, &self.security, &self.client_id).await
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
