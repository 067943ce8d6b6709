//! LeaveGroup: lets one member go, or from v3 on several (KIP-345).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use crate::api::Context;
use crate::api::group_call::{code, on_coordinator};
use crate::groups::Leaver;

/// Up to v2 the member's own error is the whole answer; later each member has one.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    mut request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    if version < 3 {
        let only = MemberIdentity::default().with_member_id(request.member_id.clone());
        request.members = vec![only];
    }
    match leave(cx, &request) {
        Err(error) => LeaveGroupResponse::default().with_error_code(error.code()),
        Ok(outcomes) if version < 3 => {
            let error = outcomes.first().map_or(0, code);
            LeaveGroupResponse::default().with_error_code(error)
        }
        Ok(outcomes) => {
            let members = request.members.into_iter().zip(&outcomes);
            LeaveGroupResponse::default().with_members(
                members
                    .map(|(member, outcome)| respond(member, outcome))
                    .collect(),
            )
        }
    }
}

type Outcomes = Vec<Result<(), ResponseError>>;

fn leave(cx: &Context, request: &LeaveGroupRequest) -> Result<Outcomes, ResponseError> {
    let leavers: Vec<Leaver<'_>> = request.members.iter().map(leaver).collect();
    on_coordinator(cx, &request.group_id, |state| {
        state.groups.leave(&request.group_id, &leavers, cx.arrived)
    })
}

fn leaver(member: &MemberIdentity) -> Leaver<'_> {
    Leaver {
        member_id: &member.member_id,
        instance_id: member.group_instance_id.as_deref(),
    }
}

fn respond(member: MemberIdentity, outcome: &Result<(), ResponseError>) -> MemberResponse {
    MemberResponse::default()
        .with_member_id(member.member_id)
        .with_group_instance_id(member.group_instance_id)
        .with_error_code(code(outcome))
}
