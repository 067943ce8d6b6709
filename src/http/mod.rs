//! Answers `/metrics`, `/livez`, `/readyz` and `/status` on one listener.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::status::Status;
use connection::BoundedListener;

/// What the answers are made of. Called on a blocking thread, so a large answer delays no record.
pub trait Source: Send + Sync {
    /// All metrics in Prometheus' text format.
    fn metrics(&self) -> String;
    /// What this process mirrors.
    fn status(&self) -> Status;
    /// Whether this process does all that it should, or every reason why not.
    fn readiness(&self) -> Result<(), Vec<String>>;
}

/// The address of the configuration, taken.
pub struct Listener(TcpListener);

impl Listener {
    /// The address listened on: with the real port where the configuration says 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The address of the configuration cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("http.listen: cannot listen on {address}: {}", remedy(source))]
pub struct BindError {
    /// As in the configuration.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use; choose another one or stop the process that holds it".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; use one of its own, such as 127.0.0.1".to_owned()
        }
        io::ErrorKind::PermissionDenied => "not permitted; choose a port above 1023".to_owned(),
        _ => error.to_string(),
    }
}

/// Takes the address, so that a port in use is known before anything else is started.
pub async fn bind(address: SocketAddr) -> Result<Listener, BindError> {
    TcpListener::bind(address)
        .await
        .map(Listener)
        .map_err(|source| BindError { address, source })
}

/// Answers until `shutdown` ends, and then as long as the requests under way take, ten seconds at most.
pub async fn serve(
    listener: Listener,
    source: Arc<dyn Source>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(BoundedListener::new(listener.0), router(source))
        .with_graceful_shutdown(shutdown)
        .await
}

fn router(source: Arc<dyn Source>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .fallback(unknown_path)
        .layer(axum::middleware::map_response(close))
        .with_state(source)
}

/// One request per connection: a scrape every few seconds does not need more, and a connection that ends
/// by itself holds none of the few places.
async fn close(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

type Shared = State<Arc<dyn Source>>;

async fn metrics(State(source): Shared) -> Response {
    const TEXT: [(HeaderName, &str); 1] = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    let text = on_blocking_thread(source, |source| source.metrics()).await;
    text.map(|text| (TEXT, text)).into_response()
}

/// Alive is who answers: a process that is stuck answers nothing, and one that waits for a cluster must
/// not be restarted for it.
async fn livez() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<String>,
}

async fn readyz(State(source): Shared) -> Response {
    let readiness = on_blocking_thread(source, |source| source.readiness()).await;
    let (code, reasons) = match readiness {
        Ok(Ok(())) => (StatusCode::OK, Vec::new()),
        Ok(Err(reasons)) => (StatusCode::SERVICE_UNAVAILABLE, reasons),
        Err(code) => return code.into_response(),
    };
    let ready = code == StatusCode::OK;
    (code, Json(Readiness { ready, reasons })).into_response()
}

async fn status(State(source): Shared) -> Response {
    let status = on_blocking_thread(source, |source| source.status()).await;
    status.map(Json).into_response()
}

async fn unknown_path() -> impl IntoResponse {
    const PATHS: &str = "kmirror answers /metrics, /livez, /readyz and /status\n";
    (StatusCode::NOT_FOUND, PATHS)
}

/// A panic while the answer was made is that request's trouble alone.
async fn on_blocking_thread<T: Send + 'static>(
    source: Arc<dyn Source>,
    make: impl FnOnce(&dyn Source) -> T + Send + 'static,
) -> Result<T, StatusCode> {
    tokio::task::spawn_blocking(move || make(&*source))
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests;
