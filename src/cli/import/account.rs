//! Accounts for the settings that no mirror and no cluster has read.

use super::flows::Flows;
use super::settings::{Setting, Settings};
use super::without;

/// Settings of the connectors that mirrors read: for a flow, or for all of them.
const OF_FLOWS: [&str; 30] = [
    "config.properties.blacklist",
    "config.properties.exclude",
    "emit.checkpoints.enabled",
    "emit.checkpoints.interval.seconds",
    "emit.heartbeats.enabled",
    "emit.heartbeats.interval.seconds",
    "enabled",
    "groups",
    "groups.blacklist",
    "groups.exclude",
    "refresh.groups.enabled",
    "refresh.groups.interval.seconds",
    "refresh.topics.enabled",
    "refresh.topics.interval.seconds",
    "replication.factor",
    "replication.policy.class",
    "replication.policy.internal.topic.separator.enabled",
    "replication.policy.separator",
    "source.cluster.alias",
    "sync.group.offsets.enabled",
    "sync.group.offsets.interval.seconds",
    "sync.topic.acls.enabled",
    "sync.topic.acls.interval.seconds",
    "sync.topic.configs.enabled",
    "sync.topic.configs.interval.seconds",
    "target.cluster.alias",
    "topics",
    "topics.blacklist",
    "topics.exclude",
    "use.defaults.from",
];

/// Settings of clients that a mirror or a cluster reads where MirrorMaker 2 does.
const OF_CLIENTS: [&str; 11] = [
    "auto.offset.reset",
    "client.dns.lookup",
    "client.rack",
    "compression.type",
    "connections.max.idle.ms",
    "isolation.level",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.ms",
];

/// What stands in front of the name of a client's setting.
const CLIENTS: [&str; 3] = ["producer.", "consumer.", "admin."];

/// Where a setting stands.
enum Scope<'a> {
    Top,
    Cluster(&'a str),
    Flow {
        is_enabled: bool,
    },
    /// A flow between clusters that the file does not list.
    Nowhere,
}

/// Gives a fate to everything that has none.
pub(super) fn close(settings: &Settings, flows: &Flows) {
    for (name, index) in settings.open() {
        account(&name, &settings.at(index), flows);
    }
}

fn account(key: &str, setting: &Setting<'_>, flows: &Flows) {
    let (scope, name) = place(key, flows);
    let in_use = |alias: &str| flows.used().any(|used| used == alias);
    match scope {
        Scope::Nowhere => {
            setting.left("there are no clusters of these names in `clusters`");
            return;
        }
        Scope::Flow { is_enabled: false } => {
            setting.left("the flow is not enabled");
            return;
        }
        Scope::Cluster(alias) if !in_use(alias) => {
            setting.left("the cluster is in no flow that is enabled");
            return;
        }
        _ => {}
    }
    let plain = without_client(name);
    let known = [name, plain];
    if known
        .iter()
        .any(|name| without::is_default(name, setting.value()))
    {
        setting.default();
        return;
    }
    if let Some(why) = misplaced(&scope, name, plain) {
        setting.left(why);
        return;
    }
    match known.iter().find_map(|name| without::reason(name)) {
        Some(why) => setting.left(why),
        None => setting.unknown(),
    }
}

/// Where MirrorMaker 2 reads a setting that stands elsewhere.
fn misplaced(scope: &Scope<'_>, name: &str, plain: &str) -> Option<String> {
    if let (Scope::Cluster(alias), true) = (scope, OF_FLOWS.contains(&name)) {
        return Some(format!(
            "MirrorMaker 2 does not read it for a cluster, but for a flow, as `{alias}->….{name}`, or at the top"
        ));
    }
    if !OF_CLIENTS.contains(&plain) {
        return None;
    }
    let kmirror = match plain {
        "compression.type" => "`compression` on the mirror, lz4 unless told otherwise",
        "auto.offset.reset" => "`start` on the mirror",
        "isolation.level" => "`isolation` on the mirror",
        _ => "`client` on the cluster",
    };
    let where_read = match plain {
        "compression.type" => "`B.producer.compression.type`, B being the target",
        "auto.offset.reset" => "`A.consumer.auto.offset.reset`, A being the source",
        "isolation.level" => "`A.consumer.isolation.level`, A being the source",
        _ => "`A.consumer.…` of a source and `B.producer.…` of a target",
    };
    Some(format!(
        "has no effect on the records' way in MirrorMaker 2, which reads {where_read}; in kmirror: {kmirror}"
    ))
}

/// The scope of a key, and its name there.
fn place<'k>(key: &'k str, flows: &'k Flows) -> (Scope<'k>, &'k str) {
    for source in &flows.aliases {
        for target in &flows.aliases {
            let behind = key
                .strip_prefix(source.as_str())
                .and_then(|rest| rest.strip_prefix("->"))
                .and_then(|rest| rest.strip_prefix(target.as_str()))
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(name) = behind {
                let mut enabled = flows.enabled.iter();
                let is_enabled =
                    enabled.any(|flow| flow.source == *source && flow.target == *target);
                return (Scope::Flow { is_enabled }, name);
            }
        }
    }
    if key.contains("->") {
        return (Scope::Nowhere, key);
    }
    let name = |alias: &'k String| {
        let name = key.strip_prefix(alias.as_str())?.strip_prefix('.')?;
        Some((alias, name))
    };
    let of_clusters = flows.aliases.iter().filter_map(name);
    // Of `eu` and `eu.west` the longer one: the name behind it is the shorter.
    match of_clusters.min_by_key(|(_, name)| name.len()) {
        Some((alias, name)) => (Scope::Cluster(alias), name),
        None => (Scope::Top, key),
    }
}

/// The name without the prefixes of a cluster's end and of a client.
fn without_client(name: &str) -> &str {
    let mut name = name;
    for prefix in ["source.cluster.", "target.cluster.", "source.", "target."] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    for prefix in CLIENTS {
        if let Some(behind) = name.strip_prefix(prefix) {
            return behind.strip_prefix("override.").unwrap_or(behind);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_a_row_for_every_setting_of_a_flow() {
        let page = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/docs/migrating-from-mirrormaker2.md"
        );
        let text = std::fs::read_to_string(page).unwrap();
        for name in OF_FLOWS.iter().chain(&OF_CLIENTS) {
            let names_it = |line: &str| {
                let quoted = line.split('`').skip(1).step_by(2);
                let mut ends = quoted.filter(|quoted| quoted.ends_with(name));
                line.starts_with('|') && ends.next().is_some()
            };
            assert!(text.lines().any(names_it), "no row for `{name}`");
        }
    }

    #[test]
    fn names_are_found_behind_their_prefixes() {
        for (name, plain) in [
            ("tasks.max", "tasks.max"),
            ("producer.batch.size", "batch.size"),
            ("producer.override.linger.ms", "linger.ms"),
            ("source.consumer.max.poll.records", "max.poll.records"),
            ("source.cluster.ssl.protocol", "ssl.protocol"),
        ] {
            assert_eq!(without_client(name), plain);
        }
    }

    #[test]
    fn of_two_aliases_the_longer_one_counts() {
        let flows = Flows {
            aliases: vec!["eu".into(), "eu.west".into()],
            ..Flows::default()
        };
        let (scope, name) = place("eu.west.client.id", &flows);
        assert!(matches!(scope, Scope::Cluster("eu.west")));
        assert_eq!(name, "client.id");
    }
}
