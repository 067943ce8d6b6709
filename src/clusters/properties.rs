//! Turns a cluster's entry in the configuration into librdkafka properties.

use std::path::Path;

use rdkafka::ClientConfig;

use crate::config::{Cluster, Sasl, SaslMechanism, Tls};

/// What consumers alone have, of what may be passed through: `C` in librdkafka's CONFIGURATION.md.
const OF_CONSUMERS: [&str; 9] = [
    "check.crcs",
    "consume.callback.max.messages",
    "coordinator.query.interval.ms",
    "fetch.error.backoff.ms",
    "fetch.min.bytes",
    "fetch.wait.max.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "session.timeout.ms",
];

/// What producers alone have: `P` there.
const OF_PRODUCERS: [&str; 5] = [
    "compression.level",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "request.timeout.ms",
    "sticky.partitioning.linger.ms",
];

/// Properties that every consumer of `cluster` starts from, with a group or without one. What the user passes through comes
/// first, so that nothing a promise rests on, here or added by the caller, can be undone by it.
pub fn consumer(cluster: &Cluster, client_id: &str) -> ClientConfig {
    base(cluster, client_id, &OF_PRODUCERS)
}

/// As [`consumer`], for producers.
pub fn producer(cluster: &Cluster, client_id: &str) -> ClientConfig {
    base(cluster, client_id, &OF_CONSUMERS)
}

/// Without `left_out`: librdkafka warns of each property that the kind of client does not have, at every start.
fn base(cluster: &Cluster, client_id: &str, left_out: &[&str]) -> ClientConfig {
    let mut properties = ClientConfig::new();
    // After an outage a broker is tried again this soon; the default of 10 s would outlast a group's session.
    properties.set("reconnect.backoff.max.ms", "2000");
    for (key, value) in &cluster.client {
        if !left_out.contains(&key.as_str()) {
            properties.set(key, value);
        }
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
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use rdkafka::ClientContext;
    use rdkafka::config::RDKafkaLogLevel;
    use rdkafka::consumer::{BaseConsumer, ConsumerContext};
    use rdkafka::producer::{BaseProducer, DeliveryResult, ProducerContext};

    use super::*;
    use crate::config::{Secret, refused_property};

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
        let properties = consumer(&cluster(), "kmirror");
        assert_eq!(properties.get("client.id"), Some("kmirror"));
        assert_eq!(properties.get("bootstrap.servers"), Some("paris-1:9092"));
    }

    /// Takes up what librdkafka says of the configuration.
    #[derive(Default)]
    struct Warnings(Mutex<Vec<String>>);

    impl ClientContext for &'static Warnings {
        fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
            if facility == "CONFWARN" && message.contains("will be ignored") {
                self.0.lock().unwrap().push(message.to_owned());
            }
        }
    }

    impl ConsumerContext for &'static Warnings {}

    impl ProducerContext for &'static Warnings {
        type DeliveryOpaque = ();

        fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
    }

    impl Warnings {
        /// How many properties are ignored before `last`, of those that librdkafka looks at the last. `poll` hands over
        /// what was queued for the log.
        fn before(&self, last: &str, poll: impl Fn(Duration)) -> usize {
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                poll(Duration::from_millis(10));
                let said = self.0.lock().unwrap();
                if let Some(at) = said.iter().position(|message| message.contains(last)) {
                    return at;
                }
                assert!(Instant::now() < deadline, "only {said:?}");
            }
        }

        fn of_consumer(mut config: ClientConfig) -> usize {
            let warnings: &'static Self = Box::leak(Box::default());
            config.set("compression.level", "5");
            let client: BaseConsumer<_> = config.create_with_context(warnings).unwrap();
            warnings.before("compression.level", |timeout| drop(client.poll(timeout)))
        }

        fn of_producer(mut config: ClientConfig) -> usize {
            let warnings: &'static Self = Box::leak(Box::default());
            config.set("consume.callback.max.messages", "5");
            let client: BaseProducer<_> = config.create_with_context(warnings).unwrap();
            warnings.before("consume.callback.max.messages", |timeout| {
                client.poll(timeout);
            })
        }
    }

    /// Passes through every property that only one kind of client has.
    fn cluster_with_properties_of_both_kinds() -> Cluster {
        let names = OF_CONSUMERS.iter().chain(&OF_PRODUCERS);
        let with_value = |name: &&str| {
            let value = match *name {
                "check.crcs" | "produce.offset.report" => "true",
                "heartbeat.interval.ms" => "3000",
                "session.timeout.ms" => "10000",
                "max.poll.interval.ms" => "60000",
                _ => "5",
            };
            ((*name).to_owned(), value.to_owned())
        };
        Cluster {
            client: names.map(with_value).collect(),
            ..cluster()
        }
    }

    #[test]
    fn no_client_is_given_what_librdkafka_would_warn_of() {
        let cluster = cluster_with_properties_of_both_kinds();
        assert_eq!(Warnings::of_consumer(consumer(&cluster, "x")), 0);
        assert_eq!(Warnings::of_producer(producer(&cluster, "x")), 0);
    }

    #[test]
    fn what_a_kind_of_client_is_not_given_it_would_be_warned_of() {
        let cluster = cluster_with_properties_of_both_kinds();
        let with = |mut config: ClientConfig, name: &str| {
            config.set(name, &cluster.client[name]);
            config
        };
        let but_the_last = OF_CONSUMERS
            .iter()
            .filter(|name| **name != "consume.callback.max.messages");
        for name in but_the_last {
            let config = with(producer(&cluster, "x"), name);
            assert_eq!(Warnings::of_producer(config), 1, "{name}");
        }
        for name in OF_PRODUCERS
            .iter()
            .filter(|name| **name != "compression.level")
        {
            let config = with(consumer(&cluster, "x"), name);
            assert_eq!(Warnings::of_consumer(config), 1, "{name}");
        }
    }

    #[test]
    fn what_is_left_out_may_be_passed_through() {
        for name in OF_CONSUMERS.iter().chain(&OF_PRODUCERS) {
            assert_eq!(refused_property(name), None, "{name}");
        }
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
            let properties = producer(&cluster, "kmirror");
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
        let properties = producer(&cluster, "kmirror");
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
