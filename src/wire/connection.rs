//! One connection to one broker, ready for requests: encrypted, authenticated, its versions known.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, Request, StrBytes, VersionRange,
};
use tokio::time::Instant;

use super::address::Address;
use super::channel::Channel;
use super::security::Security;
use super::{Error, garbled};

/// Kafka's error code UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: i16 = 35;

/// A connection over which requests may be sent, several at a time.
pub(super) struct Connection {
    channel: Channel,
    client_id: StrBytes,
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
        let stream = security.connect(address).await?;
        let mut connection = Self {
            channel: Channel::over(stream, address),
            client_id: StrBytes::from_string(client_id.to_owned()),
            versions: ApiVersionsResponse::default(),
            expires: None,
        };
        connection.versions = connection.ask_versions().await?;
        let lifetime = security.authenticate(&connection).await?;
        // Nothing may be under way when it ends.
        let usable = lifetime.map(|lifetime| lifetime.mul_f64(0.9));
        connection.expires = usable.map(|usable| Instant::now() + usable);
        Ok(connection)
    }

    /// To whom it leads.
    pub(super) fn address(&self) -> &Address {
        self.channel.address()
    }

    /// Whether the broker will take requests over it.
    pub(super) fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| Instant::now() < expires)
    }

    /// Sends `request` in the newest version that both know, and waits for the answer. Cancel-safe.
    pub(super) async fn call<R: Request>(&self, request: &R) -> Result<Reply<R>, Error> {
        self.call_within(i16::MAX, request).await
    }

    /// As [`Connection::call`], but in no newer version than `newest`.
    pub(super) async fn call_within<R: Request>(
        &self,
        newest: i16,
        request: &R,
    ) -> Result<Reply<R>, Error> {
        let version = self.version_of::<R>(newest)?;
        let body = self.exchange(request, version).await?;
        Ok(Reply {
            body,
            version,
            address: self.address().clone(),
            request: PhantomData,
        })
    }

    /// The newest version of a request that both know, up to `newest`.
    fn version_of<R: Request>(&self, newest: i16) -> Result<i16, Error> {
        let mut known = self.versions.api_keys.iter();
        let known = known.find(|api| api.api_key == R::KEY);
        let VersionRange { min, max } = R::VERSIONS;
        let version = known
            .map(|api| {
                (
                    api.min_version.max(min),
                    api.max_version.min(max).min(newest),
                )
            })
            .and_then(|(least, most)| (least <= most).then_some(most));
        version.ok_or_else(|| {
            let name = ApiKey::try_from(R::KEY).map(|key| format!("{key:?}"));
            Error::Unusable(format!(
                "{} knows no {} request that kmirror does",
                self.address(),
                name.unwrap_or_default()
            ))
        })
    }

    async fn ask_versions(&self) -> Result<ApiVersionsResponse, Error> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(env!("CARGO_PKG_NAME")))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let newest = 3;
        let mut body = self.exchange(&request, newest).await?;
        // One that does not know that version answers with its error in the oldest (KIP-511).
        let is_unknown = body.get(..2) == Some(&UNSUPPORTED_VERSION.to_be_bytes());
        let version = if is_unknown { 0 } else { newest };
        if is_unknown {
            body = self.exchange(&request, version).await?;
        }
        ApiVersionsResponse::decode(&mut body, version)
            .map_err(|error| garbled(self.address(), error))
    }

    /// Answers with what stands behind the header.
    async fn exchange<R: Request>(&self, request: &R, version: i16) -> Result<Bytes, Error> {
        let exchange = self.channel.exchange(|correlation| {
            let header = RequestHeader::default()
                .with_request_api_key(R::KEY)
                .with_request_api_version(version)
                .with_correlation_id(correlation)
                .with_client_id(Some(self.client_id.clone()));
            let mut frame = BytesMut::new();
            let encoded = header
                .encode(&mut frame, R::header_version(version))
                .and_then(|()| request.encode(&mut frame, version));
            let unsayable = |error| {
                let address = self.address();
                Error::Unusable(format!("{address} cannot be asked: {error}"))
            };
            encoded.map(|()| frame).map_err(unsayable)
        });
        let mut answer = exchange.await?;
        ResponseHeader::decode(&mut answer, R::Response::header_version(version))
            .map_err(|error| garbled(self.address(), error))?;
        Ok(answer)
    }
}
