//! Describes a cluster: its nodes, its id and what this client may do on it.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::{Failure, Session, array, text};

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
