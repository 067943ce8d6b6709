//! Maps which topics a flow copies, and the names that they get.

use super::draft::{Mapping, Value};
use super::flow_settings::FlowSettings;
use crate::config::defaults;

/// Without these kmirror would copy what belongs to one cluster; MirrorMaker 2 leaves it out whatever `topics.exclude` says.
const ALWAYS_EXCLUDED: [&str; 3] = ["__.*", r"mm2.*\.internal", r".*\.checkpoints\.internal"];

/// How a flow names its copies.
enum Naming {
    /// `DefaultReplicationPolicy`, with its separator.
    Prefixed(String),
    /// `IdentityReplicationPolicy`.
    Unchanged,
    /// A class of somebody else.
    Custom,
}

/// Writes `topics`, `exclude_topics` and `target_topic`.
pub(super) fn map(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let naming = naming(own);
    include(own, keys);
    exclude(own, &naming, keys);
    name(own, &naming, keys);
}

fn include(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let Some(setting) = own.get(&["topics"]) else {
        return;
    };
    let Some(patterns) = own.patterns(&setting) else {
        return;
    };
    if patterns.is_empty() {
        let remedy = "write `.*` for all, or `enabled = false` for the flow";
        setting.wrong("selects no topic", remedy);
        return;
    }
    let is_default = patterns == defaults::TOPICS;
    setting.settled(is_default);
    if !is_default {
        keys.set("topics", Value::List(patterns));
    }
}

fn exclude(own: &FlowSettings<'_>, naming: &Naming, keys: &mut Mapping) {
    let setting = own.get(&["topics.exclude", "topics.blacklist"]);
    let mut patterns = match &setting {
        Some(setting) => match own.patterns(setting) {
            Some(patterns) => patterns,
            None => return,
        },
        None => owned(defaults::EXCLUDE_TOPICS),
    };
    add(&mut patterns, &ALWAYS_EXCLUDED);
    if let Some(setting) = &setting {
        setting.settled(same(&patterns, defaults::EXCLUDE_TOPICS));
    }
    if let Naming::Prefixed(separator) = naming
        && separator != "."
        && !separator.is_empty()
    {
        let kept = patterns.len();
        add(&mut patterns, &left_out_by_name(own, separator));
        if patterns.len() > kept {
            keys.comment(format!(
                "The last {} leave out MirrorMaker 2's own topics, and what came from {} by its name: kmirror sees that by itself only with \"{{source}}.{{topic}}\".",
                patterns.len() - kept,
                own.flow.target
            ));
        }
    }
    if !same(&patterns, defaults::EXCLUDE_TOPICS) {
        keys.set("exclude_topics", Value::List(patterns));
    }
}

/// What `DefaultReplicationPolicy` leaves out under a separator of one's own: topics that passed through the target
/// (`MirrorSourceConnector.isCycle`), and MirrorMaker 2's own.
fn left_out_by_name(own: &FlowSettings<'_>, separator: &str) -> [String; 4] {
    let between = regex::escape(separator);
    let target = regex::escape(&own.flow.target);
    [
        format!("mm2.*{between}internal"),
        format!(".*{between}checkpoints{between}internal"),
        format!("{target}{between}.+"),
        format!(".*{between}{target}{between}.+"),
    ]
}

fn naming(own: &FlowSettings<'_>) -> Naming {
    let class = own.get(&["replication.policy.class"]);
    let name = class.as_ref().map(|class| class.value());
    let name = name.map_or("", |class| class.rsplit('.').next().unwrap_or_default());
    match (class, name) {
        (Some(class), "IdentityReplicationPolicy") => {
            class.carried();
            return Naming::Unchanged;
        }
        (Some(class), "DefaultReplicationPolicy") => class.default(),
        (None, _) => {}
        (Some(class), _) => {
            class.left("a class of your own cannot be read: write the names that it makes as `target_topic`");
            return Naming::Custom;
        }
    }
    let separator = own.get(&["replication.policy.separator"]);
    let text = separator
        .as_ref()
        .map_or(".", |separator| separator.value());
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if let (Some(separator), false) = (&separator, text.chars().all(is_part)) {
        let remedy = "write letters, digits, `.`, `_` or `-`";
        separator.wrong("holds what no topic name may hold", remedy);
        return Naming::Custom;
    }
    if let Some(separator) = &separator {
        separator.settled(text == ".");
    }
    Naming::Prefixed(text.to_owned())
}

fn name(own: &FlowSettings<'_>, naming: &Naming, keys: &mut Mapping) {
    let separator = own.get(&["replication.policy.separator"]);
    match naming {
        Naming::Prefixed(separator) if separator == "." => {}
        Naming::Prefixed(separator) => {
            keys.comment("Heartbeats, checkpoints and offset syncs have names with `.` in kmirror whatever the separator: clients that look for them with RemoteClusterUtils or MirrorClient must not be told another one.");
            keys.set(
                "target_topic",
                format!("{{source}}{separator}{{topic}}").as_str(),
            );
        }
        Naming::Unchanged => {
            if let Some(separator) = separator {
                separator.left("names are unchanged under IdentityReplicationPolicy");
            }
            keys.set("target_topic", "{topic}");
        }
        Naming::Custom => {
            if let Some(separator) = separator {
                separator.left("belongs to a replication policy that cannot be read");
            }
            keys.decide(format!(
                "mirror {} to {}: write the names that your replication policy makes as `target_topic`, with {{source}} and {{topic}}, such as \"{{topic}}\" or \"{{source}}.{{topic}}\". As it stands, copies get new names.",
                own.flow.source, own.flow.target
            ));
            keys.set("target_topic", "{source}.{topic}");
        }
    }
    if let Some(internal) = own.get(&["replication.policy.internal.topic.separator.enabled"]) {
        internal.left("kmirror's topics of this kind are always named with `.`");
    }
}

/// Appends those that are not there yet.
pub(super) fn add(patterns: &mut Vec<String>, more: &[impl AsRef<str>]) {
    for pattern in more.iter().map(AsRef::as_ref) {
        if !patterns.iter().any(|known| known == pattern) {
            patterns.push(pattern.to_owned());
        }
    }
}

/// Whether both are the same in whatever order.
pub(super) fn same(names: &[String], others: &[&str]) -> bool {
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut others = others.to_vec();
    names.sort_unstable();
    names.dedup();
    others.sort_unstable();
    names == others
}

pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
