//! One connection to one broker: a request out, its answer in, strictly in turn.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// Long enough for a busy broker on a small machine, short enough to notice one that was stopped.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Connection {
    stream: TcpStream,
    correlation: i32,
}

impl Connection {
    /// Connects to `address` (`host:port`).
    pub fn open(address: &str) -> Result<Self> {
        let resolved = address
            .to_socket_addrs()?
            .next()
            .with_context(|| format!("{address} names no host"))?;
        let stream = TcpStream::connect_timeout(&resolved, PATIENCE)
            .with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            correlation: 0,
        })
    }

    /// Sends `request` at `version` and waits for the answer. After an error the connection is of no more use.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.correlation += 1;
        self.stream
            .write_all(&frame(self.correlation, version, request)?)?;
        let mut answer = self.receive()?;
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))?;
        ensure!(
            header.correlation_id == self.correlation,
            "answer {} to request {}",
            header.correlation_id,
            self.correlation
        );
        R::Response::decode(&mut answer, version)
    }

    fn receive(&mut self) -> Result<Bytes> {
        let mut length = [0; 4];
        self.stream
            .read_exact(&mut length)
            .context("read the length of an answer")?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream
            .read_exact(&mut answer)
            .context("read an answer")?;
        Ok(answer.into())
    }
}

fn frame<R: Request>(correlation: i32, version: i16, request: &R) -> Result<Bytes> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_static_str("kmirror-tests")));
    let mut body = BytesMut::new();
    header.encode(&mut body, R::header_version(version))?;
    request.encode(&mut body, version)?;
    let mut framed = BytesMut::with_capacity(body.len() + 4);
    framed.put_u32(u32::try_from(body.len())?);
    framed.put_slice(&body);
    Ok(framed.freeze())
}

/// Kafka's error code as an error; 0 is none.
pub fn refused(code: i16) -> Result<()> {
    match ResponseError::try_from_code(code) {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}
