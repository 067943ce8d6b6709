//! FindCoordinator: names the node that keeps a group or a transactional id (batched from v4 on, KIP-699).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use crate::api::{About, Context};
use crate::state::State;

const GROUP: i8 = 0;
/// The key is a transactional id.
pub(super) const TRANSACTION: i8 = 1;

/// Answers from the list of nodes alone: a coordinator needs no group to exist.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let state = cx.state();
    let find = |key: &StrBytes| {
        let about = match request.key_type {
            TRANSACTION => About::TransactionalId(key),
            _ => About::Group(key),
        };
        let found = cx.carry_out(about, || find(&state, request.key_type, key));
        found.unwrap_or_else(|error| nowhere(key, error))
    };
    if version >= 4 {
        let found = request.coordinator_keys.iter().map(find).collect();
        return FindCoordinatorResponse::default().with_coordinators(found);
    }
    let found = find(&request.key);
    FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_error_message(found.error_message)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port)
}

fn find(state: &State, key_type: i8, key: &StrBytes) -> Result<Coordinator, ResponseError> {
    if !matches!(key_type, GROUP | TRANSACTION) {
        return Err(ResponseError::InvalidRequest);
    }
    let node = state
        .nodes
        .coordinator_of(key)
        .ok_or(ResponseError::CoordinatorNotAvailable)?;
    Ok(Coordinator::default()
        .with_key(key.clone())
        .with_node_id(node.id)
        .with_host(node.host.clone())
        .with_port(i32::from(node.port)))
}

fn nowhere(key: &StrBytes, error: ResponseError) -> Coordinator {
    Coordinator::default()
        .with_key(key.clone())
        .with_node_id(BrokerId(-1))
        .with_port(-1)
        .with_error_code(error.code())
        .with_error_message(Some(StrBytes::from_string(error.to_string())))
}
