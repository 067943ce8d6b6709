//! Holds each kind of bad input against the exact words that an operator reads.

use std::fs;
use std::path::Path;

use super::*;

pub(super) const CLUSTERS: &str = "
clusters:
  paris: { bootstrap_servers: 'paris-1:9092' }
  dublin: { bootstrap_servers: 'dublin-1:9092' }
  oslo: { bootstrap_servers: 'oslo-1:9092' }
";

fn environment(name: &str) -> Option<String> {
    (name == "SECRET").then(|| "hunter2".to_owned())
}

pub(super) fn parse_text(text: &str) -> Result<Config, Errors> {
    parse(text, &environment, Path::new("/nowhere"))
}

/// What is said about `text`, one line for each problem.
pub(super) fn said(text: &str) -> String {
    parse_text(text).map_or_else(|errors| errors.to_string(), |_| "nothing".to_owned())
}

/// What is said about a mirror from Paris to Dublin with one more line.
fn said_of_mirror(line: &str) -> String {
    said(&format!(
        "{CLUSTERS}\nmirrors:\n  - source: paris\n    target: dublin\n    {line}\n"
    ))
}

/// What is said about a cluster with one more line.
fn said_of_cluster(line: &str) -> String {
    said(&format!(
        "clusters:\n  paris: {{ bootstrap_servers: 'p:1' }}\n  dublin:\n    bootstrap_servers: 'd:1'\n    {line}\n\
         mirrors: [{{ source: paris, target: dublin }}]\n"
    ))
}

/// What is said about mirrors, each given as a flow mapping.
pub(super) fn said_of_mirrors(mirrors: &[&str]) -> String {
    said(&format!(
        "{CLUSTERS}\nmirrors:\n  - {}\n",
        mirrors.join("\n  - ")
    ))
}

