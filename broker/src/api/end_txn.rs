//! EndTxn (26): commits or aborts the transaction of a producer.

use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};

use super::transaction_call::{code_in, identity, on_transaction_coordinator};
use super::{About, Context};
use crate::log::Ending;

/// The first version with PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;

/// Answers when the markers are in the logs.
pub(crate) async fn handle(cx: &Context, version: i16, request: EndTxnRequest) -> EndTxnResponse {
    let id = &request.transactional_id;
    let caller = identity(request.producer_id, request.producer_epoch);
    let ending = match request.committed {
        true => Ending::Commit,
        false => Ending::Abort,
    };
    let ended = on_transaction_coordinator(cx, About::Request, id, |state| {
        state.end_transaction(id, caller, ending)
    });
    let code = ended.map_or_else(|error| code_in(version, FENCED_FROM, error), |()| 0);
    EndTxnResponse::default().with_error_code(code)
}
