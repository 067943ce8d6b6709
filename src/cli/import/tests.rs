//! Claims about the whole conversion: each setting, and that none is lost.

use proptest::prelude::*;

use super::*;

/// A one-way deployment.
pub(super) const BASE: &str = "clusters = A, B\nA.bootstrap.servers = a:9092\nB.bootstrap.servers = b:9092\nA->B.enabled = true\n";

pub(super) fn yaml(more: &str) -> String {
    match convert("mm2.properties", &format!("{BASE}{more}")) {
        Ok(imported) => imported.yaml,
        Err(problems) => panic!("{more}: {problems:#?}"),
    }
}

/// The keys of the first mirror beside its ends, and without those that stand for MirrorMaker 2's own defaults.
fn mirror(more: &str) -> Vec<String> {
    let yaml = yaml(more);
    let keys = yaml.lines().skip_while(|line| *line != "mirrors:").skip(3);
    let keys = keys.take_while(|line| line.starts_with("    "));
    let keys = keys.map(str::trim).filter(|line| {
        let usual = [
            "import_from: mirrormaker2",
            "isolation: read_uncommitted",
            "sync_acls: true",
            "sync_group_offsets: false",
        ];
        !line.starts_with('#') && !usual.contains(line)
    });
    keys.map(str::to_owned).collect()
}

/// The keys of cluster A.
pub(super) fn cluster(more: &str) -> Vec<String> {
    let yaml = yaml(more);
    let keys = yaml.lines().skip_while(|line| *line != "  A:").skip(2);
    let keys = keys.take_while(|line| line.starts_with("    "));
    let keys = keys.map(str::trim).filter(|line| !line.starts_with('#'));
    keys.map(str::to_owned).collect()
}

pub(super) fn problems(text: &str) -> Vec<String> {
    match convert("mm2.properties", text) {
        Ok(imported) => panic!("no problem in:\n{}", imported.yaml),
        Err(problems) => problems,
    }
}

