//! CreatePartitions (37): adds partitions to topics.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{BrokerId, CreatePartitionsRequest, CreatePartitionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{About, Context};
use crate::state::State;
use crate::topics::{Refused, check_assigned, check_count, place_more};

/// Answers each topic on its own; there are never fewer partitions afterwards.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut state = cx.state();
    let results = request.topics.iter().map(|topic| {
        let result = CreatePartitionsTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_message(None);
        let about = About::Topic(&topic.name);
        match cx.carry_out(about, || grow(&mut state, topic, request.validate_only)) {
            Ok(()) => result,
            Err(refused) => result
                .with_error_code(refused.error.code())
                .with_error_message(Some(StrBytes::from_string(refused.message))),
        }
    });
    let results = results.collect();
    CreatePartitionsResponse::default().with_results(results)
}

fn grow(
    state: &mut State,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refused> {
    let replicas = plan(state, asked)?;
    if validate_only {
        return Ok(());
    }
    state.grow_topic(&asked.name, replicas)
}

fn plan(state: &State, asked: &CreatePartitionsTopic) -> Result<Vec<Vec<BrokerId>>, Refused> {
    let unknown = || {
        Refused::new(
            ResponseError::UnknownTopicOrPartition,
            "This topic does not exist.",
        )
    };
    let topic = state.topics.get(&asked.name).ok_or_else(unknown)?;
    let (have, nodes) = (topic.partitions.len(), state.nodes.len());
    let want = check_count(i64::from(asked.count))?;
    if want <= have {
        let message = format!(
            "The topic currently has {have} partition(s); {want} would not be an increase."
        );
        return Err(Refused::new(ResponseError::InvalidPartitions, message));
    }
    let first = topic
        .partitions
        .first()
        .map(|partition| partition.replicas.clone())
        .unwrap_or_default();
    match &asked.assignments {
        None => Ok(place_more(&first, have, want, nodes)),
        Some(assignments) => assigned(assignments, want - have, nodes),
    }
}

fn assigned(
    assignments: &[CreatePartitionsAssignment],
    added: usize,
    nodes: usize,
) -> Result<Vec<Vec<BrokerId>>, Refused> {
    let replicas: Vec<Vec<BrokerId>> = assignments.iter().map(|it| it.broker_ids.clone()).collect();
    check_assigned(&replicas, nodes)?;
    if replicas.len() == added {
        return Ok(replicas);
    }
    let message = format!(
        "{} partition(s) are assigned, {added} are to be added.",
        replicas.len()
    );
    Err(Refused::new(
        ResponseError::InvalidReplicaAssignment,
        message,
    ))
}
