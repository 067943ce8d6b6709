//! DescribeAcls (29), CreateAcls (30), DeleteAcls (31): says that there is no authorizer, as a broker without one does.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{About, Context};

/// Why there are none: the error of a fault rule, or that there is no authorizer.
fn refusal(cx: &Context) -> (i16, Option<StrBytes>) {
    let (error, reason) = match cx.read(About::Request) {
        Err(error) => (error, StrBytes::from_string(error.to_string())),
        Ok(()) => (
            ResponseError::SecurityDisabled,
            StrBytes::from_static_str("No Authorizer is configured."),
        ),
    };
    (error.code(), Some(reason))
}

/// Finds nothing.
pub(crate) async fn describe(cx: &Context, _: i16, _: DescribeAclsRequest) -> DescribeAclsResponse {
    let (code, reason) = refusal(cx);
    DescribeAclsResponse::default()
        .with_error_code(code)
        .with_error_message(reason)
}

/// Creates nothing, and says so for every entry: a shorter list kills the thread of Java's admin client.
pub(crate) async fn create(cx: &Context, _: i16, request: CreateAclsRequest) -> CreateAclsResponse {
    let (code, reason) = refusal(cx);
    let result = AclCreationResult::default()
        .with_error_code(code)
        .with_error_message(reason);
    CreateAclsResponse::default().with_results(vec![result; request.creations.len()])
}

/// Deletes nothing, and says so for every filter.
pub(crate) async fn delete(cx: &Context, _: i16, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let (code, reason) = refusal(cx);
    let result = DeleteAclsFilterResult::default()
        .with_error_code(code)
        .with_error_message(reason);
    DeleteAclsResponse::default().with_filter_results(vec![result; request.filters.len()])
}
