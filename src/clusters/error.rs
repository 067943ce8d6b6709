//! Says why a cluster did not do what it was asked: unreachable, denied or refused.

use rdkafka::types::RDKafkaErrorCode;

/// Why a cluster did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No broker answered.
    #[error(
        "cluster {cluster} does not answer at {servers}: {what}; \
         check clusters.{cluster}.bootstrap_servers, the network and that its brokers run"
    )]
    Unreachable {
        /// Name in the configuration.
        cluster: String,
        /// Its bootstrap servers.
        servers: String,
        /// The last connection error, or that nothing was heard.
        what: String,
    },
    /// The credentials are wrong, or an ACL is missing.
    #[error(
        "cluster {cluster} denies access: {what}; \
         check clusters.{cluster}.tls and .sasl, and that principal's ACLs"
    )]
    Denied {
        /// Name in the configuration.
        cluster: String,
        /// The broker's words.
        what: String,
    },
    /// Anything else that the cluster answered.
    #[error("cluster {cluster}: {what}")]
    Other {
        /// Name in the configuration.
        cluster: String,
        /// The broker's words.
        what: String,
    },
}

impl Error {
    /// Whether no broker of the cluster could be used at all, so that asking it more is of no use.
    pub fn is_cluster_down(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// Which of the three an error code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unreachable,
    Denied,
    Other,
}

pub(super) fn kind(code: RDKafkaErrorCode) -> Kind {
    use RDKafkaErrorCode as Code;
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::Resolve
        | Code::TimedOutQueue
        | Code::NodeUpdate
        | Code::SSL => Kind::Unreachable,
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Kind::Denied,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_fall_into_the_three_kinds() {
        use RDKafkaErrorCode as Code;
        assert_eq!(kind(Code::BrokerTransportFailure), Kind::Unreachable);
        assert_eq!(kind(Code::GroupAuthorizationFailed), Kind::Denied);
        assert_eq!(kind(Code::InvalidReplicationFactor), Kind::Other);
    }

    #[test]
    fn an_unreachable_cluster_is_named_with_its_servers_and_the_remedy() {
        let error = Error::Unreachable {
            cluster: "paris".to_owned(),
            servers: "paris-1:9092".to_owned(),
            what: "connection refused".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "cluster paris does not answer at paris-1:9092: connection refused; \
             check clusters.paris.bootstrap_servers, the network and that its brokers run"
        );
    }
}
