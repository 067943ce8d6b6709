//! JoinGroup: makes a client a member, and answers when the generation has come together.

use std::time::Duration;

use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::api::Context;
use crate::api::group_call::await_on_coordinator;
use crate::groups::{JoinRefused, JoinRequest, Joined, Participant, Protocol};

/// Waits, outside the lock, for as long as the other members take to rejoin.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let sent_id = request.member_id.clone();
    let join = join_request(cx, version, request);
    let group = join.group.clone();
    let pending =
        await_on_coordinator(cx, &group, |state| state.groups.join(join, cx.arrived)).await;
    let refused = |error| JoinRefused {
        error,
        member_id: sent_id.to_string(),
    };
    match pending.unwrap_or_else(|error| Err(refused(error))) {
        Ok(joined) => accept(joined),
        Err(refusal) => refuse(version, refusal),
    }
}

fn join_request(cx: &Context, version: i16, request: JoinGroupRequest) -> JoinRequest {
    let session_timeout = millis(request.session_timeout_ms);
    let name = request.group_instance_id.as_ref().unwrap_or(&cx.client_id);
    let protocols = request.protocols.into_iter().map(|protocol| Protocol {
        name: protocol.name.to_string(),
        metadata: protocol.metadata,
    });
    JoinRequest {
        group: request.group_id.to_string(),
        member_id: Some(request.member_id.to_string()).filter(|id| !id.is_empty()),
        fresh_id: format!("{name}-{}", Uuid::new_v4()),
        instance_id: request.group_instance_id.as_ref().map(|id| id.to_string()),
        client_id: cx.client_id.to_string(),
        client_host: format!("/{}", cx.peer),
        session_timeout,
        // v0 knows one timeout for both.
        rebalance_timeout: if version >= 1 {
            millis(request.rebalance_timeout_ms)
        } else {
            session_timeout
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.collect(),
        must_know_its_id: version >= 4,
        may_skip_assignment: version >= 9,
    }
}

/// A negative timeout is as invalid as none.
fn millis(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

fn accept(joined: Joined) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(Some(StrBytes::from_string(joined.protocol_type)))
        .with_protocol_name(Some(StrBytes::from_string(joined.protocol)))
        .with_leader(StrBytes::from_string(joined.leader))
        .with_skip_assignment(joined.skip_assignment)
        .with_member_id(StrBytes::from_string(joined.member_id))
        .with_members(joined.members.into_iter().map(participant).collect())
}

fn participant(member: Participant) -> JoinGroupResponseMember {
    JoinGroupResponseMember::default()
        .with_member_id(StrBytes::from_string(member.member_id))
        .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
        .with_metadata(member.metadata)
}

fn refuse(version: i16, refusal: JoinRefused) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(refusal.error.code())
        .with_generation_id(-1)
        .with_member_id(StrBytes::from_string(refusal.member_id))
        // Null is allowed from v7 on only.
        .with_protocol_name((version < 7).then(StrBytes::new))
}
