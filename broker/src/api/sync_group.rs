//! SyncGroup: takes the leader's assignment and hands every member its part.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use crate::api::Context;
use crate::api::group_call::{caller, on_coordinator};
use crate::groups::SyncRequest;

/// Waits, outside the lock, until the leader has assigned.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    let pending = on_coordinator(cx, &request.group_id, |state| {
        Ok(state.groups.sync(sync_request(&request), cx.arrived))
    });
    let answer = match pending {
        // A dropped reply: the member asked again over another connection, and is answered there.
        Ok(pending) => pending
            .await
            .unwrap_or(Err(ResponseError::RebalanceInProgress)),
        Err(error) => Err(error),
    };
    match answer {
        Ok(synced) => SyncGroupResponse::default()
            .with_protocol_type(Some(StrBytes::from_string(synced.protocol_type)))
            .with_protocol_name(Some(StrBytes::from_string(synced.protocol)))
            .with_assignment(synced.assignment),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

fn sync_request(request: &SyncGroupRequest) -> SyncRequest<'_> {
    let assignments = request.assignments.iter();
    SyncRequest {
        group: &request.group_id,
        caller: caller(
            &request.member_id,
            request.group_instance_id.as_ref(),
            request.generation_id,
        ),
        protocol_type: request.protocol_type.as_deref(),
        protocol: request.protocol_name.as_deref(),
        assignments: assignments
            .map(|one| (one.member_id.to_string(), one.assignment.clone()))
            .collect(),
    }
}
