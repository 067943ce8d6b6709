//! Speaks raw HTTP to the listener, as a scraper, an orchestrator and a stranger would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;

struct Fixed {
    reasons: Vec<String>,
    metrics: String,
}

impl Source for Fixed {
    fn metrics(&self) -> String {
        self.metrics.clone()
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn readiness(&self) -> Result<(), Vec<String>> {
        if self.reasons.is_empty() {
            Ok(())
        } else {
            Err(self.reasons.clone())
        }
    }
}

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start(reasons: &[&str]) -> Self {
        let reasons = reasons.iter().map(ToString::to_string).collect();
        let metrics = "kmirror_topics 1\n".to_owned();
        Self::of(Fixed { reasons, metrics }).await
    }

    async fn of(source: Fixed) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bind(any_port).await.expect("a free port");
        let address = listener.address().expect("a bound address");
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, Arc::new(source), shutdown));
        Self {
            address,
            stop,
            task,
        }
    }

    async fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: kmirror\r\n\r\n"))
            .await
    }

    /// Reads until the server closes: every answer closes its connection.
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        // A server that has had enough closes before everything is written.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("answers are text")
    }
}

#[tokio::test]
async fn each_path_answers_in_its_own_format() {
    let server = Server::start(&[]).await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"));
    assert!(metrics.ends_with("kmirror_topics 1\n"));
    assert!(server.get("/livez").await.starts_with("HTTP/1.1 200"));
    assert!(server.get("/status").await.ends_with(r#"{"mirrors":[]}"#));
    let unknown = server.get("/").await;
    assert!(unknown.starts_with("HTTP/1.1 404") && unknown.contains("/metrics"));
}

#[tokio::test]
async fn readiness_gives_every_reason_why_not() {
    let server = Server::start(&[]).await;
    let ready = server.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"));
    assert!(ready.ends_with(r#"{"ready":true,"reasons":[]}"#));

    let server = Server::start(&["cluster paris does not answer"]).await;
    let unready = server.get("/readyz").await;
    assert!(unready.starts_with("HTTP/1.1 503"));
    assert!(unready.ends_with(r#"{"ready":false,"reasons":["cluster paris does not answer"]}"#));
}

#[tokio::test]
async fn a_huge_request_is_cut_off() {
    let server = Server::start(&[]).await;
    let request = format!("GET /livez HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(!server.send(&request).await.contains("200"));
    assert!(server.get("/livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn silent_clients_lose_their_places_to_those_who_ask() {
    let server = Server::start(&[]).await;
    let mut silent = Vec::new();
    for _ in 0..connection::MOST_CONNECTIONS {
        silent.push(TcpStream::connect(server.address).await.expect("connects"));
    }
    assert!(server.get("/livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_is_given_up() {
    let server = Server::of(Fixed {
        reasons: Vec::new(),
        // More than the system buffers between the two.
        metrics: "x".repeat(32 << 20),
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let request = b"GET /metrics HTTP/1.1\r\n\r\n";
    stream.write_all(request).await.expect("taken");
    // The answer has begun, and is read no further.
    stream.readable().await.expect("answered");
    assert!(server.get("/livez").await.starts_with("HTTP/1.1 200"));
    server.stop.send(()).expect("the server is running");
    // It waits for requests under way, so it ends only when this one is given up.
    tokio::time::timeout(Duration::from_secs(30), server.task)
        .await
        .expect("it is given up")
        .expect("no panic")
        .expect("no error");
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_its_key_and_the_remedy() {
    let server = Server::start(&[]).await;
    let Err(error) = bind(server.address).await else {
        panic!("the port was given out twice");
    };
    let expected = format!(
        "http.listen: cannot listen on {}: the port is in use; \
         choose another one or stop the process that holds it",
        server.address
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn the_listener_ends_when_it_is_told_to() {
    let server = Server::start(&[]).await;
    server.stop.send(()).expect("the server is running");
    tokio::time::timeout(Duration::from_secs(5), server.task)
        .await
        .expect("it ends")
        .expect("it does not panic")
        .expect("it ends without error");
}
