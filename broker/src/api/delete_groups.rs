//! DeleteGroups: deletes groups without members, with their offsets.

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, GroupId};

use crate::api::Context;
use crate::api::group_call::{code, on_coordinator};

/// One outcome for each group.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let delete = |group: GroupId| {
        let outcome = on_coordinator(cx, &group, |state| state.delete_group(&group));
        DeletableGroupResult::default()
            .with_error_code(code(&outcome))
            .with_group_id(group)
    };
    DeleteGroupsResponse::default()
        .with_results(request.groups_names.into_iter().map(delete).collect())
}
