//! AddOffsetsToTxn (25): says whose offsets a transaction will commit, before they come.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::transaction_call::{code_in, identity, on_transaction_coordinator};
use super::{About, Context};

/// The first version with PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;

/// Adds a group, whether there is one of this name or not.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: AddOffsetsToTxnRequest,
) -> AddOffsetsToTxnResponse {
    let (id, group) = (&request.transactional_id, &request.group_id);
    let caller = identity(request.producer_id, request.producer_epoch);
    let added = on_transaction_coordinator(cx, About::Group(group), id, |state| {
        match group.is_empty() {
            true => Err(ResponseError::InvalidGroupId),
            false => state.add_group_to_transaction(id, caller, group, cx.arrived),
        }
    });
    let code = added.map_or_else(|error| code_in(version, FENCED_FROM, error), |()| 0);
    AddOffsetsToTxnResponse::default().with_error_code(code)
}
