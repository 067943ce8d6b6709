//! Decides which configs a copy must have, and what to change on one that has others: pure functions.

use crate::clusters::configs::ConfigValue;
use crate::config::Mirror;
use crate::librdkafka::admin::config_changes::ConfigChange;

/// Wanted to be set on a topic, by name.
pub type Wanted = Vec<(String, String)>;

/// What a copy is to have set, of the configs `source` that its source topic has. Those that belong to the one cluster
/// are left out (`exclude_configs`), and so is what the source keeps secret. Sorted by name.
pub fn wanted(mirror: &Mirror, source: &[ConfigValue]) -> Wanted {
    let followed = followed(mirror, source);
    let values = followed.filter_map(|one| Some((one.name.clone(), one.value.clone()?)));
    let mut wanted: Wanted = values.collect();
    wanted.sort();
    wanted
}

/// What is to be changed on a copy that has `copy` set, so that it follows a source topic that has `source` set. A config
/// that only the copy has is reset, as MirrorMaker 2 does it: the copy is the source's. Sorted by name.
pub fn changes(mirror: &Mirror, source: &[ConfigValue], copy: &[ConfigValue]) -> Vec<ConfigChange> {
    let wanted = wanted(mirror, source);
    let has = |name: &str, value: &str| {
        let mut same = copy
            .iter()
            .filter(|one| one.set_on_topic && one.name == name);
        same.any(|one| one.value.as_deref() == Some(value))
    };
    let set = wanted
        .into_iter()
        .filter(|(name, value)| !has(name, value))
        .map(|(name, value)| ConfigChange {
            name,
            value: Some(value),
        });
    let is_at_source = |name: &str| followed(mirror, source).any(|one| one.name == name);
    let reset = followed(mirror, copy)
        .filter(|one| !is_at_source(&one.name))
        .map(|one| ConfigChange {
            name: one.name.clone(),
            value: None,
        });
    let mut changes: Vec<_> = set.chain(reset).collect();
    changes.sort();
    changes
}

/// The configs that are set on the topic itself and followed at all.
fn followed<'a>(
    mirror: &'a Mirror,
    values: &'a [ConfigValue],
) -> impl Iterator<Item = &'a ConfigValue> {
    let is_followed =
        |value: &&ConfigValue| value.set_on_topic && !mirror.exclude_configs.contains(&value.name);
    values.iter().filter(is_followed)
}

#[cfg(test)]
#[path = "wanted_configs_tests.rs"]
mod tests;
