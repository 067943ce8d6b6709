//! DescribeGroups: shows the state of groups and who is in them.

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;

use crate::api::Context;
use crate::api::group_call::on_coordinator;
use crate::groups::{GroupDescription, MemberDescription};

/// Bits of AclOperation: read (3), delete (6), describe (8), all that apply to a group.
const ALL_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8;

/// An unknown group is described, too: as dead.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let groups = request.groups.into_iter().map(|id| {
        let described = describe(cx, id);
        if request.include_authorized_operations {
            return described.with_authorized_operations(ALL_OPERATIONS);
        }
        described
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn describe(cx: &Context, id: GroupId) -> DescribedGroup {
    let found = on_coordinator(cx, &id, |state| Ok(state.groups.describe(&id)));
    let answer = DescribedGroup::default().with_group_id(id.clone());
    match found {
        Ok(Some(group)) => fill(answer, group),
        Ok(None) => answer.with_group_state(StrBytes::from_static_str("Dead")),
        Err(error) => answer.with_error_code(error.code()),
    }
}

fn fill(answer: DescribedGroup, group: GroupDescription) -> DescribedGroup {
    answer
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_protocol_type(StrBytes::from_string(group.protocol_type))
        .with_protocol_data(StrBytes::from_string(group.protocol))
        .with_members(group.members.into_iter().map(member).collect())
}

fn member(member: MemberDescription) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(StrBytes::from_string(member.id))
        .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
        .with_client_id(StrBytes::from_string(member.client_id))
        .with_client_host(StrBytes::from_string(member.client_host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}
