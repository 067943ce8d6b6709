//! One connection to one broker: a request out, its answer in, strictly in turn.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, Request, StrBytes, VersionRange,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::Error;
use super::security::Security;

/// Longest answer, in bytes: what librdkafka takes by default (`receive.message.max.bytes`).
const LONGEST: usize = 100_000_000;

/// An encrypted stream or a plain one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name, or an address: of IPv6 without its brackets.
    pub host: String,
    pub port: u16,
}

impl Address {
    /// Reads `host:port`, of which the configuration has made sure.
    pub(super) fn parse(server: &str) -> Self {
        let (host, port) = server.trim().rsplit_once(':').unwrap_or((server, "9092"));
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        Self {
            host: inner.unwrap_or(host).to_owned(),
            port: port.parse().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A connection over which requests may be sent. After an error it is of no more use.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    address: Address,
    client_id: StrBytes,
    correlation: i32,
    versions: ApiVersionsResponse,
    /// When the broker takes requests of these credentials no longer (KIP-368).
    expires: Option<Instant>,
}

/// The bytes of an answer. They are read when that is asked for.
pub struct Reply<R> {
    body: Bytes,
    version: i16,
    address: Address,
    request: PhantomData<R>,
}

impl<R: Request> Reply<R> {
    /// As they came, behind the header.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// What they say.
    ///
    /// # Errors
    ///
    /// When they are not such an answer.
    pub fn read(mut self) -> Result<R::Response, Error> {
        R::Response::decode(&mut self.body, self.version)
            .map_err(|error| garbled(&self.address, error))
    }
}

impl Connection {
    /// Connects, encrypts, asks for the versions, authenticates.
    pub(super) async fn open(
        address: &Address,
        security: &Security,
        client_id: &str,
    ) -> Result<Self, Error> {
        let mut connection = Self {
            stream: security.connect(address).await?,
            address: address.clone(),
            client_id: StrBytes::from_string(client_id.to_owned()),
            correlation: 0,
            versions: ApiVersionsResponse::default(),
            expires: None,
        };
        connection.versions = connection.ask_versions().await?;
        let lifetime = security.authenticate(&mut connection).await?;
        // Nothing may be under way when it ends.
        let usable = lifetime.map(|lifetime| lifetime.mul_f64(0.9));
        connection.expires = usable.map(|usable| Instant::now() + usable);
        Ok(connection)
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn is_for(&self, address: &Address) -> bool {
        self.address == *address
    }

    /// Sends `request` in the newest version that both know, and waits for the answer.
    pub(super) async fn call<R: Request>(&mut self, request: &R) -> Result<Reply<R>, Error> {
        if self
            .expires
            .is_some_and(|expires| expires <= Instant::now())
        {
            return Err(Error::Unreachable("the session is over".to_owned()));
        }
        let version = self.version_of::<R>()?;
        let body = self.exchange(request, version).await?;
        Ok(Reply {
            body,
            version,
            address: self.address.clone(),
            request: PhantomData,
        })
    }

    /// The newest version of a request that both know.
    fn version_of<R: Request>(&self) -> Result<i16, Error> {
        let mut known = self.versions.api_keys.iter();
        let known = known.find(|api| api.api_key == R::KEY);
        let VersionRange { min, max } = R::VERSIONS;
        let version = known
            .map(|api| (api.min_version.max(min), api.max_version.min(max)))
            .and_then(|(least, most)| (least <= most).then_some(most));
        version.ok_or_else(|| {
            let name = ApiKey::try_from(R::KEY).map(|key| format!("{key:?}"));
            Error::Unusable(format!(
                "broker {} knows no {} request that kmirror does",
                self.address,
                name.unwrap_or_default()
            ))
        })
    }

    async fn ask_versions(&mut self) -> Result<ApiVersionsResponse, Error> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(env!("CARGO_PKG_NAME")))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let newest = 3;
        let mut body = self.exchange(&request, newest).await?;
        // One that knows no such request answers with its error in the oldest version (KIP-511).
        let is_unknown = body.get(..2) == Some(&UNSUPPORTED_VERSION.to_be_bytes());
        let version = if is_unknown { 0 } else { newest };
        if is_unknown {
            body = self.exchange(&request, version).await?;
        }
        ApiVersionsResponse::decode(&mut body, version)
            .map_err(|error| garbled(&self.address, error))
    }

    async fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes, Error> {
        self.correlation = self.correlation.wrapping_add(1);
        let frame = self.frame(request, version);
        let frame = frame.map_err(|error| garbled(&self.address, error))?;
        let sent = self.stream.write_all(&frame).await;
        sent.map_err(|error| lost(&self.address, &error))?;
        let mut answer = self.receive().await?;
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut answer, header_version)
            .map_err(|error| garbled(&self.address, error))?;
        if header.correlation_id != self.correlation {
            return Err(garbled(&self.address, "it answers another request"));
        }
        Ok(answer)
    }

    fn frame<R: Request>(&self, request: &R, version: i16) -> Result<BytesMut, impl fmt::Display> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::zeroed(4);
        let encoded = header
            .encode(&mut frame, R::header_version(version))
            .and_then(|()| request.encode(&mut frame, version));
        encoded.map(|()| {
            let length = frame.len() - 4;
            (&mut frame[..4]).put_u32(u32::try_from(length).unwrap_or(u32::MAX));
            frame
        })
    }

    async fn receive(&mut self) -> Result<Bytes, Error> {
        let length = self.stream.read_i32().await;
        let length = length.map_err(|error| lost(&self.address, &error))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(garbled(&self.address, "an answer longer than any"));
        }
        // Grows as the bytes come: a peer that only claims to send much gets no memory for it.
        let mut answer = BytesMut::with_capacity(length.min(64 * 1024));
        while answer.len() < length {
            let mut rest = (&mut self.stream).take((length - answer.len()) as u64);
            let read = rest.read_buf(&mut answer).await;
            if read.map_err(|error| lost(&self.address, &error))? == 0 {
                return Err(closed(&self.address));
            }
        }
        Ok(answer.freeze())
    }
}

/// Kafka's error code UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: i16 = 35;

/// How long the credentials are good for, as SaslAuthenticate tells it: 0 is for ever.
pub(super) fn lifetime(milliseconds: i64) -> Option<Duration> {
    let milliseconds = u64::try_from(milliseconds).ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

fn lost(address: &Address, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => closed(address),
        _ => Error::Unreachable(format!("connection to {address} lost: {error}")),
    }
}

fn closed(address: &Address) -> Error {
    Error::Unreachable(format!("{address} closed the connection"))
}

pub(super) fn garbled(address: &Address, error: impl fmt::Display) -> Error {
    Error::Unusable(format!("{address} does not answer as Kafka does: {error}"))
}
