//! Heartbeat: keeps a member's session alive and tells it when to rejoin.

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use crate::api::Context;
use crate::api::group_call::{caller, code, on_coordinator};

/// Answers at once.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    let instance_id = request.group_instance_id.as_ref();
    let caller = caller(&request.member_id, instance_id, request.generation_id);
    let outcome = on_coordinator(cx, &request.group_id, |state| {
        state
            .groups
            .heartbeat(&request.group_id, caller, cx.arrived)
    });
    HeartbeatResponse::default().with_error_code(code(&outcome))
}
