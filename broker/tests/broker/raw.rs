//! Speaks the protocol by hand, for what no client library would send.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kmirror_broker::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::clients::PATIENCE;

/// A connection on which any bytes can be sent.
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects to the first node.
    pub async fn connect(cluster: &Cluster) -> Self {
        Self::connect_to(cluster, 0).await
    }

    /// Connects to a node by its number.
    pub async fn connect_to(cluster: &Cluster, node: usize) -> Self {
        let servers = cluster.bootstrap_servers();
        let address = servers.split(',').nth(node).expect("the node exists");
        Self {
            stream: TcpStream::connect(address).await.expect("the node listens"),
        }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the node reads");
    }

    /// Sends a frame: the length, then `content`.
    pub async fn send_frame(&mut self, content: &[u8]) {
        let length = i32::try_from(content.len()).expect("a frame is small");
        self.send(&[&length.to_be_bytes(), content].concat()).await;
    }

    /// Whether the node closes the connection without a word.
    pub async fn is_closed(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_u8())
            .await
            .expect("the node does not hang");
        read.is_err()
    }

    /// Every byte until the node closes the connection.
    pub async fn receive_all(&mut self) -> Bytes {
        let mut received = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut received))
            .await
            .expect("the node does not hang")
            .expect("the node closes in order");
        Bytes::from(received)
    }

    /// The next response, without its length.
    pub async fn receive(&mut self) -> Bytes {
        let receive = async {
            let length = self.stream.read_i32().await.expect("a response");
            let mut content = vec![0; usize::try_from(length).expect("a length")];
            self.stream
                .read_exact(&mut content)
                .await
                .expect("a whole response");
            Bytes::from(content)
        };
        timeout(PATIENCE, receive)
            .await
            .expect("the node answers in time")
    }

    /// Asks and is answered.
    pub async fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send_frame(&encode(request, version)).await;
        let mut content = self.receive().await;
        let header_version = <R::Response as HeaderVersion>::header_version(version);
        let header = ResponseHeader::decode(&mut content, header_version).expect("a header");
        assert_eq!(header.correlation_id, 7);
        let response = R::Response::decode(&mut content, version).expect("a response");
        assert!(
            !content.has_remaining(),
            "the response has nothing behind it"
        );
        response
    }
}

/// A request with its header, as one frame without its length.
pub fn encode<R: Request>(request: &R, version: i16) -> BytesMut {
    let mut frame = BytesMut::new();
    let api = ApiKey::try_from(R::KEY).expect("an API");
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .with_client_id(Some(StrBytes::from_static_str("raw")))
        .encode(&mut frame, api.request_header_version(version))
        .expect("a header");
    request.encode(&mut frame, version).expect("a request");
    frame
}

/// A batch of `count` records without keys, values or a codec, as producer `id` would send it from `sequence` on.
pub fn batch(producer: (i64, i16, i32), count: i32) -> Bytes {
    with_attributes(0, producer, count)
}

/// The same within a transaction.
pub fn transactional_batch(producer: (i64, i16, i32), count: i32) -> Bytes {
    with_attributes(1 << 4, producer, count)
}

fn with_attributes(attributes: i16, producer: (i64, i16, i32), count: i32) -> Bytes {
    let mut batch = BytesMut::new();
    let records: Vec<u8> = (0..count)
        .flat_map(|offset| [14, 0, 0, (offset as u8) << 1, 2, b'k', 1, 0])
        .collect();
    batch.put_i64(0);
    batch.put_i32(49 + records.len() as i32);
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(0);
    batch.put_i16(attributes);
    batch.put_i32(count - 1);
    batch.put_i64(0);
    batch.put_i64(0);
    batch.put_i64(producer.0);
    batch.put_i16(producer.1);
    batch.put_i32(producer.2);
    batch.put_i32(count);
    batch.put_slice(&records);
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

/// A topic to ask for by name.
pub fn named(topic: &'static str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_static_str(topic))))
}
