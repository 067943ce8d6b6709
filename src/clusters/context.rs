//! Passes on what librdkafka says of a cluster: its log as events, its connection errors as the cause.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

/// Reports of one client. Consumers and producers with callbacks of their own embed it.
#[derive(Debug, Clone)]
pub struct ClusterContext {
    cluster: Arc<str>,
    last_connection_error: Arc<Mutex<Option<String>>>,
}

impl ClusterContext {
    /// Reports that name `cluster`.
    pub fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.into(),
            last_connection_error: Arc::default(),
        }
    }

    /// What stood in the way of the newest connection, until [`forget`](Self::forget).
    pub fn last_connection_error(&self) -> Option<String> {
        self.lock().clone()
    }

    /// The cluster answered, so earlier connection errors explain nothing any more.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        // A text is whole or absent whatever panicked beside it.
        self.last_connection_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for ClusterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let cluster = &*self.cluster;
        match severity(level, facility) {
            Severity::Error => tracing::error!(cluster, facility, "{message}"),
            Severity::Warn => tracing::warn!(cluster, facility, "{message}"),
            Severity::Debug => tracing::debug!(cluster, facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // "1/1 brokers are down" follows the error that says why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.lock() = Some(cause(reason).to_owned());
        }
        tracing::debug!(cluster = &*self.cluster, %error, reason, "librdkafka reports an error");
    }
}

impl ConsumerContext for ClusterContext {}

impl ProducerContext for ClusterContext {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

#[derive(Debug, PartialEq, Eq)]
enum Severity {
    Error,
    Warn,
    Debug,
}

/// librdkafka logs each failed connection attempt as an error; that a cluster is down is said once, by
/// whoever watches it, and a failed commit by whoever committed. What it calls information is about its own
/// workings.
fn severity(level: RDKafkaLogLevel, facility: &str) -> Severity {
    let told_by_us = ["FAIL", "ERROR", "CLOSE", "REQTMOUT", "COMMITFAIL"].contains(&facility);
    match level {
        _ if told_by_us => Severity::Debug,
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            Severity::Error
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => Severity::Warn,
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => Severity::Debug,
    }
}

/// Reasons begin with the connection's internal name and end with its state:
/// `paris-1:9092/bootstrap: Connect to … failed (after 0ms in state CONNECT)`.
fn cause(reason: &str) -> &str {
    let reason = reason.split(" (after ").next().unwrap_or(reason);
    match reason.split_once(": ") {
        Some((name, rest)) if name.contains('/') => rest,
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connection_is_no_error_of_ours() {
        assert_eq!(severity(RDKafkaLogLevel::Error, "FAIL"), Severity::Debug);
        assert_eq!(
            severity(RDKafkaLogLevel::Warning, "CONFWARN"),
            Severity::Warn
        );
        assert_eq!(
            severity(RDKafkaLogLevel::Critical, "CRASH"),
            Severity::Error
        );
    }

    #[test]
    fn the_cause_is_kept_without_librdkafkas_names() {
        let reason = "127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused \
                      (after 0ms in state CONNECT)";
        assert_eq!(
            cause(reason),
            "Connect to ipv4#127.0.0.1:9 failed: Connection refused"
        );
        assert_eq!(cause("plain"), "plain");
    }
}
