//! What a wire makes of brokers that answer, that do not, and that are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, MetadataRequest, MetadataResponse, ResponseHeader,
};
use kafka_protocol::protocol::Encodable;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::{Error, Wire};
use crate::config;

/// Far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn wire(servers: &str, timeout: Duration) -> Wire {
    let cluster = config::Cluster {
        name: "paris".to_owned(),
        bootstrap_servers: servers.to_owned(),
        tls: None,
        sasl: None,
        client: [].into(),
    };
    Wire::new(&cluster, "test", timeout).unwrap()
}

async fn ask(wire: &Wire) -> Result<MetadataResponse, Error> {
    let all_topics = MetadataRequest::default().with_topics(None);
    wire.ask(&all_topics).await?.read()
}

/// A peer that deals with each connection as `serve` does; its address, and how many connections there were.
async fn peer<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream));
        }
    });
    (address, connections)
}

/// An address at which nobody listens any more.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Takes requests and says nothing.
async fn silent(mut stream: TcpStream) {
    let mut taken = BytesMut::new();
    while stream.read_buf(&mut taken).await.is_ok_and(|read| read > 0) {}
}

/// The next request's number; `None` when the connection is over.
async fn next_request(stream: &mut TcpStream) -> Option<i32> {
    let length = stream.read_i32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut frame).await.ok()?;
    // Key and version stand before it.
    Some((&frame[4..8]).get_i32())
}

async fn answer(stream: &mut TcpStream, correlation: i32, body: &impl Encodable, version: i16) {
    let mut frame = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut frame, 0).unwrap();
    body.encode(&mut frame, version).unwrap();
    stream.write_i32(frame.len() as i32).await.unwrap();
    stream.write_all(&frame).await.unwrap();
}

/// Tells that it knows metadata of an old version, whose header has nothing behind the number.
async fn introduce(stream: &mut TcpStream) {
    let Some(correlation) = next_request(stream).await else {
        return;
    };
    let metadata = ApiVersion::default()
        .with_api_key(ApiKey::Metadata as i16)
        .with_max_version(1);
    let versions = ApiVersionsResponse::default().with_api_keys(vec![metadata]);
    answer(stream, correlation, &versions, 3).await;
}

#[tokio::test]
async fn several_requests_are_under_way_over_one_connection() {
    const TOGETHER: usize = 3;
    // Answers none before it has all.
    let (address, connections) = peer(|mut stream| async move {
        introduce(&mut stream).await;
        let mut asked = Vec::new();
        while asked.len() < TOGETHER {
            asked.extend(next_request(&mut stream).await);
        }
        for correlation in asked {
            answer(&mut stream, correlation, &MetadataResponse::default(), 1).await;
        }
    })
    .await;
    let wire = wire(&address, PATIENCE);
    let (one, two, three) = tokio::join!(ask(&wire), ask(&wire), ask(&wire));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_costs_the_others_nothing() {
    let (address, connections) = peer(|mut stream| async move {
        introduce(&mut stream).await;
        let first = next_request(&mut stream).await.unwrap();
        let second = next_request(&mut stream).await.unwrap();
        for correlation in [first, second] {
            answer(&mut stream, correlation, &MetadataResponse::default(), 1).await;
        }
    })
    .await;
    let wire = wire(&address, PATIENCE);
    {
        let mut given_up = Box::pin(ask(&wire));
        let polled = tokio::time::timeout(Duration::from_millis(200), &mut given_up);
        assert!(polled.await.is_err(), "nothing is answered yet");
    }
    assert!(ask(&wire).await.is_ok());
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_is_opened_again() {
    let (address, connections) = peer(|mut stream| async move {
        introduce(&mut stream).await;
        let correlation = next_request(&mut stream).await.unwrap();
        answer(&mut stream, correlation, &MetadataResponse::default(), 1).await;
    })
    .await;
    let wire = wire(&address, PATIENCE);
    for _ in 0..3 {
        assert!(ask(&wire).await.is_ok());
    }
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_given_up_in_time() {
    let (address, _) = peer(silent).await;
    let timeout = Duration::from_millis(500);
    let begun = Instant::now();
    let error = ask(&wire(&address, timeout)).await.unwrap_err();
    assert_eq!(error, Error::Unreachable("no answer in time".to_owned()));
    assert!(begun.elapsed() >= timeout);
}

#[tokio::test]
async fn another_broker_is_asked_where_one_is_silent_or_gone() {
    let cluster = kmirror_broker::Cluster::builder().start().await.unwrap();
    let (silent, _) = peer(silent).await;
    let gone = nobody().await;
    let servers = format!("{gone},{silent},{}", cluster.bootstrap_servers());
    let wire = wire(&servers, PATIENCE);
    let answer = ask(&wire).await.unwrap();
    assert_eq!(answer.brokers.len(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_told_with_the_address() {
    let address = nobody().await;
    let error = ask(&wire(&address, PATIENCE)).await.unwrap_err();
    let expected = format!("Connect to {address} failed: Connection refused");
    assert_eq!(error, Error::Unreachable(expected));
}

#[tokio::test]
async fn what_is_no_broker_is_told() {
    let (address, _) = peer(|mut stream| async move {
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        let _ = stream.write_all(answer).await;
        silent(stream).await;
    })
    .await;
    let error = ask(&wire(&address, PATIENCE)).await.unwrap_err();
    let expected =
        format!("{address} does not answer as Kafka does: an answer of no possible length");
    assert_eq!(error, Error::Unusable(expected));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told() {
    let (address, _) = peer(|mut stream| async move {
        let _ = stream.write_all(&50_000_000_u32.to_be_bytes()).await;
        let _ = stream.write_all(b"not so much").await;
        next_request(&mut stream).await;
    })
    .await;
    let error = ask(&wire(&address, PATIENCE)).await.unwrap_err();
    let expected = format!("{address} closed the connection");
    assert_eq!(error, Error::Unreachable(expected));
}

#[tokio::test]
async fn a_broker_without_the_request_is_told() {
    let cluster = kmirror_broker::Cluster::builder().start().await.unwrap();
    let address = cluster.bootstrap_servers();
    let wire = wire(&address, PATIENCE);
    let ahead = kafka_protocol::messages::ShareFetchRequest::default();
    let error = wire.ask(&ahead).await.err().unwrap();
    let expected = format!("{address} knows no ShareFetch request that kmirror does");
    assert_eq!(error, Error::Unusable(expected));
}
