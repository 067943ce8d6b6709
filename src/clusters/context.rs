//! Passes on what librdkafka says of a cluster: its log as events, its connection errors as the cause.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::repeats::{self, Repeats};

/// Reports of one client. Consumers and producers with callbacks of their own embed it.
#[derive(Debug, Clone)]
pub struct ClusterContext {
    cluster: Arc<str>,
    last_connection_error: Arc<Mutex<Option<String>>>,
    repeats: Arc<Mutex<Repeats>>,
    heard: Arc<AtomicU64>,
}

impl ClusterContext {
    /// Reports that name `cluster`.
    pub fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.into(),
            last_connection_error: Arc::default(),
            repeats: Arc::default(),
            heard: Arc::default(),
        }
    }

    /// What stood in the way of the newest connection, until [`forget`](Self::forget).
    pub fn last_connection_error(&self) -> Option<String> {
        lock(&self.last_connection_error).clone()
    }

    /// The cluster answered, so earlier connection errors explain nothing any more.
    pub fn forget(&self) {
        *lock(&self.last_connection_error) = None;
    }

    /// How many lines and errors there were so far.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// How often the line was held back since it was last passed on; `None` when it is to be held back, too.
    fn repeated(&self, facility: &str, message: &str) -> Option<u64> {
        match lock(&self.repeats).hear(facility, message, Instant::now()) {
            repeats::Said::Now { repeated } => Some(repeated),
            repeats::Said::Before => None,
        }
    }
}

/// What is behind these locks is whole whatever panicked beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for ClusterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let cluster = &*self.cluster;
        self.heard.fetch_add(1, Ordering::Relaxed);
        let message = without_thread(message);
        let severity = severity(level, facility);
        if severity == Severity::Debug {
            // Every property with its value, those among them that came through a reference.
            if facility != "CONF" {
                tracing::debug!(cluster, facility, "{message}");
            }
            return;
        }
        let Some(repeated) = self.repeated(facility, message) else {
            return;
        };
        let repeated = Some(repeated).filter(|times| *times > 0);
        match severity {
            Severity::Error => tracing::error!(cluster, facility, repeated, "{message}"),
            _ => tracing::warn!(cluster, facility, repeated, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        // "1/1 brokers are down" follows the error that says why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *lock(&self.last_connection_error) = Some(cause(reason).to_owned());
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

/// Lines begin with the thread that they come from: `[thrd:main]: Consumer group session timed out …`.
fn without_thread(message: &str) -> &str {
    let behind = message
        .strip_prefix("[thrd:")
        .and_then(|rest| rest.split_once("]: "));
    behind.map_or(message, |(_, message)| message)
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
    use tracing::field::Field;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

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
    fn what_librdkafka_says_is_passed_on_without_its_threads_and_never_a_property() {
        assert_eq!(
            without_thread("[thrd:main]: session timed out"),
            "session timed out"
        );
        assert_eq!(without_thread("[thrd:x] session"), "[thrd:x] session");
        let said = Said::default();
        let lines = tracing_subscriber::registry().with(said.clone());
        tracing::subscriber::with_default(lines, || {
            let context = ClusterContext::new("paris");
            context.log(
                RDKafkaLogLevel::Debug,
                "CONF",
                "[thrd:app]:   client.rack = hunter2",
            );
            for _ in 0..3 {
                context.log(RDKafkaLogLevel::Warning, "MAXPOLL", "[thrd:main]: too long");
            }
        });
        assert_eq!(*lock(&said.0), ["too long"]);
    }

    /// Takes up the messages of events.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Said {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
                if field.name() == "message" {
                    lock(&self.0).push(format!("{value:?}"));
                }
            });
        }
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
