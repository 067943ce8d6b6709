//! AlterConfigs (33): replaces all that is set on topics and brokers.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Context, config_resource};
use crate::state::State;
use crate::topics::Refused;

/// Answers each resource on its own.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
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
    AlterConfigsResponse::default().with_responses(responses)
}

fn alter(
    state: &mut State,
    asked: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refused> {
    let resource = config_resource::find(state, asked.resource_type, &asked.resource_name)?;
    let mut set = BTreeMap::new();
    for config in &asked.configs {
        let Some(value) = &config.value else {
            let message = format!("Null value not supported for config: {}", config.name);
            return Err(Refused::new(ResponseError::InvalidRequest, message));
        };
        set.insert(config.name.to_string(), value.to_string());
    }
    config_resource::replace(state, &resource, set, validate_only)
}
