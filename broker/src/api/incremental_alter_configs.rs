//! IncrementalAlterConfigs (44): sets, removes, appends to and subtracts from single keys (KIP-339).

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use super::config_resource::{self, Resource};
use crate::state::State;
use crate::topics::Refused;

/// Answers each resource on its own: all of its changes happen, or none.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let mut state = cx.state();
    let responses = request.resources.iter().map(|resource| {
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_message(None);
        let about = config_resource::about(resource.resource_type, &resource.resource_name);
        match cx.carry_out(about, || alter(&mut state, resource, request.validate_only)) {
            Ok(()) => response,
            Err(refused) => response
                .with_error_code(refused.error.code())
                .with_error_message(Some(StrBytes::from_string(refused.message))),
        }
    });
    let responses = responses.collect();
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn alter(
    state: &mut State,
    asked: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refused> {
    let resource = config_resource::find(state, asked.resource_type, &asked.resource_name)?;
    let mut set = config_resource::current(state, &resource).clone();
    for change in &asked.configs {
        apply(&mut set, &resource, state, change)?;
    }
    config_resource::replace(state, &resource, set, validate_only)
}

/// The operations of KIP-339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Set,
    Delete,
    Append,
    Subtract,
}

impl Operation {
    fn read(change: &AlterableConfig) -> Result<Self, Refused> {
        match change.config_operation {
            0 => Ok(Self::Set),
            1 => Ok(Self::Delete),
            2 => Ok(Self::Append),
            3 => Ok(Self::Subtract),
            number => {
                let message = format!("Unknown operation {number} for config {}", change.name);
                Err(Refused::new(ResponseError::InvalidRequest, message))
            }
        }
    }
}

fn apply(
    set: &mut BTreeMap<String, String>,
    resource: &Resource,
    state: &State,
    change: &AlterableConfig,
) -> Result<(), Refused> {
    let definition = config_resource::definition(resource, &change.name)?;
    let key = definition.name.to_owned();
    let operation = Operation::read(change)?;
    if operation == Operation::Delete {
        set.remove(&key);
        return Ok(());
    }
    let Some(value) = &change.value else {
        let message = format!("Null value not supported for config: {key}");
        return Err(Refused::new(ResponseError::InvalidRequest, message));
    };
    let value = match operation {
        Operation::Set | Operation::Delete => value.to_string(),
        _ if !definition.is_list() => {
            let message =
                format!("Config value append and subtract are not allowed for config key: {key}");
            return Err(Refused::new(ResponseError::InvalidConfig, message));
        }
        Operation::Append => append(
            config_resource::held(state, resource, set, definition),
            value,
        ),
        Operation::Subtract => subtract(
            config_resource::held(state, resource, set, definition),
            value,
        ),
    };
    set.insert(key, value);
    Ok(())
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn append(held: &str, more: &str) -> String {
    let mut all: Vec<&str> = words(held).collect();
    all.extend(words(more).filter(|word| !words(held).any(|known| known == *word)));
    all.join(",")
}

fn subtract(held: &str, less: &str) -> String {
    let left: Vec<&str> = words(held)
        .filter(|word| !words(less).any(|gone| gone == *word))
        .collect();
    left.join(",")
}

#[cfg(test)]
mod tests {
    use super::{append, subtract};

    #[test]
    fn a_list_grows_by_what_it_does_not_have() {
        assert_eq!(append("delete", "compact,delete"), "delete,compact");
        assert_eq!(append("", "a, b"), "a,b");
    }

    #[test]
    fn a_list_shrinks_by_what_it_has() {
        assert_eq!(subtract("compact, delete", "compact,other"), "delete");
        assert_eq!(subtract("a", "a"), "");
    }
}
