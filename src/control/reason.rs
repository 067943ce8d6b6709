//! Says why a cluster did not let something be done with a topic, and what would help: the missing right, the setting.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::clusters::{ChangeError, Error};
use crate::librdkafka::admin::Failure;

/// Why a topic that the listing names has no metadata.
pub fn not_shown(cluster: &str, topic: &str, failure: &Failure) -> String {
    match is_denied(failure.code) {
        true => missing_right(cluster, "DESCRIBE", topic),
        false => format!("{cluster} does not show {topic}: {failure}"),
    }
}

/// Why a copy was not created.
pub fn not_created(cluster: &str, topic: &str, error: &ChangeError) -> String {
    let remedy = match error {
        ChangeError::Refused(failure) if is_denied(failure.code) => {
            return format!(
                "target topic {topic} was not created: {}",
                missing_right(cluster, "CREATE", topic)
            );
        }
        ChangeError::Refused(failure) if failure.code == Code::InvalidReplicationFactor => {
            "; set replication_factor to what its brokers can hold"
        }
        _ => "",
    };
    format!("target topic {topic} was not created: {error}{remedy}")
}

/// Why a copy was not given more partitions.
pub fn not_grown(cluster: &str, topic: &str, error: &ChangeError) -> String {
    let why = denied_or_told(cluster, "ALTER", topic, error);
    format!("target topic {topic} was not given the source's partitions: {why}")
}

/// Why a config of a copy was not changed.
pub fn not_altered(cluster: &str, topic: &str, config: &str, error: &ChangeError) -> String {
    let why = denied_or_told(cluster, "ALTER_CONFIGS", topic, error);
    format!("{config} of target topic {topic} does not follow the source: {why}")
}

/// Why the configs of a topic cannot be followed.
pub fn configs_unread(cluster: &str, topic: &str, failure: &Failure) -> String {
    match is_denied(failure.code) {
        true => format!(
            "its configs are not followed: {}",
            missing_right(cluster, "DESCRIBE_CONFIGS", topic)
        ),
        false => format!(
            "its configs are not followed: those of {topic} on {cluster} cannot be read: {failure}"
        ),
    }
}

/// What kind of error it was, for the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No broker answered.
    Unreachable,
    /// Credentials are wrong, or an ACL is missing.
    Denied,
    /// Anything else that a broker answered.
    Refused,
}

impl From<&ChangeError> for Kind {
    fn from(error: &ChangeError) -> Self {
        match error {
            ChangeError::Refused(failure) if is_denied(failure.code) => Self::Denied,
            ChangeError::Refused(_) => Self::Refused,
            ChangeError::Failed(error) => error.into(),
        }
    }
}

impl From<&Error> for Kind {
    fn from(error: &Error) -> Self {
        match error {
            Error::Unreachable { .. } => Self::Unreachable,
            Error::Denied { .. } => Self::Denied,
            Error::Other { .. } => Self::Refused,
        }
    }
}

fn denied_or_told(cluster: &str, operation: &str, topic: &str, error: &ChangeError) -> String {
    match error {
        ChangeError::Refused(failure) if is_denied(failure.code) => {
            missing_right(cluster, operation, topic)
        }
        other => other.to_string(),
    }
}

/// That the client lacks a right on the cluster as a whole.
pub fn missing_cluster_right(cluster: &str, operation: &str) -> String {
    format!(
        "{cluster} does not allow {operation} on the cluster; add an ACL for {operation} on it for the principal of clusters.{cluster}"
    )
}

/// That the client lacks a right on a topic.
pub fn missing_right(cluster: &str, operation: &str, topic: &str) -> String {
    format!(
        "{cluster} does not allow {operation} on topic {topic}; add an ACL for {operation} on it for the principal of clusters.{cluster}"
    )
}

/// Whether an ACL is missing.
pub fn is_denied(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Code, message: &str) -> ChangeError {
        let message = message.to_owned();
        Failure { code, message }.into()
    }

    #[test]
    fn a_missing_right_is_named_with_operation_topic_and_principal() {
        let error = refused(Code::TopicAuthorizationFailed, "Authorization failed.");
        assert_eq!(
            not_created("dublin", "paris.orders", &error),
            "target topic paris.orders was not created: dublin does not allow CREATE on topic paris.orders; \
             add an ACL for CREATE on it for the principal of clusters.dublin"
        );
        assert!(not_grown("dublin", "t", &error).contains("ALTER on topic t"));
        assert!(not_altered("dublin", "t", "k", &error).contains("ALTER_CONFIGS on topic t"));
    }

    #[test]
    fn a_replication_factor_beyond_the_brokers_is_told_in_their_words_with_the_remedy() {
        let error = refused(Code::InvalidReplicationFactor, "only 1 broker(s)");
        assert_eq!(
            not_created("dublin", "t", &error),
            "target topic t was not created: only 1 broker(s); set replication_factor to what its brokers can hold"
        );
    }
}
