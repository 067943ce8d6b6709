//! ApiVersions (18): tells which APIs are answered, in which versions.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{Context, IntoReply, Reply, VERSIONS};
use crate::net::frame::{Refusal, Request};

/// Lists the table. No features: any tag in this response breaks librdkafka before 2.2.0, which misreads tag lengths.
pub(crate) async fn handle(_: &Context, _: i16, _: ApiVersionsRequest) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_api_keys(advertised())
}

/// Answers a version nobody knows in version 0, with the list, so that the client can ask again (KIP-511).
pub(super) fn unsupported(request: &Request) -> Result<Reply, Refusal> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(advertised());
    response.into_reply(&Request {
        version: 0,
        ..request.clone()
    })
}

fn advertised() -> Vec<ApiVersion> {
    let entry = |(api, min, max): &(_, i16, i16)| {
        ApiVersion::default()
            .with_api_key(*api as i16)
            .with_min_version(*min)
            .with_max_version(*max)
    };
    VERSIONS.iter().map(entry).collect()
}