#[test]
fn a_wrong_file_is_told() {
    for (text, words) in [
        (
            "",
            "the file: must be a mapping, found nothing; write `clusters` and `mirrors`; config/minimal.yaml shows how",
        ),
        (
            "- a",
            "the file: must be a mapping, found a list; write `clusters` and `mirrors`; config/minimal.yaml shows how",
        ),
        (
            "{}",
            "clusters: is missing; write `clusters: { paris: { bootstrap_servers: \"paris-1:9092\" } }`\n\
             mirrors: is missing; write `mirrors: [{ source: paris, target: dublin }]`",
        ),
        (
            "clusters: {}\nmirrors: []",
            "mirrors: must be a list of mirrors, found none; write `mirrors: [{ source: paris, target: dublin }]`",
        ),
        (
            "clusters: [a\n",
            "line 2, column 1: not valid YAML (did not find expected ',' or ']' at line 2 column 1, while parsing a flow \
             sequence at line 1 column 11); correct the indentation, quotes or brackets there",
        ),
    ] {
        assert_eq!(said(text), words, "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let errors = load(Path::new("/nowhere/kmirror.yaml")).unwrap_err();
    let words = "/nowhere/kmirror.yaml: cannot be read (No such file or directory (os error 2)); \
                 create it, make it readable, or correct the path";
    assert_eq!(errors.to_string(), words);
    assert!(load(Path::new("/")).is_err());
    assert!(load(Path::new("/dev/zero")).is_err());
}

/// A line of a mirror, and what is said about it.
const OF_A_MIRROR: &[(&str, &str)] = &[
    (
        "topcis: []",
        "mirrors[0].topcis: is not a key of this mapping; did you mean `topics`?",
    ),
    (
        "topics: [a]\n    topics: [b]",
        "mirrors[0].topics: is written twice; keep one of them",
    ),
    (
        "topics: orders",
        "mirrors[0].topics: must be a list, found text; write [\"orders\"]",
    ),
    (
        "topics: []",
        "mirrors[0].topics: selects nothing; write `[\".*\"]` for every topic, or remove the mirror",
    ),
    (
        "topics: [orders, 'payments-(']",
        "mirrors[0].topics[1]: `payments-(` is not a regular expression (unclosed group); \
         write a regular expression such as `orders` or `payments-.*`",
    ),
    (
        "topics: ['*']",
        "mirrors[0].topics[0]: `*` is not a regular expression (repetition operator missing expression); write `.*` for any text",
    ),
    (
        "topics: [1]",
        "mirrors[0].topics[0]: must be a regular expression, found a number; put it in quotes",
    ),
    (
        "target_topic: '{topc}'",
        "mirrors[0].target_topic: `{topc}` has the unknown placeholder `{topc}`; did you mean `topic`?",
    ),
    (
        "consumers: 3",
        "mirrors[0].consumers: has no effect where each topic has a group of its own; \
         write `consumer_groups: shared` beside it, or remove it",
    ),
    (
        "commit_interval: 5",
        "mirrors[0].commit_interval: `5` has no unit; write `5s` or `5ms`",
    ),
    (
        "commit_interval: 0s",
        "mirrors[0].commit_interval: `0s` is too short; write at least `1ms`",
    ),
    (
        "commit_interval: [1s]",
        "mirrors[0].commit_interval: must be a duration from 1ms to 24h, found a list; \
         write a number and its unit, such as `250ms`, `5s`, `10m` or `1h`",
    ),
    (
        "compression: lz5",
        "mirrors[0].compression: `lz5` is not a compression codec; did you mean `lz4`?",
    ),
    (
        "compression: brotli",
        "mirrors[0].compression: `brotli` is not a compression codec; write one of `none`, `gzip`, `snappy`, `lz4`, `zstd`",
    ),
    (
        "create_topics: yes",
        "mirrors[0].create_topics: `yes` is neither true nor false; write `true` or `false`",
    ),
    (
        "create_topics:",
        "mirrors[0].create_topics: must be true or false, found nothing; write `true` or `false`, or remove the key",
    ),
    (
        "replication_factor: 0",
        "mirrors[0].replication_factor: `0` is not a number from 1 to 32767; write a number such as `3`",
    ),
    (
        "replication_factor: 40000",
        "mirrors[0].replication_factor: `40000` is not a number from 1 to 32767; write a number such as `3`",
    ),
    (
        "name: a.b",
        "mirrors[0].name: `a.b` holds '.'; write 1 to 100 letters, digits, `_` or `-`",
    ),
    (
        "name: ''",
        "mirrors[0].name: is empty; write 1 to 100 letters, digits, `_` or `-`",
    ),
    (
        "exclude_configs: ['min\\..*']",
        "mirrors[0].exclude_configs[0]: `min\\..*` is not the name of a topic config; write each name in full, without patterns",
    ),
    (
        "start: yesterday",
        "mirrors[0].start: `yesterday` is neither `earliest`, `latest` nor a time; \
         write `earliest`, `latest` or a time such as `2026-01-31T12:00:00Z`",
    ),
    (
        "1: a",
        "mirrors[0]: has a key that is a number; put the key in quotes",
    ),
    (
        "<<: { name: a }",
        "mirrors[0].<<: is a YAML merge key, which is not supported; write the keys out",
    ),
];

#[test]
fn a_wrong_value_of_a_mirror_is_told() {
    for &(line, words) in OF_A_MIRROR {
        assert_eq!(said_of_mirror(line), words, "{line}");
    }
}

#[test]
fn wrong_ends_of_a_mirror_are_told() {
    for (mirror, words) in [
        (
            "{ source: paris }",
            "mirrors[0].target: is missing; write the name of a cluster",
        ),
        (
            "{ source: paris, target: dubln }",
            "mirrors[0].target: `dubln` is not a cluster of this file; did you mean `dublin`?",
        ),
        (
            "{ source: paris, target: rome }",
            "mirrors[0].target: `rome` is not a cluster of this file; the clusters are `dublin`, `oslo`, `paris`",
        ),
        (
            "{ source: paris, target: paris }",
            "mirrors[0].target: is the source as well: a mirror from a cluster to itself; write the name of another cluster",
        ),
        (
            "paris",
            "mirrors[0]: must be a mapping, found text; write `{ source: paris, target: dublin }`",
        ),
    ] {
        assert_eq!(said_of_mirrors(&[mirror]), words, "{mirror}");
    }
}

/// A line of a cluster, and what is said about it.
const OF_A_CLUSTER: &[(&str, &str)] = &[
    (
        "tls: { certificate: /nowhere/me.pem }",
        "clusters.dublin.tls.certificate: stands without `key`; write its private key as `key`\n\
         clusters.dublin.tls.certificate: cannot read `/nowhere/me.pem` (No such file or directory (os error 2)); \
         create the file, make it readable, or correct the path",
    ),
    (
        "tls: true",
        "clusters.dublin.tls: must be a mapping, found true or false; write `{ ca: ca.pem }`, or `{}` for the system's authorities",
    ),
    (
        "sasl: { mechanism: GSSAPI, username: me, password: hunter2 }",
        "clusters.dublin.sasl.mechanism: `GSSAPI` is not a SASL mechanism with user name and password; \
         write one of `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`",
    ),
    (
        "sasl: { mechanism: PLAIN, username: me }",
        "clusters.dublin.sasl.password: is missing; write `\"${NAME}\"` or `\"${file:/path}\"`",
    ),
    (
        "sasl: { mechanism: PLAIN, username: me, password: 12345 }",
        "clusters.dublin.sasl.password: must be text, found a number; put it in quotes",
    ),
    (
        "sasl: { mechanism: PLAIN, username: me, password: '${OTHER}' }",
        "clusters.dublin.sasl.password: environment variable `OTHER` is not set; export it, or write `$${OTHER}` for that text itself",
    ),
    (
        "sasl: { mechanism: PLAIN, username: me, password: '${file:pw}' }",
        "clusters.dublin.sasl.password: cannot read file `pw` (No such file or directory (os error 2)); \
         create it, make it readable, or correct the path",
    ),
    (
        "client: { enable.idempotence: false }",
        "clusters.dublin.client.enable.idempotence: is refused: order and single copies rest on the idempotent producer (I2); remove it",
    ),
    (
        "client: { ssl.ca.location: a }",
        "clusters.dublin.client.ssl.ca.location: is refused: it has a key of its own; write `tls.ca` on the cluster, the path of a PEM file",
    ),
    (
        "client: { socket.keepalive: true }",
        "clusters.dublin.client.socket.keepalive: is not a property of librdkafka; correct the name after librdkafka's CONFIGURATION.md, or remove it",
    ),
    (
        "client: { socket.timeout.ms: '${SECRET}' }",
        "clusters.dublin.client.socket.timeout.ms: is refused by librdkafka; correct the value",
    ),
];

#[test]
fn a_wrong_cluster_is_told() {
    for &(line, words) in OF_A_CLUSTER {
        assert_eq!(said_of_cluster(line), words, "{line}");
    }
}

#[test]
fn a_key_store_of_java_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("trust.jks"), b"\xfe\xed\xfe\xed").unwrap();
    let text = "clusters:\n  a: { bootstrap_servers: 'a:1', tls: { ca: trust.jks } }\n  b: { bootstrap_servers: 'b:1' }\n\
                mirrors: [{ source: a, target: b }]";
    let errors = parse(text, &environment, directory.path()).unwrap_err();
    let words = "clusters.a.tls.ca: `trust.jks` is not a PEM file; convert it, with `openssl` or `keytool -exportcert -rfc`";
    assert_eq!(errors.to_string(), words);
}

