//! Runs a call on a group, once it is sure that this node coordinates the group.

use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use crate::api::{About, Context};
use crate::groups::Caller;
use crate::state::State;

/// Locks the state and runs `call`.
///
/// # Errors
/// That of a fault rule; NOT_COORDINATOR, which sends the client back to FindCoordinator; or what `call` refuses.
pub(super) fn on_coordinator<T>(
    cx: &Context,
    group: &str,
    call: impl FnOnce(&mut State) -> Result<T, ResponseError>,
) -> Result<T, ResponseError> {
    cx.carry_out(About::Group(group), || coordinated(cx, group, call))
}

/// The same for a call whose answer may have to wait until the rest of the group has come, outside the lock.
///
/// # Errors
/// As [`on_coordinator`]. REBALANCE_IN_PROGRESS when the member asked again over another connection, where it is answered.
pub(super) async fn await_on_coordinator<T>(
    cx: &Context,
    group: &str,
    call: impl FnOnce(&mut State) -> oneshot::Receiver<T>,
) -> Result<T, ResponseError> {
    if let Some(error) = cx.refusal(About::Group(group)) {
        return Err(error);
    }
    let pending = coordinated(cx, group, |state| Ok(call(state)))?;
    let answer = pending.await;
    match cx.denial(About::Group(group)) {
        Some(error) => Err(error),
        None => answer.map_err(|_| ResponseError::RebalanceInProgress),
    }
}

/// Locks the state and runs `call` on the node that coordinates a group or a transactional id.
///
/// # Errors
/// NOT_COORDINATOR, or what `call` refuses.
pub(super) fn coordinated<T>(
    cx: &Context,
    group: &str,
    call: impl FnOnce(&mut State) -> Result<T, ResponseError>,
) -> Result<T, ResponseError> {
    let mut state = cx.state();
    if !coordinates(cx, &state, group) {
        return Err(ResponseError::NotCoordinator);
    }
    call(&mut state)
}

/// Whether the node that is asked coordinates a group.
pub(super) fn coordinates(cx: &Context, state: &State, group: &str) -> bool {
    let coordinator = state.nodes.coordinator_of(group);
    coordinator.is_some_and(|node| node.id == cx.node)
}

/// Who speaks, from the three fields that every request of a member has.
pub(super) fn caller<'a>(
    member_id: &'a StrBytes,
    instance_id: Option<&'a StrBytes>,
    generation: i32,
) -> Caller<'a> {
    Caller {
        member_id,
        instance_id: instance_id.map(|id| &**id),
        generation: (generation >= 0).then_some(generation),
    }
}

/// The wire's word for an outcome; 0 is success.
pub(super) fn code<T>(outcome: &Result<T, ResponseError>) -> i16 {
    outcome.as_ref().err().map_or(0, ResponseError::code)
}

/// Whether there is such a partition: offsets of others are neither taken nor deleted.
pub(super) fn has_partition(state: &State, topic: &str, index: i32) -> bool {
    let topic = state.topics.get(topic);
    topic.is_some_and(|topic| topic.partition(index).is_some())
}
