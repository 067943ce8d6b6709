//! ApiVersions (18): tells which APIs are answered, in which versions.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::api::{Context, Reply, VERSIONS, respond};
use crate::net::frame::{Refusal, Request};

/// Lists the table. No features: any tag in this response breaks librdkafka before 2.2.0, which misreads tag lengths.
pub(crate) async fn handle(_: &Context, _: i16, _: ApiVersionsRequest) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_api_keys(advertised())
}

/// Answers a version nobody knows in version 0, with the list, so that the client can ask again (KIP-511).
pub(crate) fn unsupported(request: &Request) -> Result<Reply, Refusal> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(advertised());
    let request = Request {
        version: 0,
        body: bytes::Bytes::new(),
        client_id: request.client_id.clone(),
        ..*request
    };
    respond(&request, response)
}

fn advertised() -> Vec<ApiVersion> {
    VERSIONS
        .iter()
        .map(|(api, min, max)| {
            ApiVersion::default()
                .with_api_key(*api as i16)
                .with_min_version(*min)
                .with_max_version(*max)
        })
        .collect()
}