/// A line at the top, and what is said about it.
const AT_THE_TOP: &[(&str, &str)] = &[
    (
        "memory: 256MB",
        "memory: `256MB` has the unknown unit `MB`; write `256MiB`",
    ),
    (
        "memory: 1MiB",
        "memory: `1MiB` is too small; write at least `16MiB`",
    ),
    (
        "memory: 2000GiB",
        "memory: `2000GiB` is too large; write at most `1024GiB`",
    ),
    (
        "drain_timeout: 2d",
        "drain_timeout: `2d` is not a duration; write a number and its unit, such as `250ms`, `5s`, `10m` or `1h`",
    ),
    (
        "http: { listen: 'localhost:9646' }",
        "http.listen: `localhost:9646` is not an IP address and a port; write `127.0.0.1:9646` or `0.0.0.0:9646`",
    ),
    (
        "http: { listen: 9646 }",
        "http.listen: `9646` is not an IP address and a port; write `127.0.0.1:9646` or `0.0.0.0:9646`",
    ),
    (
        "http: { port: 9646 }",
        "http.port: is not a key of this mapping; its keys are `listen`",
    ),
    (
        "log: { level: INFO }",
        "log.level: `INFO` is not a log level; did you mean `info`?",
    ),
    (
        "log: { format: xml }",
        "log.format: `xml` is not a log format; write one of `text`, `json`",
    ),
    (
        "mirror: []",
        "mirror: is not a key of this mapping; did you mean `mirrors`?",
    ),
];

#[test]
fn a_wrong_value_at_the_top_is_told() {
    for &(line, words) in AT_THE_TOP {
        let text = format!("{CLUSTERS}\nmirrors: [{{ source: paris, target: dublin }}]\n{line}\n");
        assert_eq!(said(&text), words, "{line}");
    }
}

#[test]
fn every_problem_shows_at_once_in_the_order_of_reading() {
    let text = "
clusters:
  paris: { bootstrap_servers: 'paris-1', sasl: { mechanism: PLAIN, username: me, password: '${NONE}' } }
  dublin: { bootstrap_servers: 'dublin-1:9092' }
mirrors:
  - { source: paris, target: dublin, topics: ['('], commit_interval: 1 }
  - { source: dublin, target: dublin, target_topic: '{x}' }
memory: 64MB
";
    let errors = parse_text(text).unwrap_err();
    let paths: Vec<_> = errors.problems().iter().map(Problem::path).collect();
    let expected = [
        "clusters.paris.sasl.password",
        "clusters.paris.bootstrap_servers",
        "mirrors[0].topics[0]",
        "mirrors[0].commit_interval",
        "mirrors[1].target",
        "mirrors[1].target_topic",
        "memory",
    ];
    assert_eq!(paths, expected);
}
