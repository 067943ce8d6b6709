//! DescribeAcls (29), CreateAcls (30), DeleteAcls (31): says that there is no authorizer, as a broker without one does.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Context;

const DISABLED: i16 = ResponseError::SecurityDisabled.code();

fn reason() -> Option<StrBytes> {
    Some(StrBytes::from_static_str("No Authorizer is configured."))
}

/// Finds nothing.
pub(crate) async fn describe(_: &Context, _: i16, _: DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(DISABLED)
        .with_error_message(reason())
}

/// Creates nothing, and says so for every entry: a shorter list kills the thread of Java's admin client.
pub(crate) async fn create(_: &Context, _: i16, request: CreateAclsRequest) -> CreateAclsResponse {
    let result = AclCreationResult::default()
        .with_error_code(DISABLED)
        .with_error_message(reason());
    CreateAclsResponse::default().with_results(vec![result; request.creations.len()])
}

/// Deletes nothing, and says so for every filter.
pub(crate) async fn delete(_: &Context, _: i16, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let result = DeleteAclsFilterResult::default()
        .with_error_code(DISABLED)
        .with_error_message(reason());
    DeleteAclsResponse::default().with_filter_results(vec![result; request.filters.len()])
}
