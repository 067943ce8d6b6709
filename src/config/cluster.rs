//! How to reach one Kafka cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::choices::SaslMechanism;
use super::secret::Secret;

/// How to reach one Kafka cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Key under `clusters`. Letters, digits, `.`, `_` and `-`, at most 100 of them, because topic names are made of it.
    pub name: String,
    /// `host:port`, comma-separated, without spaces. Required. Brokers to begin with; the cluster names the others.
    pub bootstrap_servers: String,
    /// Encrypts the connection when present.
    pub tls: Option<Tls>,
    /// Authenticates when present.
    pub sasl: Option<Sasl>,
    /// librdkafka properties passed through, known to librdkafka and none of those a promise rests on
    /// ([`refused_property`](super::refused_property)).
    pub client: BTreeMap<String, String>,
}

/// Hides the values of `client`, which may come from the environment.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("tls", &self.tls)
            .field("sasl", &self.sasl)
            .field("client", &self.client.keys())
            .finish()
    }
}

/// PEM files and checks of a TLS connection. Relative paths were resolved against the configuration's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Authorities to trust: a PEM file or a directory of them.
    pub ca: Option<PathBuf>,
    /// Client certificate with its chain, in PEM. Given together with `key`.
    pub certificate: Option<PathBuf>,
    /// Private key of `certificate`, in PEM.
    pub key: Option<PathBuf>,
    /// Opens `key` when it is encrypted.
    pub key_password: Option<Secret>,
    /// Whether the broker's certificate must carry its host name.
    pub verify_hostname: bool,
}

/// User name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// The mechanism named to the broker. Required.
    pub mechanism: SaslMechanism,
    /// Principal. Required.
    pub username: String,
    /// Never printed. Required.
    pub password: Secret,
}
