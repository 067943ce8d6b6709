//! Maps the topic configs that are left alone: MirrorMaker 2 takes patterns, kmirror takes names.

use super::draft::{Mapping, Value};
use super::flow_settings::FlowSettings;
use super::flows::list;
use super::settings::{Setting, shown};
use super::topics::{add, same};
use crate::config::defaults;

/// Every topic config of Kafka up to 4.4 (`TopicConfig`), and those that throttle replicas.
const KNOWN: [&str; 36] = [
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// Writes `exclude_configs`.
pub(super) fn map(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let names = ["config.properties.exclude", "config.properties.blacklist"];
    let Some(setting) = own.get(&names) else {
        return;
    };
    let mut configs = Vec::new();
    for pattern in list(setting.value()) {
        match literal(pattern) {
            Some(name) => add(&mut configs, &[name]),
            None => expand(&setting, pattern, &mut configs, keys),
        }
    }
    let is_default = same(&configs, defaults::EXCLUDE_CONFIGS);
    setting.settled(is_default);
    if !is_default {
        keys.set("exclude_configs", Value::List(configs));
    }
}

/// The name that a pattern without operators stands for: `min\.insync\.replicas`.
fn literal(pattern: &str) -> Option<String> {
    let name = pattern.replace("\\.", ".");
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    name.chars().all(is_part).then_some(name)
}

fn expand(setting: &Setting<'_>, pattern: &str, configs: &mut Vec<String>, keys: &mut Mapping) {
    let Ok(regex) = regex::Regex::new(&format!("\\A(?:{pattern})\\z")) else {
        let what = format!(
            "`{}` is not a regular expression that kmirror reads",
            shown(pattern)
        );
        setting.wrong(what, "write the names of the configs in full");
        return;
    };
    let matching: Vec<_> = KNOWN
        .into_iter()
        .filter(|name| regex.is_match(name))
        .collect();
    add(configs, &matching);
    keys.comment(format!(
        "`{}` of {} stands for {} here: kmirror takes names in full.",
        shown(pattern),
        setting.place(),
        match matching.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        }
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_list_is_made_of_known_configs() {
        for name in defaults::EXCLUDE_CONFIGS {
            assert!(KNOWN.contains(name), "{name}");
        }
    }

    #[test]
    fn an_escaped_name_is_a_name() {
        for (pattern, name) in [
            ("min.insync.replicas", Some("min.insync.replicas")),
            (r"min\.insync\.replicas", Some("min.insync.replicas")),
            ("retention.*", None),
            ("(a|b)", None),
        ] {
            assert_eq!(literal(pattern).as_deref(), name, "{pattern}");
        }
    }
}
