//! ApiVersions (18): tells which APIs are answered, in which versions.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{About, Context, IntoReply, Reply};
use crate::net::frame::{Refusal, Request};

/// Lists the table. No features: any tag in this response breaks librdkafka before 2.2.0, which misreads tag lengths.
pub(crate) async fn handle(cx: &Context, _: i16, _: ApiVersionsRequest) -> ApiVersionsResponse {
    let refused = cx.read(About::Request).err();
    ApiVersionsResponse::default()
        .with_error_code(refused.map_or(0, |error| error.code()))
        .with_api_keys(advertised(cx))
}

/// Answers a version nobody knows in version 0, with the list, so that the client can ask again (KIP-511).
pub(super) fn unsupported(cx: &Context, request: &Request) -> Result<Reply, Refusal> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(advertised(cx));
    response.into_reply(&Request {
        version: 0,
        ..request.clone()
    })
}

fn advertised(cx: &Context) -> Vec<ApiVersion> {
    let entry = |(api, min, max)| {
        ApiVersion::default()
            .with_api_key(api as i16)
            .with_min_version(min)
            .with_max_version(max)
    };
    cx.shared.versions.iter().map(entry).collect()
}
