//! ListGroups: names the groups this node coordinates, filtered by state (KIP-518) and type (KIP-848).

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use crate::api::group_call::coordinates;
use crate::api::{About, Context};
use crate::groups::GroupListing;

/// The type of every group whose members join and sync.
const CLASSIC: &str = "classic";

/// Tools ask every node and put the answers together, so a group is listed by its coordinator alone.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    if !admits(&request.types_filter, CLASSIC) {
        return ListGroupsResponse::default();
    }
    if let Err(error) = cx.read(About::Request) {
        return ListGroupsResponse::default().with_error_code(error.code());
    }
    let state = cx.state();
    let groups = state.groups.list().into_iter();
    let own = groups.filter(|group| coordinates(cx, &state, &group.id));
    let wanted = own.filter(|group| admits(&request.states_filter, group.state));
    ListGroupsResponse::default().with_groups(wanted.map(listed).collect())
}

/// An empty filter admits everything; case does not matter.
fn admits(filter: &[StrBytes], name: &str) -> bool {
    filter.is_empty()
        || filter
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(name))
}

fn listed(group: GroupListing) -> ListedGroup {
    ListedGroup::default()
        .with_group_id(GroupId(StrBytes::from_string(group.id)))
        .with_protocol_type(StrBytes::from_string(group.protocol_type))
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_group_type(StrBytes::from_static_str(CLASSIC))
}
