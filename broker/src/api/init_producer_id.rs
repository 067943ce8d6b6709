//! InitProducerId (22): gives idempotent producers their ids, and transactional ones their epochs.

use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, ProducerId, TransactionalId,
};

use super::transaction_call::{code_in, identity, on_transaction_coordinator};
use super::{About, Context};
use crate::state::State;
use crate::transactions::Identity;

/// The first version with PRODUCER_FENCED.
const FENCED_FROM: i16 = 4;

/// A producer without a transactional id gets a fresh id in epoch 0, also if it has one: nothing of the old one needs
/// fencing, since what it has in flight is judged by its own sequence.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let given = match &request.transactional_id {
        Some(id) => {
            on_transaction_coordinator(cx, About::Request, id, |state| init(state, id, &request))
        }
        None => cx.carry_out(About::Request, || {
            let producer_id = cx.state().fresh_producer_id()?;
            Ok(Identity {
                producer_id,
                epoch: 0,
            })
        }),
    };
    let response = InitProducerIdResponse::default();
    match given {
        Ok(identity) => response
            .with_producer_id(ProducerId(identity.producer_id))
            .with_producer_epoch(identity.epoch),
        Err(error) => response
            .with_error_code(code_in(version, FENCED_FROM, error))
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}

fn init(
    state: &mut State,
    id: &TransactionalId,
    request: &InitProducerIdRequest,
) -> Result<Identity, ResponseError> {
    let longest = state.configs.number("transaction.max.timeout.ms");
    let timeout = i64::from(request.transaction_timeout_ms);
    if !(1..=longest).contains(&timeout) {
        return Err(ResponseError::InvalidTransactionTimeout);
    }
    let claim = identity(request.producer_id, request.producer_epoch);
    let claim = match (claim.producer_id, claim.epoch) {
        (-1, -1) => None,
        (0.., 0..) => Some(claim),
        _ => return Err(ResponseError::InvalidRequest),
    };
    state.init_producer(id, Duration::from_millis(timeout.unsigned_abs()), claim)
}
