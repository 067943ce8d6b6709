//! AddPartitionsToTxn (24): says where the records of a transaction go, before they come.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::group_call::has_partition;
use super::transaction_call::{code_in, identity, on_transaction_coordinator};
use super::{About, Context};
use crate::state::State;

/// The first version with PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;

/// Answers for exactly the partitions asked, in their order.
pub(crate) async fn handle(
    cx: &Context,
    version: i16,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let id = &request.v3_and_below_transactional_id;
    let added =
        on_transaction_coordinator(cx, About::Request, id, |state| Ok(add(cx, state, &request)));
    let outcomes = added.unwrap_or_else(|error| vec![Some(error); partitions(&request).count()]);
    let codes = outcomes
        .into_iter()
        .zip(partitions(&request))
        .map(|(error, (topic, at))| cx.denial(About::Partition(topic, at)).or(error));
    let mut codes =
        codes.map(|error| error.map_or(0, |error| code_in(version, FENCED_FROM, error)));
    let topics = request.v3_and_below_topics.iter().map(|topic| {
        let result = |index: &i32| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(codes.next().unwrap_or_default())
        };
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(topic.partitions.iter().map(result).collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

/// Adds all or, when one of them does not exist, none; one outcome per partition, `None` where it went well.
fn add(
    cx: &Context,
    state: &mut State,
    request: &AddPartitionsToTxnRequest,
) -> Vec<Option<ResponseError>> {
    let asked = || partitions(request);
    let unknown = |(topic, index): (&str, i32)| {
        let missing = !has_partition(state, topic, index);
        missing.then_some(ResponseError::UnknownTopicOrPartition)
    };
    let flaws: Vec<_> = asked().map(unknown).collect();
    if flaws.iter().any(Option::is_some) {
        let flaws = flaws.into_iter();
        return flaws
            .map(|flaw| flaw.or(Some(ResponseError::OperationNotAttempted)))
            .collect();
    }
    let refusals: Vec<_> = asked()
        .map(|(topic, index)| cx.refusal(About::Partition(topic, index)))
        .collect();
    let sound = asked().zip(&refusals).filter(|(_, flaw)| flaw.is_none());
    let sound: Vec<(&str, i32)> = sound.map(|(at, _)| at).collect();
    if sound.is_empty() {
        return refusals;
    }
    let caller = identity(
        request.v3_and_below_producer_id,
        request.v3_and_below_producer_epoch,
    );
    let id = &request.v3_and_below_transactional_id;
    let added = state.add_partitions_to_transaction(id, caller, &sound, cx.arrived);
    let refusals = refusals.into_iter();
    refusals.map(|flaw| flaw.or(added.err())).collect()
}

fn partitions(request: &AddPartitionsToTxnRequest) -> impl Iterator<Item = (&str, i32)> {
    let topics = request.v3_and_below_topics.iter();
    topics.flat_map(|topic| topic.partitions.iter().map(|at| (&**topic.name, *at)))
}
