//! Lists the APIs with their versions, and hands each request to the file that answers it.

mod api_versions;
mod context;
mod delete_groups;
mod describe_groups;
mod find_coordinator;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod sync_group;

use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

pub(crate) use context::Context;

use crate::net::frame::{Frame, Refusal, Request};

/// What becomes of a request.
pub(crate) enum Reply {
    /// It is answered.
    Respond(Frame),
    /// It is carried out and not answered: a produce request with `acks=0`.
    Silence,
    /// The connection is closed, the only way to say no where the protocol has no response.
    Close,
}

/// Declares the table of APIs and the dispatch over it in one place, so that what is advertised is what is answered.
macro_rules! apis {
    ($($api:ident $min:literal..=$max:literal => $handler:ident :: $handle:ident ($request:ident),)*) => {
        /// Every API with the lowest and the highest version of it that is advertised and answered.
        pub(crate) const VERSIONS: &[(ApiKey, i16, i16)] = &[$((ApiKey::$api, $min, $max),)*];

        async fn handle(cx: &Context, request: Request) -> Result<Reply, Refusal> {
            match request.api {
                $(ApiKey::$api => {
                    let body: kafka::$request = decode(&request)?;
                    let response = $handler::$handle(cx, request.version, body).await;
                    respond(&request, response)
                })*
                _ => Err(unsupported(&request)),
            }
        }
    };
}

apis! {
    OffsetCommit     2..=9 => offset_commit::handle(OffsetCommitRequest),
    OffsetFetch      1..=9 => offset_fetch::handle(OffsetFetchRequest),
    FindCoordinator  0..=4 => find_coordinator::handle(FindCoordinatorRequest),
    JoinGroup        0..=9 => join_group::handle(JoinGroupRequest),
    Heartbeat        0..=4 => heartbeat::handle(HeartbeatRequest),
    LeaveGroup       0..=5 => leave_group::handle(LeaveGroupRequest),
    SyncGroup        0..=5 => sync_group::handle(SyncGroupRequest),
    DescribeGroups   0..=5 => describe_groups::handle(DescribeGroupsRequest),
    ListGroups       0..=5 => list_groups::handle(ListGroupsRequest),
    ApiVersions      0..=4 => api_versions::handle(ApiVersionsRequest),
    DeleteGroups     0..=2 => delete_groups::handle(DeleteGroupsRequest),
    OffsetDelete     0..=0 => offset_delete::handle(OffsetDeleteRequest),
}

/// Answers one request. An error closes the connection: its peer does not speak what was advertised.
pub(crate) async fn dispatch(cx: &mut Context, request: Request) -> Result<Reply, Refusal> {
    cx.client_id = request.client_id.clone();
    cx.arrived = Instant::now();
    let range = VERSIONS.iter().find(|(api, _, _)| *api == request.api);
    match range {
        Some((_, min, max)) if (*min..=*max).contains(&request.version) => {
            handle(cx, request).await
        }
        Some(_) if request.api == ApiKey::ApiVersions => api_versions::unsupported(&request),
        _ => Err(unsupported(&request)),
    }
}

fn unsupported(request: &Request) -> Refusal {
    Refusal::Unsupported {
        key: request.api as i16,
        version: request.version,
    }
}

fn decode<R: Decodable>(request: &Request) -> Result<R, Refusal> {
    let mut body = request.body.clone();
    R::decode(&mut body, request.version).map_err(|error| Refusal::Body {
        api: request.api,
        reason: error.to_string(),
    })
}

/// Encodes a response in the version of its request.
fn respond<R: Encodable + Decodable + HeaderVersion>(
    request: &Request,
    response: R,
) -> Result<Reply, Refusal> {
    let mut frame = Frame::respond(request.correlation_id, R::header_version(request.version));
    let failed = |error: &dyn std::fmt::Display| Refusal::Response {
        api: request.api,
        reason: error.to_string(),
    };
    let start = frame.encoder().len();
    response
        .encode(frame.encoder(), request.version)
        .map_err(|error| failed(&error))?;
    // A malformed admin response aborts librdkafka clients instead of failing the call, so debug builds read it back.
    #[cfg(debug_assertions)]
    {
        let mut written = Bytes::copy_from_slice(&frame.encoder()[start..]);
        R::decode(&mut written, request.version).map_err(|error| failed(&error))?;
        debug_assert!(
            written.is_empty(),
            "{:?} response has trailing bytes",
            request.api
        );
    }
    Ok(Reply::Respond(frame))
}
