//! SyncGroup: takes the leader's assignment and hands every member its part.

use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use crate::api::Context;
use crate::api::group_call::{await_on_coordinator, caller};
use crate::groups::SyncRequest;

/// Waits, outside the lock, until the leader has assigned.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    let synced = await_on_coordinator(cx, &request.group_id, |state| {
        state.groups.sync(sync_request(&request), cx.arrived)
    });
    match synced.await.and_then(|answer| answer) {
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
