//! DeleteAcls (31): takes the ACLs away that filters describe.

use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::{
    DeleteAclsFilterResult, DeleteAclsMatchingAcl,
};
use kafka_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};
use kafka_protocol::protocol::StrBytes;

use super::acls::{check_authorizer, invalid, text};
use super::{About, Context};
use crate::acls::{Acl, Filter};
use crate::state::State;
use crate::topics::Refused;

/// Answers each filter on its own, with what it took away.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DeleteAclsRequest,
) -> DeleteAclsResponse {
    let mut state = cx.state();
    let results = request.filters.iter().map(|asked| {
        let result = DeleteAclsFilterResult::default();
        match cx.carry_out(About::Request, || remove(&mut state, &filter(asked))) {
            Ok(removed) => result
                .with_error_message(None)
                .with_matching_acls(removed.into_iter().map(matching).collect()),
            Err(refused) => result
                .with_error_code(refused.error.code())
                .with_error_message(Some(text(refused.message))),
        }
    });
    let results = results.collect();
    DeleteAclsResponse::default().with_filter_results(results)
}

fn remove(state: &mut State, filter: &Filter) -> Result<Vec<Acl>, Refused> {
    check_authorizer(state)?;
    if !filter.is_known() {
        return Err(invalid("The filter contains UNKNOWN elements."));
    }
    let removed = state.acls.remove(filter);
    state.save().map_err(Refused::storage)?;
    Ok(removed)
}

fn filter(asked: &DeleteAclsFilter) -> Filter {
    let some = |text: &Option<StrBytes>| text.as_ref().map(ToString::to_string);
    Filter {
        resource_type: asked.resource_type_filter,
        name: some(&asked.resource_name_filter),
        pattern_type: asked.pattern_type_filter,
        principal: some(&asked.principal_filter),
        host: some(&asked.host_filter),
        operation: asked.operation,
        permission: asked.permission_type,
    }
}

fn matching(acl: Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl::default()
        .with_error_message(None)
        .with_resource_type(acl.pattern.resource_type)
        .with_resource_name(text(acl.pattern.name))
        .with_pattern_type(acl.pattern.pattern_type)
        .with_principal(text(acl.principal))
        .with_host(text(acl.host))
        .with_operation(acl.operation)
        .with_permission_type(acl.permission)
}
