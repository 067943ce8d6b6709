//! Looks at one cluster: a client without a group, asked asynchronously.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode;

use super::configs::{self, ConfigValue, Configs, Which};
use super::context::ClusterContext;
use super::error::{self, Error, Kind};
use super::topics::{self, Listing, TopicId, TopicInfo};
use super::{TopicPartition, properties};
use crate::config::{self, Isolation};
use crate::librdkafka::admin::acls::{self, TopicAcl};
use crate::librdkafka::admin::cluster_description::{self, ClusterDescription};
use crate::librdkafka::admin::group_listing;
use crate::librdkafka::admin::group_members::{self, GroupDescription};
use crate::librdkafka::admin::group_offsets::{self, GroupOffset, GroupQuery};
use crate::librdkafka::admin::partition_offsets::{self, OffsetSpec};
use crate::librdkafka::admin::topic_rights::{self, TopicRights};
use crate::librdkafka::admin::{Failure, PartitionOffset};
use crate::wire::{self, Reply, Wire};

/// One answer per group asked about, in the order of the question.
pub type PerGroup<T> = Vec<Result<T, Failure>>;

/// Asks one cluster. Cheap to clone; all clones share the connections.
///
/// Every question ends within the timeout given to [`Inspector::open`] plus about a second. Answers
/// about many things carry a result for each, so that one topic's trouble never hides the others.
#[derive(Clone)]
pub struct Inspector {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: String,
    servers: String,
    timeout: Duration,
    context: ClusterContext,
    consumer: BaseConsumer<ClusterContext>,
    wire: Wire,
    listing: Listing,
    /// Whether no broker answered when one was asked last.
    is_down: AtomicBool,
    /// Whether one has answered since.
    has_returned: AtomicBool,
}

impl Inspector {
    /// Prepares the client; connects when first asked. Fails when librdkafka refuses a property.
    pub fn open(
        cluster: &config::Cluster,
        client_id: &str,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let context = ClusterContext::new(&cluster.name);
        let refused = |what| Error::Other {
            cluster: cluster.name.clone(),
            what,
        };
        let consumer = properties::consumer(cluster, client_id)
            .create_with_context(context.clone())
            .map_err(|error| refused(format!("librdkafka refuses its properties: {error}")))?;
        let wire = Wire::new(cluster, client_id, timeout).map_err(refused)?;
        Ok(Self {
            inner: Arc::new(Inner {
                cluster: cluster.name.clone(),
                servers: cluster.bootstrap_servers.clone(),
                timeout,
                context,
                consumer,
                wire,
                listing: Listing::default(),
                is_down: AtomicBool::new(false),
                has_returned: AtomicBool::new(false),
            }),
        })
    }

    /// Name of the cluster in the configuration.
    pub fn cluster(&self) -> &str {
        &self.inner.cluster
    }

    /// Every topic of the cluster that the client may describe, by one metadata request, by name. While nothing has changed
    /// it is the same list.
    pub async fn topics(&self) -> Result<Arc<[TopicInfo]>, Error> {
        let Inner { wire, listing, .. } = &*self.inner;
        let topics = self.told(listing.ask(wire).await)?;
        if listing.take_other_brokers() {
            self.learn_brokers().await;
        }
        Ok(topics)
    }

    /// Tells librdkafka which brokers there are: it asks all that it knows for their groups.
    async fn learn_brokers(&self) {
        let inner = Arc::clone(&self.inner);
        let learnt = blocking(move || inner.consumer.fetch_metadata(None, inner.timeout).map(drop));
        if let Err(error) = learnt.await {
            tracing::debug!(%error, "the brokers are not known");
        }
    }

    /// The first offset that each log still holds, in the order of `partitions`.
    pub async fn log_starts(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<PartitionOffset>, Error> {
        self.offsets(partitions, OffsetSpec::LogStart).await
    }

    /// The offset after the last record of each log that readers of this isolation see, in the order of `partitions`.
    pub async fn ends_for(
        &self,
        isolation: Isolation,
        partitions: &[TopicPartition],
    ) -> Result<Vec<PartitionOffset>, Error> {
        let spec = match isolation {
            Isolation::ReadCommitted => OffsetSpec::LogEnd,
            Isolation::ReadUncommitted => OffsetSpec::HighWatermark,
        };
        self.offsets(partitions, spec).await
    }

    /// The first offset whose record has a timestamp at or after `time`, in the order of `partitions`;
    /// none where there is no such record.
    pub async fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        time: SystemTime,
    ) -> Result<Vec<PartitionOffset>, Error> {
        self.offsets(partitions, OffsetSpec::AtOrAfter(time)).await
    }

