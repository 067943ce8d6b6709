//! DescribeAcls (29): finds the ACLs that a filter describes.

use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use kafka_protocol::protocol::StrBytes;

use super::acls::{check_authorizer, invalid, text};
use super::{About, Context};
use crate::acls::{Acl, Filter};
use crate::topics::Refused;

/// Answers with the ACLs of each resource together.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DescribeAclsRequest,
) -> DescribeAclsResponse {
    let response = DescribeAclsResponse::default();
    match cx.carry_out(About::Request, || find(cx, &filter(&request))) {
        Ok(found) => {
            let by_resource = found.chunk_by(|one, next| one.pattern == next.pattern);
            response
                .with_error_message(None)
                .with_resources(by_resource.map(resource).collect())
        }
        Err(refused) => response
            .with_error_code(refused.error.code())
            .with_error_message(Some(text(refused.message))),
    }
}

fn find(cx: &Context, filter: &Filter) -> Result<Vec<Acl>, Refused> {
    let state = cx.state();
    check_authorizer(&state)?;
    match filter.is_known() {
        true => Ok(state.acls.find(filter)),
        false => Err(invalid("The filter contains UNKNOWN elements.")),
    }
}

fn filter(request: &DescribeAclsRequest) -> Filter {
    let some = |text: &Option<StrBytes>| text.as_ref().map(ToString::to_string);
    Filter {
        resource_type: request.resource_type_filter,
        name: some(&request.resource_name_filter),
        pattern_type: request.pattern_type_filter,
        principal: some(&request.principal_filter),
        host: some(&request.host_filter),
        operation: request.operation,
        permission: request.permission_type,
    }
}

fn resource(acls: &[Acl]) -> DescribeAclsResource {
    let pattern = acls[0].pattern.clone();
    let described = acls.iter().cloned().map(|acl| {
        AclDescription::default()
            .with_principal(text(acl.principal))
            .with_host(text(acl.host))
            .with_operation(acl.operation)
            .with_permission_type(acl.permission)
    });
    DescribeAclsResource::default()
        .with_resource_type(pattern.resource_type)
        .with_resource_name(text(pattern.name))
        .with_pattern_type(pattern.pattern_type)
        .with_acls(described.collect())
}
