//! What the three APIs about ACLs share: without an authorizer there are none, and there is nothing to answer with.

use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::About;
use crate::acls::Acl;
use crate::state::State;
use crate::topics::Refused;

/// The number of the resources that are topics.
const TOPIC: i8 = 2;

/// Refuses as a broker does that has no authorizer.
pub(super) fn check_authorizer(state: &State) -> Result<(), Refused> {
    if state.configs.has_authorizer() {
        return Ok(());
    }
    let message = "No Authorizer is configured.";
    Err(Refused::new(ResponseError::SecurityDisabled, message))
}

/// What a fault rule may be about.
pub(super) fn about(acl: &Acl) -> About<'_> {
    match acl.pattern.resource_type {
        TOPIC => About::Topic(&acl.pattern.name),
        _ => About::Request,
    }
}

/// Refuses what makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> Refused {
    Refused::new(ResponseError::InvalidRequest, message.into())
}

/// A text of a response.
pub(super) fn text(text: String) -> StrBytes {
    StrBytes::from_string(text)
}