#[test]
fn settings_of_a_flow_become_keys_of_its_mirror() {
    for (setting, keys) in [
        ("", &[][..]),
        ("topics = .*", &[]),
        ("topics = a.*, b\nA->B.topics = c", &[r#"topics: ["c"]"#]),
        ("topics = a\\\\.b, c", &[r#"topics: ["a\\.b", "c"]"#]),
        (
            "topics.exclude = x.*",
            &[
                r#"exclude_topics: ["x.*", "__.*", "mm2.*\\.internal", ".*\\.checkpoints\\.internal"]"#,
            ],
        ),
        (
            "topics.exclude = mm2.*\\\\.internal, .*\\\\.replica, __.*",
            &[],
        ),
        (
            "A->B.topics.blacklist = y\ntopics.exclude = x",
            &[
                r#"exclude_topics: ["x", "__.*", "mm2.*\\.internal", ".*\\.checkpoints\\.internal"]"#,
            ],
        ),
        ("replication.factor = 3", &["replication_factor: 3"]),
        ("replication.factor = -1", &[]),
        (
            "A->B.replication.factor = 2\nreplication.factor = 3",
            &["replication_factor: 2"],
        ),
        (
            "sync.topic.configs.enabled = false",
            &["sync_topic_configs: false"],
        ),
        (
            "config.properties.exclude = retention.ms",
            &[r#"exclude_configs: ["retention.ms"]"#],
        ),
        (
            "config.properties.exclude = min\\\\.insync\\\\.replicas,follower\\\\.replication\\\\.throttled\\\\.replicas,leader.replication.throttled.replicas,message.timestamp.difference.max.ms,message.timestamp.type,unclean.leader.election.enable",
            &[],
        ),
        (
            "config.properties.blacklist = retention\\\\..*",
            &[r#"exclude_configs: ["retention.bytes", "retention.ms"]"#],
        ),
        ("groups = billing, x.*", &[r#"groups: ["billing", "x.*"]"#]),
        (
            "groups.exclude = console-consumer-.*, connect-.*, __.*",
            &[],
        ),
        (
            "groups.blacklist = tmp.*",
            &[r#"exclude_groups: ["tmp.*", "kmirror\\..*"]"#],
        ),
        ("emit.checkpoints.enabled = false", &["groups: []"]),
        (
            "emit.checkpoints.interval.seconds = 60",
            &["checkpoint_interval: 1m"],
        ),
        (
            "emit.checkpoints.interval.seconds = 60\nsync.group.offsets.interval.seconds = 7",
            &["checkpoint_interval: 7s"],
        ),
        ("emit.checkpoints.interval.seconds = 5", &[]),
        (
            "refresh.topics.interval.seconds = 600",
            &["discovery_interval: 10m"],
        ),
        (
            "refresh.topics.interval.seconds = 100000",
            &["discovery_interval: 24h"],
        ),
        ("emit.heartbeats.enabled = false", &[r#"heartbeats: "off""#]),
        (
            "emit.heartbeats.interval.seconds = 10",
            &["heartbeat_interval: 10s"],
        ),
        ("B.producer.compression.type = zstd", &["compression: zstd"]),
        (
            "A->B.producer.override.compression.type = none",
            &["compression: none"],
        ),
        ("B.producer.compression.type = lz4", &[]),
        ("A.consumer.auto.offset.reset = latest", &["start: latest"]),
        (
            "A->B.source.consumer.auto.offset.reset = earliest\nA.consumer.auto.offset.reset = latest",
            &[],
        ),
    ] {
        assert_eq!(mirror(setting), keys, "{setting}");
    }
}

#[test]
fn what_mirrormaker_does_not_read_there_is_not_carried_over() {
    for setting in [
        "compression.type = zstd",
        "producer.compression.type = zstd",
        "A->B.producer.compression.type = zstd",
        "consumer.auto.offset.reset = latest",
        "consumer.isolation.level = read_committed",
        "A.topics = x",
        "B->A.topics = x",
        "A->C.topics = x",
    ] {
        assert!(mirror(setting).is_empty(), "{setting}");
        let key = setting.split(' ').next().unwrap_or_default();
        let text = yaml(setting);
        let (_, behind) = text.split_once("Without counterpart").unwrap_or_default();
        assert!(behind.contains(key), "{setting}:\n{text}");
    }
}

#[test]
fn acls_and_group_offsets_have_mirrormakers_defaults() {
    let text = yaml("");
    assert!(text.contains("\n    sync_acls: true\n"), "{text}");
    assert!(text.contains("\n    sync_group_offsets: false\n"), "{text}");
    let text = yaml("sync.topic.acls.enabled = false\nA->B.sync.group.offsets.enabled = true");
    assert!(!text.contains("\n    sync_"), "{text}");
}

#[test]
fn names_are_made_by_the_policy() {
    let identity =
        "replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy";
    assert_eq!(mirror(identity), [r#"target_topic: "{topic}""#]);
    let default =
        "replication.policy.class = org.apache.kafka.connect.mirror.DefaultReplicationPolicy";
    assert!(mirror(default).is_empty());
    assert!(mirror("replication.policy.separator = .").is_empty());
    let keys = mirror("replication.policy.separator = _");
    let left_out = r#"".*_checkpoints_internal", "B_.+", ".*_B_.+"]"#;
    assert!(
        keys[0].starts_with("exclude_topics: ") && keys[0].ends_with(left_out),
        "{keys:?}"
    );
    assert_eq!(keys[1], r#"target_topic: "{source}_{topic}""#);
    let custom = yaml("replication.policy.class = com.example.Ours");
    assert!(
        custom.contains("DECIDE: mirror A to B: write the names"),
        "{custom}"
    );
    assert!(
        custom.contains("- replication.policy.class (line 5): a class of your own"),
        "{custom}"
    );
}

#[test]
fn a_separator_of_ones_own_makes_no_circle() {
    let both = "B->A.enabled = true\nreplication.policy.separator = __";
    assert!(yaml(both).contains(r#"target_topic: "{source}__{topic}""#));
}

#[test]
fn unchanged_names_both_ways_are_told_apart_by_a_header() {
    let both = "B->A.enabled = true\nreplication.policy.class = x.IdentityReplicationPolicy\n";
    let text = yaml(both);
    assert_eq!(text.matches("provenance: header").count(), 3, "{text}");
    assert_eq!(
        text.matches("DECIDE: this mirror closes a circle").count(),
        1,
        "{text}"
    );
    let apart = format!("{both}A->B.topics = a\nB->A.topics = b");
    assert!(!yaml(&apart).contains("provenance"));
}

#[test]
fn acls_that_would_open_other_topics_are_left_to_the_reader() {
    let text = "clusters = A, B, C\nA.bootstrap.servers = a:1\nB.bootstrap.servers = b:1\nC.bootstrap.servers = c:1\n\
                A->C.enabled = true\nB->C.enabled = true\nreplication.policy.class = x.IdentityReplicationPolicy";
    let imported = convert("mm2.properties", text).map_err(|problems| problems.join("\n"));
    let yaml = imported.unwrap().yaml;
    assert!(!yaml.contains("sync_acls: true"), "{yaml}");
    assert!(yaml.contains("DECIDE: ACLs do not follow"), "{yaml}");
}

#[test]
fn wrong_values_are_told_with_line_and_remedy() {
    for (setting, part) in [
        (
            "topics = (?!x).*",
            "5: topics: `(?!x).*` is not a regular expression that kmirror reads (look-around",
        ),
        ("topics = ", "5: topics: selects no topic; "),
        (
            "replication.factor = many",
            "5: replication.factor: is no number of replicas; ",
        ),
        (
            "sync.topic.acls.enabled = maybe",
            "5: sync.topic.acls.enabled: is neither true nor false; ",
        ),
        (
            "emit.heartbeats.interval.seconds = 0",
            "5: emit.heartbeats.interval.seconds: is no interval in seconds; ",
        ),
        (
            "A.consumer.isolation.level = serializable",
            "5: A.consumer.isolation.level: is no isolation level; ",
        ),
        (
            "replication.policy.separator = /",
            "5: replication.policy.separator: holds what no topic name may hold; ",
        ),
        (
            "A.security.protocol = TLS",
            "5: A.security.protocol: is no security protocol; ",
        ),
        (
            "B.producer.compression.type = lzo",
            "5: B.producer.compression.type: is no codec; ",
        ),
        ("a = \\u00", "5: has a `\\u` without four"),
        (
            "clusters = A, B, C\nC->A.enabled = true",
            " cluster C has no addresses; write `C.bootstrap.servers = host:9092`",
        ),
        (
            "A.bootstrap.servers = a",
            " A.bootstrap.servers: entry 1 has no port; ",
        ),
        (
            "clusters = A, B, C/D\nA->C/D.enabled = true",
            "5: clusters: `C/D` is no name for a cluster; ",
        ),
        (
            "config.providers = p\ntopics = ${p:x:y}",
            "6: topics: has its value from a config provider",
        ),
    ] {
        let told = problems(&format!("{BASE}{setting}"));
        let expected = format!("mm2.properties:{part}");
        assert!(
            told.iter().any(|line| line.starts_with(&expected)),
            "{setting}: {told:#?}"
        );
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let told = problems(&format!(
        "{BASE}topics = *\nreplication.factor = x\nA.security.protocol = y"
    ));
    assert_eq!(told.len(), 3, "{told:#?}");
}

/// Keys of all kinds, most of them real.
fn keys() -> impl Strategy<Value = String> {
    let scopes = ["", "A.", "B.", "C.", "A->B.", "B->A.", "A->C.", "X->Y."];
    let clients = [
        "",
        "consumer.",
        "producer.",
        "admin.",
        "source.consumer.",
        "producer.override.",
        "source.cluster.",
    ];
    let names = [
        "topics.exclude",
        "groups",
        "tasks.max",
        "offset.lag.max",
        "sync.topic.acls.enabled",
        "emit.checkpoints.enabled",
        "refresh.topics.enabled",
        "replication.policy.class",
        "offset-syncs.topic.location",
        "ssl.truststore.location",
        "ssl.key.password",
        "ssl.protocol",
        "sasl.login.class",
        "linger.ms",
        "client.rack",
        "transforms",
        "config.providers.x.class",
        "offset.storage.topic",
        "x",
        "topcis",
    ];
    (
        prop::sample::select(scopes.to_vec()),
        prop::sample::select(clients.to_vec()),
        prop::sample::select(names.to_vec()),
    )
        .prop_map(|(scope, client, name)| format!("{scope}{client}{name}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// What is neither carried over nor the default is listed by its key.
    #[test]
    fn every_setting_is_accounted_for(settings in prop::collection::vec((keys(), "(true|false)"), 0..12)) {
        let lines: String = settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let imported = convert("mm2.properties", &format!("{BASE}{lines}"));
        let Imported { yaml, summary } = imported.map_err(|problems| TestCaseError::fail(problems.join("\n")))?;
        let numbers = summary[0].split(|character: char| !character.is_ascii_digit());
        let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        prop_assert_eq!(numbers[0], settings.len() + 4, "{}", summary[0]);
        prop_assert_eq!(numbers[1..].iter().sum::<usize>(), numbers[0], "{}", summary[0]);
        let words = yaml.split_whitespace().filter(|word| *word != "#");
        let listed = words.filter(|word| *word == "(line").count();
        prop_assert!(listed >= numbers[3] + numbers[4], "{}\n{}", summary[0], yaml);
    }
}
