//! DescribeCluster (60): names the cluster, its brokers and its controller.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::metadata::ALL_CLUSTER_OPERATIONS;
use super::{About, Context};

/// The endpoints of brokers, as opposed to those of KRaft controllers (KIP-919).
const BROKERS: i8 = 1;

/// Lists every node; the first is the controller.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    if let Err(error) = cx.read(About::Request) {
        return DescribeClusterResponse::default()
            .with_error_code(error.code())
            .with_endpoint_type(BROKERS);
    }
    let state = cx.state();
    if request.endpoint_type != BROKERS {
        return DescribeClusterResponse::default()
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_endpoint_type(BROKERS);
    }
    let brokers = state.nodes.live().map(|node| {
        DescribeClusterBroker::default()
            .with_broker_id(node.id)
            .with_host(node.host.clone())
            .with_port(i32::from(node.port))
    });
    let response = DescribeClusterResponse::default()
        .with_cluster_id(state.cluster_id.clone())
        .with_controller_id(state.nodes.controller())
        .with_brokers(brokers.collect());
    if request.include_cluster_authorized_operations {
        return response.with_cluster_authorized_operations(ALL_CLUSTER_OPERATIONS);
    }
    response
}