    async fn offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<Vec<PartitionOffset>, Error> {
        let partitions = partitions.to_vec();
        self.admin(move |client, timeout| {
            partition_offsets::partition_offsets(client, &partitions, spec, timeout)
        })
        .await
    }

    /// Names of all groups that consume, as far as the client may know them.
    pub async fn groups(&self) -> Result<group_listing::Listing, Error> {
        self.admin(group_listing::list).await
    }

    /// What each group has committed; absent where it has committed nothing.
    pub async fn committed(
        &self,
        groups: Vec<GroupQuery>,
    ) -> Result<PerGroup<Vec<GroupOffset>>, Error> {
        self.admin(move |client, timeout| Ok(group_offsets::committed(client, &groups, timeout)))
            .await
    }

    /// Who is in each group.
    pub async fn members(&self, groups: Vec<String>) -> Result<PerGroup<GroupDescription>, Error> {
        self.admin(move |client, timeout| group_members::describe(client, &groups, timeout))
            .await
    }

    /// What this client may do with each group; absent where the broker does not tell.
    pub async fn group_rights(
        &self,
        groups: Vec<String>,
    ) -> Result<PerGroup<group_members::Rights>, Error> {
        self.admin(move |client, timeout| group_members::rights(client, &groups, timeout))
            .await
    }

    /// Configs that are set on each topic itself, inherited ones left out.
    pub async fn topic_configs(&self, topics: &[String]) -> Result<Vec<Configs>, Error> {
        self.configs(topics, Which::SetOnTopic).await
    }

    /// Every config in effect on each topic.
    pub async fn all_topic_configs(&self, topics: &[String]) -> Result<Vec<Configs>, Error> {
        self.configs(topics, Which::InEffect).await
    }

