//! Describes a cluster: its nodes, its id and what this client may do on it and on its topics.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::{Failure, Session, array, c_string, error_outcome, text};

/// What a client may do, as brokers name it in their ACLs.
pub use sys::rd_kafka_AclOperation_t as AclOperation;

/// A cluster as one of its nodes describes it.
#[derive(Debug, Clone)]
pub struct ClusterDescription {
    /// Identity of the cluster; absent on very old brokers.
    pub cluster_id: Option<String>,
    /// Ids of the brokers that are up.
    pub nodes: Vec<i32>,
    /// Whether a controller is known: without one, topics cannot be created.
    pub has_controller: bool,
    /// What the client may do on the cluster; absent when the broker does not tell (before KIP-430).
    pub rights: Option<Vec<AclOperation>>,
}

/// What the client may do on one topic.
#[derive(Debug, Clone)]
pub struct TopicRights {
    /// Name of the topic.
    pub topic: String,
    /// Absent when the broker does not tell; or why the topic cannot be described.
    pub rights: Result<Option<Vec<AclOperation>>, Failure>,
}

/// Describes the cluster.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<ClusterDescription, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER;
    let session = Session::open(client, operation, timeout);
    let options = session.options(0).with_authorized_operations();
    // SAFETY: client, options and queue are alive during the call, which copies the options.
    unsafe {
        sys::rd_kafka_DescribeCluster(
            session.client.as_ptr(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    let event = session.only()?;
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeCluster_result(event.as_ptr());
        let mut count = 0;
        let nodes = sys::rd_kafka_DescribeCluster_result_nodes(result, &raw mut count);
        let nodes = array(nodes, count)
            .iter()
            .map(|&node| sys::rd_kafka_Node_id(node))
            .collect();
        let rights =
            sys::rd_kafka_DescribeCluster_result_authorized_operations(result, &raw mut count);
        Ok(ClusterDescription {
            cluster_id: text(sys::rd_kafka_DescribeCluster_result_cluster_id(result)),
            nodes,
            has_controller: !sys::rd_kafka_DescribeCluster_result_controller(result).is_null(),
            rights: (!rights.is_null()).then(|| array(rights, count).to_vec()),
        })
    }
}

/// Asks what the client may do on each topic, in one request.
pub fn topic_rights<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<TopicRights>, Failure> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    let session = Session::open(client, operation, timeout);
    let names = topics
        .iter()
        .map(|topic| c_string(topic))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let options = session.options(0).with_authorized_operations();
    // SAFETY: names and options are alive during the calls, which copy them; the collection is ours.
    unsafe {
        let collection =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(
            session.client.as_ptr(),
            collection,
            options.as_ptr(),
            session.queue.as_ptr(),
        );
        sys::rd_kafka_TopicCollection_destroy(collection);
    }
    let event = session.only()?;
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        Ok(array(topics, count)
            .iter()
            .map(|&topic| read_topic(topic))
            .collect())
    }
}

/// # Safety
/// `topic` points to a live topic description.
unsafe fn read_topic(topic: *const sys::rd_kafka_TopicDescription_t) -> TopicRights {
    // SAFETY: alive, as the caller states, and so is everything that it lends out.
    unsafe {
        let outcome = error_outcome(sys::rd_kafka_TopicDescription_error(topic));
        let mut count = 0;
        let rights = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut count);
        TopicRights {
            topic: text(sys::rd_kafka_TopicDescription_name(topic)).unwrap_or_default(),
            rights: outcome.map(|()| (!rights.is_null()).then(|| array(rights, count).to_vec())),
        }
    }
}
