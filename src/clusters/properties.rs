//! Turns a cluster's entry in the configuration into librdkafka properties.

use std::path::Path;

use rdkafka::ClientConfig;

use crate::config::{Cluster, Sasl, SaslMechanism, Tls};

/// Properties that every client of `cluster` starts from. What the user passes through comes first, so
/// that nothing a promise rests on, here or added by the caller, can be undone by it.
pub fn base(cluster: &Cluster, client_id: &str) -> ClientConfig {
    let mut properties = ClientConfig::new();
    // After an outage a broker is tried again this soon; the default of 10 s would outlast a group's session.
    properties.set("reconnect.backoff.max.ms", "2000");
    for (key, value) in &cluster.client {
        properties.set(key, value);
    }
    properties
        .set("bootstrap.servers", &cluster.bootstrap_servers)
        .set("client.id", client_id)
        .set("security.protocol", security_protocol(cluster));
    if let Some(tls) = &cluster.tls {
        set_tls(&mut properties, tls);
    }
    if let Some(sasl) = &cluster.sasl {
        set_sasl(&mut properties, sasl);
    }
    properties
}

fn security_protocol(cluster: &Cluster) -> &'static str {
    match (&cluster.tls, &cluster.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    }
}

fn set_tls(properties: &mut ClientConfig, tls: &Tls) {
    // Without a CA the system's are meant; the OpenSSL that is built in knows no system's path, and
    // `probe` makes librdkafka look in the usual places.
    let ca = tls.ca.as_deref().unwrap_or(Path::new("probe"));
    set_path(properties, "ssl.ca.location", ca);
    if let Some(certificate) = &tls.certificate {
        set_path(properties, "ssl.certificate.location", certificate);
    }
    if let Some(key) = &tls.key {
        set_path(properties, "ssl.key.location", key);
    }
    if let Some(password) = &tls.key_password {
        properties.set("ssl.key.password", password.expose());
    }
    let identification = if tls.verify_hostname { "https" } else { "none" };
    properties.set("ssl.endpoint.identification.algorithm", identification);
}

fn set_path(properties: &mut ClientConfig, key: &str, path: &Path) {
    properties.set(key, path.to_string_lossy());
}

fn set_sasl(properties: &mut ClientConfig, sasl: &Sasl) {
    let mechanism = match sasl.mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    };
    properties
        .set("sasl.mechanism", mechanism)
        .set("sasl.username", &sasl.username)
        .set("sasl.password", sasl.password.expose());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn cluster() -> Cluster {
        Cluster {
            name: "paris".to_owned(),
            bootstrap_servers: "paris-1:9092".to_owned(),
            tls: None,
            sasl: None,
            client: [("client.id".to_owned(), "user's".to_owned())].into(),
        }
    }

    fn tls() -> Tls {
        Tls {
            ca: None,
            certificate: Some("me.pem".into()),
            key: Some("me.key".into()),
            key_password: Some(Secret::new("k")),
            verify_hostname: false,
        }
    }

    fn sasl() -> Sasl {
        Sasl {
            mechanism: SaslMechanism::ScramSha512,
            username: "mirror".to_owned(),
            password: Secret::new("p"),
        }
    }

    #[test]
    fn what_the_user_passes_through_never_wins_over_ours() {
        let properties = base(&cluster(), "kmirror");
        assert_eq!(properties.get("client.id"), Some("kmirror"));
        assert_eq!(properties.get("bootstrap.servers"), Some("paris-1:9092"));
    }

    #[test]
    fn the_security_protocol_follows_from_what_is_given() {
        let cases = [
            (None, None, "plaintext"),
            (Some(tls()), None, "ssl"),
            (None, Some(sasl()), "sasl_plaintext"),
            (Some(tls()), Some(sasl()), "sasl_ssl"),
        ];
        for (tls, sasl, expected) in cases {
            let cluster = Cluster {
                tls,
                sasl,
                ..cluster()
            };
            let properties = base(&cluster, "kmirror");
            assert_eq!(properties.get("security.protocol"), Some(expected));
        }
    }

    #[test]
    fn tls_and_sasl_settings_reach_librdkafka_and_are_known_there() {
        let cluster = Cluster {
            tls: Some(tls()),
            sasl: Some(sasl()),
            ..cluster()
        };
        let properties = base(&cluster, "kmirror");
        let expected = [
            ("ssl.ca.location", "probe"),
            ("ssl.certificate.location", "me.pem"),
            ("ssl.key.location", "me.key"),
            ("ssl.key.password", "k"),
            ("ssl.endpoint.identification.algorithm", "none"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "mirror"),
            ("sasl.password", "p"),
        ];
        for (key, value) in expected {
            assert_eq!(properties.get(key), Some(value), "{key}");
        }
        assert!(properties.create_native_config().is_ok());
    }
}