    async fn configs(&self, topics: &[String], which: Which) -> Result<Vec<Configs>, Error> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let reply = self.inner.wire.ask(&configs::of_topics(topics)).await;
        let answer = self.told(reply.and_then(Reply::read))?;
        Ok(configs::read(&answer, which))
    }

    /// Every config of one broker.
    pub async fn broker_configs(&self, node: i32) -> Result<Vec<ConfigValue>, Error> {
        // Tells where the node is.
        self.topics().await?;
        let request = configs::of_broker(node);
        let reply = self.inner.wire.ask_node(node, &request).await;
        let answer = self.told(reply.and_then(Reply::read))?;
        let of_broker = configs::read(&answer, Which::InEffect).pop();
        let values = of_broker.map_or_else(|| Ok(Vec::new()), |broker| broker.values);
        values.map_err(|failure| self.inner.error(failure))
    }

    /// ACLs of all topics that are named in full; none where the cluster has no authorizer, and none where it does not
    /// let this client read them: [`Inspector::describe`] tells its rights.
    pub async fn topic_acls(&self) -> Result<Vec<TopicAcl>, Error> {
        self.admin(acls::describe).await
    }

    /// Nodes, cluster id and what this client may do on the cluster.
    pub async fn describe(&self) -> Result<ClusterDescription, Error> {
        self.admin(cluster_description::describe).await
    }

    /// What this client may do on each topic.
    pub async fn topic_rights(&self, topics: &[String]) -> Result<Vec<TopicRights>, Error> {
        let topics = topics.to_vec();
        self.admin(move |client, timeout| topic_rights::describe(client, &topics, timeout))
            .await
    }

    /// Ids of those topics that exist and have one, by one metadata request.
    pub async fn topic_ids(&self, topics: &[String]) -> Result<BTreeMap<String, TopicId>, Error> {
        let known = self.named_topics(topics).await?.into_iter();
        Ok(known
            .filter_map(|topic| Some((topic.name, topic.id?)))
            .collect())
    }

    /// Those of `topics` that are there, as far as the client may know, and that it may not describe.
    pub async fn denied_topics(
        &self,
        topics: &[String],
    ) -> Result<BTreeMap<String, Failure>, Error> {
        let failed = self.named_topics(topics).await?.into_iter();
        let failed = failed.filter_map(|topic| Some((topic.name, topic.error?)));
        let denied =
            failed.filter(|(_, why)| why.code == RDKafkaErrorCode::TopicAuthorizationFailed);
        Ok(denied.collect())
    }

    async fn named_topics(&self, names: &[String]) -> Result<Vec<TopicInfo>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.told(topics::named(&self.inner.wire, names).await)
    }

    fn told<T>(&self, answer: Result<T, wire::Error>) -> Result<T, Error> {
        let is_down = matches!(answer, Err(wire::Error::Unreachable(_)));
        let was_down = self.inner.is_down.swap(is_down, Ordering::Relaxed);
        if was_down && !is_down {
            self.inner.has_returned.store(true, Ordering::Relaxed);
        }
        answer.map_err(|error| self.inner.not_told(error))
    }

    /// Whether a broker answers, where none did before, since this was last asked.
    pub fn take_returned(&self) -> bool {
        self.inner.has_returned.swap(false, Ordering::Relaxed)
    }

    /// Whether a broker answers, where none did when one was asked last. librdkafka is not asked before that: a request that
    /// waits for a broker keeps two of its threads busy, each time that a connection is refused.
    async fn await_answer(&self) -> Result<(), Error> {
        if !self.inner.is_down.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.told(topics::named(&self.inner.wire, &[]).await)
            .map(drop)
    }

    pub(super) async fn admin<T: Send + 'static>(
        &self,
        request: impl FnOnce(&Client<ClusterContext>, Duration) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        self.await_answer().await?;
        let answer = self.ask(|inner| request(inner.consumer.client(), inner.timeout));
        let answer = answer.await;
        if answer.as_ref().is_err_and(Error::is_cluster_down) {
            self.inner.is_down.store(true, Ordering::Relaxed);
        }
        answer
    }

    async fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&Inner) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let answer = request(&inner);
            inner.serve_events();
            match answer {
                Ok(answer) => {
                    inner.context.forget();
                    Ok(answer)
                }
                Err(failure) => Err(inner.error(failure)),
            }
        })
        .await
    }
}

impl Inner {
    fn not_told(&self, error: wire::Error) -> Error {
        let (cluster, servers) = (self.cluster.clone(), self.servers.clone());
        match error {
            wire::Error::Unreachable(what) => Error::Unreachable {
                cluster,
                servers,
                what,
            },
            wire::Error::Denied(what) => Error::Denied { cluster, what },
            wire::Error::Unusable(what) => Error::Other { cluster, what },
        }
    }

    /// Takes what librdkafka has queued for the application: its log lines and connection errors, which
    /// would otherwise pile up, and which explain why an answer did not come.
    fn serve_events(&self) {
        // One poll hands over what it can in that time, and with `debug` there is more.
        let mut before = None;
        while before != Some(self.context.heard()) {
            before = Some(self.context.heard());
            // An error is one that the context has been told of already.
            let _ = self.consumer.poll(Duration::from_millis(1));
        }
    }

    fn error(&self, failure: Failure) -> Error {
        let cluster = self.cluster.clone();
        let connection_error = self.context.last_connection_error();
        let what = failure.message;
        match error::kind(failure.code) {
            Kind::Unreachable => match connection_error {
                Some(what) if is_about_credentials(&what) => Error::Denied { cluster, what },
                cause => Error::Unreachable {
                    cluster,
                    servers: self.servers.clone(),
                    what: cause.unwrap_or(what),
                },
            },
            Kind::Denied => Error::Denied { cluster, what },
            Kind::Other => Error::Other { cluster, what },
        }
    }
}

/// librdkafka reports refused credentials as a connection that could not be made.
fn is_about_credentials(connection_error: &str) -> bool {
    let words = [
        "SASL authentication error",
        "SASL handshake failed",
        "mechanism handshake failed",
    ];
    words.iter().any(|words| connection_error.contains(words))
}

/// Runs `work` on a thread that may block. Its panic is ours.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("a blocking task that has begun cannot be cancelled"),
        },
    }
}
