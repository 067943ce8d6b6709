//! CreateAcls (30): adds ACLs.

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{CreateAclsRequest, CreateAclsResponse};

use super::Context;
use super::acls::{about, check_authorizer, invalid, text};
use crate::acls::{Acl, Pattern};
use crate::state::State;
use crate::topics::Refused;

/// Answers each on its own: a shorter list than was asked for kills the thread of Java's admin client.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: CreateAclsRequest,
) -> CreateAclsResponse {
    let mut state = cx.state();
    let results = request.creations.iter().map(|creation| {
        let result = AclCreationResult::default().with_error_message(None);
        let acl = read(creation);
        match cx.carry_out(about(&acl), || add(&mut state, acl.clone())) {
            Ok(()) => result,
            Err(refused) => result
                .with_error_code(refused.error.code())
                .with_error_message(Some(text(refused.message))),
        }
    });
    let results = results.collect();
    CreateAclsResponse::default().with_results(results)
}

fn add(state: &mut State, acl: Acl) -> Result<(), Refused> {
    check_authorizer(state)?;
    acl.check().map_err(invalid)?;
    state.acls.add(acl);
    state.save().map_err(Refused::storage)
}

fn read(creation: &AclCreation) -> Acl {
    Acl {
        pattern: Pattern {
            resource_type: creation.resource_type,
            name: creation.resource_name.to_string(),
            pattern_type: creation.resource_pattern_type,
        },
        principal: creation.principal.to_string(),
        host: creation.host.to_string(),
        operation: creation.operation,
        permission: creation.permission_type,
    }
}
