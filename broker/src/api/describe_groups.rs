//! DescribeGroups: answers nothing yet; the groups engineer's file.

use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use crate::api::Context;

/// Placeholder until the groups engine is plugged in.
pub(crate) async fn handle(
    _cx: &Context,
    _version: i16,
    _request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    DescribeGroupsResponse::default()
}
