//! Turns bytes into requests of one API, and what a handler says into the bytes of a response.

use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::shape;
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

/// What a handler may return: the response of its API, or something of its own.
pub(crate) trait IntoReply {
    /// Encodes it in the version of its request.
    fn into_reply(self, request: &Request) -> Result<Reply, Refusal>;
}

impl<R: Encodable + Decodable + HeaderVersion> IntoReply for R {
    fn into_reply(self, request: &Request) -> Result<Reply, Refusal> {
        let mut frame = Frame::respond(request.correlation_id, R::header_version(request.version));
        let start = frame.encoder().len();
        let encoded = self.encode(frame.encoder(), request.version);
        let failed = |reason| Refusal::Response {
            api: request.api,
            reason,
        };
        encoded.map_err(|error| failed(error.to_string()))?;
        // A malformed response aborts librdkafka instead of failing the call, so debug builds read it as a client will.
        if cfg!(debug_assertions) {
            let mut written = &frame.encoder()[start..];
            R::decode(&mut written, request.version).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Reply::Respond(frame))
    }
}

/// A response for the requests that get one, and none for the others.
pub(crate) enum Answer<R> {
    /// It is answered.
    Respond(R),
    /// As [`Reply::Silence`].
    Silence,
    /// As [`Reply::Close`].
    Close,
}

impl<R: IntoReply> IntoReply for Answer<R> {
    fn into_reply(self, request: &Request) -> Result<Reply, Refusal> {
        match self {
            Self::Respond(response) => response.into_reply(request),
            Self::Silence => Ok(Reply::Silence),
            Self::Close => Ok(Reply::Close),
        }
    }
}

/// Decodes the body of a request, once its claims are found true.
pub(super) fn decode<R: Decodable>(request: &Request) -> Result<R, Refusal> {
    let malformed = |reason: String| Refusal::Body {
        api: request.api,
        reason,
    };
    shape::check(request).map_err(|reason| malformed(reason.to_owned()))?;
    let mut body = request.body.clone();
    R::decode(&mut body, request.version).map_err(|error| malformed(error.to_string()))
}
