//! Shows that references reach every value, and that no secret reaches an error or a dump.

use std::path::Path;

use super::bad_input_tests::{CLUSTERS, parse_text};
use super::parse;

#[test]
fn a_secret_shows_nowhere() {
    let everywhere = "
clusters:
  ${SECRET}x: '${SECRET}'
  paris:
    bootstrap_servers: '${SECRET}'
    tls: { ca: '${SECRET}', key_password: '${SECRET}', verify_hostname: '${SECRET}' }
    sasl: { mechanism: '${SECRET}', username: me, password: { a: '${SECRET}' } }
    client: { socket.timeout.ms: '${SECRET}', sasl.password: 'hunter2', unknown: '${SECRET}' }
mirrors:
  - { source: '${SECRET}', target: '${SECRET}', name: '${SECRET}.', topics: ['${SECRET}(', [hunter2]], target_topic: '${SECRET}',
      start: '${SECRET}', replication_factor: '${SECRET}', compression: '${SECRET}', exclude_configs: ['${SECRET}/'] }
http: { listen: '${SECRET}' }
memory: '${SECRET}'
drain_timeout: '${SECRET}'
log: { level: '${SECRET}' }
pasword: hunter2
";
    let errors = parse_text(everywhere).unwrap_err();
    assert!(errors.problems().len() >= 18, "{errors}");
    assert!(!errors.to_string().contains("hunter2"), "{errors}");
    assert!(!format!("{errors:?}").contains("hunter2"), "{errors:?}");
}

#[test]
fn a_valid_configuration_hides_its_secrets() {
    let text = "
clusters:
  a: { bootstrap_servers: 'a:1', sasl: { mechanism: PLAIN, username: me, password: '${SECRET}' } }
  b: { bootstrap_servers: 'b:1', client: { client.rack: '${SECRET}' } }
mirrors: [{ source: a, target: b }]
";
    let config = parse_text(text).unwrap();
    assert_eq!(
        config.clusters["a"]
            .sasl
            .as_ref()
            .unwrap()
            .password
            .expose(),
        "hunter2"
    );
    assert_eq!(config.clusters["b"].client["client.rack"], "hunter2");
    assert!(!format!("{config:?} {config:#?}").contains("hunter2"));
}

#[test]
fn references_reach_every_kind_of_value() {
    let env = |name: &str| {
        Some(match name {
            "YES" => "false".to_owned(),
            "COUNT" => "3".to_owned(),
            "TIME" => "10s".to_owned(),
            _ => name.to_lowercase(),
        })
    };
    let text = format!(
        "{CLUSTERS}\nmirrors:\n  - {{ source: '${{PARIS}}', target: '${{DUBLIN}}', create_topics: '${{YES}}',\n      \
         replication_factor: '${{COUNT}}', commit_interval: '${{TIME}}', topics: ['${{ORDERS}}-.*$'] }}\n"
    );
    let config = parse(&text, &env, Path::new("")).unwrap();
    let mirror = &config.mirrors[0];
    assert_eq!(mirror.name, "paris-dublin");
    assert!(!mirror.create_topics);
    assert_eq!(mirror.replication_factor.unwrap().get(), 3);
    assert_eq!(mirror.commit_interval.as_secs(), 10);
    assert!(mirror.topics.matches("orders-1") && !mirror.topics.matches("orders"));
}
