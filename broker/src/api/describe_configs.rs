//! DescribeConfigs (32): lists every key of topics and brokers, with its value and where that comes from.

use std::collections::{BTreeMap, HashSet};

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use super::config_resource::{self, Resource};
use crate::config::describe::{self, Entry};
use crate::state::State;
use crate::topics::Refused;

/// Answers each resource on its own. The list is always the full one, unless the request names the keys it wants: an
/// administrator who reads, changes and writes back would otherwise remove what is not listed. A resource that is asked
/// for again is left out, so that the answer cannot be a hundred times the question.
pub(crate) async fn handle(
    cx: &Context,
    _version: i16,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let state = cx.state();
    let mut seen = HashSet::new();
    let once = |resource: &&DescribeConfigsResource| {
        seen.insert((resource.resource_type, resource.resource_name.clone()))
    };
    let results = request.resources.iter().filter(once).map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_message(None);
        let about = config_resource::about(resource.resource_type, &resource.resource_name);
        match cx.carry_out(about, || entries(&state, resource)) {
            Ok(entries) => {
                let configs = entries
                    .into_iter()
                    .map(|entry| describe(entry, request.include_synonyms));
                result.with_configs(configs.collect())
            }
            Err(refused) => result
                .with_error_code(refused.error.code())
                .with_error_message(Some(StrBytes::from_string(refused.message))),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn entries(state: &State, asked: &DescribeConfigsResource) -> Result<Vec<Entry>, Refused> {
    let resource = config_resource::find(state, asked.resource_type, &asked.resource_name)?;
    let mut entries = match &resource {
        Resource::Topic(_) => {
            describe::topic(config_resource::current(state, &resource), &state.configs)
        }
        Resource::Broker(id) => describe::broker(&state.configs, &own(state, *id)),
        Resource::Brokers => describe::brokers(&state.configs),
    };
    if let Some(keys) = asked
        .configuration_keys
        .as_ref()
        .filter(|keys| !keys.is_empty())
    {
        entries.retain(|entry| keys.iter().any(|key| key.as_str() == entry.name));
    }
    Ok(entries)
}

/// The values that differ from node to node.
fn own(state: &State, id: usize) -> BTreeMap<&'static str, String> {
    let Some(node) = state.nodes.iter().nth(id) else {
        return BTreeMap::new();
    };
    let listener = format!("PLAINTEXT://{}:{}", node.host, node.port);
    let directory = state
        .data
        .as_ref()
        .map(|data| data.path().display().to_string())
        .unwrap_or_default();
    BTreeMap::from([
        ("advertised.listeners", listener.clone()),
        ("broker.id", id.to_string()),
        ("listeners", listener),
        ("log.dir", directory),
        ("node.id", id.to_string()),
    ])
}

fn describe(entry: Entry, include_synonyms: bool) -> DescribeConfigsResourceResult {
    let synonym = |synonym: &describe::Synonym| {
        DescribeConfigsSynonym::default()
            .with_name(StrBytes::from_static_str(synonym.name))
            .with_value(Some(StrBytes::from_string(synonym.value.clone())))
            .with_source(synonym.source as i8)
    };
    let synonyms = if include_synonyms {
        entry.synonyms.iter().map(synonym).collect()
    } else {
        Vec::new()
    };
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(entry.name))
        .with_value(Some(StrBytes::from_string(entry.value().to_owned())))
        .with_read_only(entry.read_only)
        .with_config_source(entry.source() as i8)
        .with_synonyms(synonyms)
        .with_config_type(entry.kind.wire_type())
        .with_documentation(None)
}
