//! Maps whose offsets a flow translates, and how often.

use super::draft::{Mapping, Value};
use super::flow_settings::{FlowSettings, written};
use super::topics::{add, same};
use crate::config::defaults;

/// kmirror's own groups, which MirrorMaker 2 does not know of.
const ALWAYS_EXCLUDED: [&str; 1] = [r"kmirror\..*"];

/// Writes `groups`, `exclude_groups`, `sync_group_offsets` and `checkpoint_interval`.
pub(super) fn map(own: &FlowSettings<'_>, keys: &mut Mapping) {
    // MirrorCheckpointConfig: checkpoints are on unless told otherwise, the groups' own offsets are not.
    let checkpoints = own.switch("emit.checkpoints.enabled", true);
    let offsets = own.switch("sync.group.offsets.enabled", false);
    let is_used = checkpoints.is_on || offsets.is_on;
    if let (true, false, Some(setting)) = (offsets.is_on, checkpoints.is_on, &checkpoints.setting) {
        setting.left("checkpoints are written wherever offsets are translated");
    } else {
        checkpoints.settled(checkpoints.is_on);
    }
    select(own, is_used, keys);
    offsets.settled(offsets.is_on);
    if !offsets.is_on {
        keys.set("sync_group_offsets", false);
    }
    intervals(own, is_used, keys);
}

fn select(own: &FlowSettings<'_>, is_used: bool, keys: &mut Mapping) {
    let include = own.get(&["groups"]);
    let exclude = own.get(&["groups.exclude", "groups.blacklist"]);
    if !is_used {
        for setting in include.iter().chain(&exclude) {
            setting.left("not in use: neither checkpoints nor group offsets are written");
        }
        keys.comment("Neither checkpoints nor group offsets: no group is selected.");
        keys.set("groups", Value::List(Vec::new()));
        return;
    }
    if let Some(setting) = include
        && let Some(patterns) = own.patterns(&setting)
    {
        let is_default = same(&patterns, defaults::GROUPS);
        setting.settled(is_default);
        if !is_default {
            keys.set("groups", Value::List(patterns));
        }
    }
    if let Some(setting) = exclude
        && let Some(mut patterns) = own.patterns(&setting)
    {
        add(&mut patterns, &ALWAYS_EXCLUDED);
        let is_default = same(&patterns, defaults::EXCLUDE_GROUPS);
        setting.settled(is_default);
        if !is_default {
            keys.set("exclude_groups", Value::List(patterns));
        }
    }
}

/// kmirror has one interval for both, the shorter of the two.
fn intervals(own: &FlowSettings<'_>, is_used: bool, keys: &mut Mapping) {
    let names = [
        "emit.checkpoints.interval.seconds",
        "sync.group.offsets.interval.seconds",
    ];
    let set: Vec<_> = names.iter().filter_map(|name| own.interval(name)).collect();
    if !is_used {
        for interval in set {
            let why = "not in use: neither checkpoints nor group offsets are written";
            interval.setting.left(why);
        }
        return;
    }
    let Some(shortest) = set.iter().map(|interval| interval.length).min() else {
        return;
    };
    let is_default = shortest == defaults::CHECKPOINT_INTERVAL;
    for interval in &set {
        interval.setting.settled(is_default);
        if interval.length > shortest {
            let shortest = written(shortest);
            let why =
                format!("kmirror has one interval for both, and the other is shorter: {shortest}");
            keys.comment(format!("{}: {why}.", interval.setting.place()));
        }
    }
    if !is_default {
        keys.set("checkpoint_interval", Value::Bare(written(shortest)));
    }
}
