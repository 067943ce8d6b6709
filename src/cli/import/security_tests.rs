//! Claims about what a cluster's clients are told, and about secrets.

use super::tests::{BASE, cluster, problems, yaml};
use super::*;

#[test]
fn security_becomes_tls_and_sasl() {
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"me\" password=\"swordfish\";";
    let sasl = format!("sasl.mechanism = SCRAM-SHA-256\nsasl.jaas.config = {scram}\n");
    let own = |protocol: &str| format!("A.security.protocol = {protocol}\n{sasl}");
    let login = [
        "sasl:",
        "mechanism: SCRAM-SHA-256",
        "username: \"me\"",
        "password: \"${SASL_PASSWORD}\"",
    ];
    assert!(cluster(&own("PLAINTEXT")).is_empty());
    assert_eq!(cluster(&own("SSL")), ["tls: {}"]);
    assert_eq!(cluster(&own("sasl_plaintext")), login);
    assert_eq!(
        cluster(&own("SASL_SSL")),
        [&["tls: {}"], &login[..]].concat()
    );
    for setting in [
        "A.security.protocol = SASL_PLAINTEXT\nA.sasl.mechanism = PLAIN\nA.sasl.jaas.config = ",
        "A.consumer.security.protocol = SASL_PLAINTEXT\nA.consumer.sasl.mechanism = PLAIN\nA.consumer.sasl.jaas.config = ",
        "A->B.source.cluster.security.protocol = SASL_PLAINTEXT\nsasl.mechanism = PLAIN\nA->B.source.cluster.sasl.jaas.config = ",
    ] {
        let keys = cluster(&format!("{setting}{scram}"));
        assert_eq!(keys[3], "password: \"${A_SASL_PASSWORD}\"", "{setting}");
    }
}

#[test]
fn pem_files_are_taken_over_and_stores_of_java_are_not() {
    let tls = "A.security.protocol = SSL\nA.ssl.truststore.location = /etc/ca\nA.ssl.keystore.location = me.pem\n\
               A.ssl.key.password = swordfish\nA.ssl.endpoint.identification.algorithm =\n";
    let pem = format!("{tls}ssl.truststore.type = PEM\nssl.keystore.type = pem");
    let expected = [
        "tls:",
        "ca: \"/etc/ca\"",
        "certificate: \"me.pem\"",
        "key: \"me.pem\"",
        "key_password: \"${A_TLS_KEY_PASSWORD}\"",
        "verify_hostname: false",
    ];
    assert_eq!(cluster(&pem), expected);
    let text = yaml(tls);
    assert!(
        text.contains("keytool -list -rfc -keystore /etc/ca > ca.pem"),
        "{text}"
    );
    assert!(
        text.contains("keytool -importkeystore -srckeystore me.pem"),
        "{text}"
    );
    assert_eq!(cluster(tls), ["tls:", "verify_hostname: false"]);
}

#[test]
fn no_secret_is_printed() {
    let text = format!(
        "{BASE}security.protocol = SASL_SSL\nsasl.mechanism = PLAIN\n\
         sasl.jaas.config = x.PlainLoginModule required username=\"me\" password=\"swordfish\";\n\
         ssl.truststore.password = swordfish\nssl.keystore.password = swordfish\nssl.key.password = swordfish\n\
         ssl.keystore.type = PEM\nA.ssl.keystore.location = x.pem\nssl.keystore.key = swordfish\n\
         A.sasl.oauthbearer.client.secret = swordfish\nunknown = swordfish\nA.consumer.sasl.jaas.config = swordfish\n"
    );
    let told = problems(&text).join("\n");
    assert!(
        told.contains("A.consumer.sasl.jaas.config: has no `required`"),
        "{told}"
    );
    assert!(!told.contains("swordfish"), "{told}");
    let text = text.replace("A.consumer.sasl.jaas.config = swordfish\n", "");
    let imported = convert("mm2.properties", &text).map_err(|problems| problems.join("\n"));
    let Imported { yaml, summary } = imported.unwrap();
    assert!(!yaml.contains("swordfish"), "{yaml}");
    let summary = summary.join("\n");
    assert!(!summary.contains("swordfish"), "{summary}");
    assert!(
        summary.contains("set SASL_PASSWORD to the password in `sasl.jaas.config` (line 7)"),
        "{summary}"
    );
}

#[test]
fn other_ways_to_authenticate_are_left_to_the_reader() {
    let text = yaml(
        "A.security.protocol = SASL_SSL\nA.sasl.mechanism = OAUTHBEARER\nA.sasl.jaas.config = x required;",
    );
    assert!(
        text.contains("DECIDE: cluster A: the client authenticates by OAUTHBEARER"),
        "{text}"
    );
    assert!(
        text.contains(
            "- A.sasl.mechanism (line 6), A.sasl.jaas.config (line 7): kmirror authenticates"
        ),
        "{text}"
    );
}

#[test]
fn clients_keep_what_means_the_same() {
    let keys = cluster(
        "A.consumer.client.rack = a\nA.consumer.receive.buffer.bytes = 65536\nA.consumer.send.buffer.bytes = -1\nA.consumer.client.dns.lookup = default",
    );
    assert_eq!(
        keys,
        [
            "client:",
            "client.rack: \"a\"",
            "socket.receive.buffer.bytes: \"65536\""
        ]
    );
}
