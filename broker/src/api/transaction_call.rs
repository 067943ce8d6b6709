//! Runs a call on a transactional id, once it is sure that this node coordinates it.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ProducerId, TransactionalId};

use crate::api::group_call::coordinated;
use crate::api::{About, Context};
use crate::state::State;
use crate::transactions::Identity;

/// Locks the state and runs `call`.
///
/// # Errors
/// That of a fault rule; INVALID_REQUEST without an id; NOT_COORDINATOR, which sends the client back to FindCoordinator; or
/// what `call` refuses.
pub(super) fn on_transaction_coordinator<T>(
    cx: &Context,
    about: About<'_>,
    id: &TransactionalId,
    call: impl FnOnce(&mut State) -> Result<T, ResponseError>,
) -> Result<T, ResponseError> {
    cx.carry_out(about, || match id.is_empty() {
        true => Err(ResponseError::InvalidRequest),
        false => coordinated(cx, id, call),
    })
}

/// Who calls, from the two fields that every request of a producer has.
pub(super) fn identity(producer_id: ProducerId, epoch: i16) -> Identity {
    Identity {
        producer_id: producer_id.0,
        epoch,
    }
}

/// The code of an error in a version of a request: those before `since` have INVALID_PRODUCER_EPOCH for a producer that is
/// fenced (KIP-588).
pub(super) fn code_in(version: i16, since: i16, error: ResponseError) -> i16 {
    match error {
        ResponseError::ProducerFenced if version < since => ResponseError::InvalidProducerEpoch,
        error => error,
    }
    .code()
}
