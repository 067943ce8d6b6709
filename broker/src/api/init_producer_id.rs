//! InitProducerId (22): gives idempotent producers their ids.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{About, Context};

/// Gives a fresh id in epoch 0, also to a producer that has one: nothing of the old one needs fencing, since what it
/// has in flight is judged by its own sequence.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let failed = |error: ResponseError| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    // The rest of the transaction APIs is not advertised, so no client of good faith gets here.
    if request.transactional_id.is_some() {
        return failed(ResponseError::UnsupportedVersion);
    }
    let next = || {
        cx.state().next_producer_id().map_err(|error| {
            tracing::error!(%error, "producer id not reserved");
            ResponseError::KafkaStorageError
        })
    };
    match cx.carry_out(About::Request, next) {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(ProducerId(id)),
        Err(error) => failed(error),
    }
}
