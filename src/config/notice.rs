//! Says which settings of a file have no effect in this version.

use std::fmt;

use regex::Regex;

use super::choices::{ConsumerGroups, Heartbeats};
use super::daemon::Config;
use super::defaults;
use super::mirror::Mirror;
use super::read_mirror;

/// Something that an operator should know and that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The key, such as `mirrors[0].sync_acls`.
    pub path: String,
    /// What to know about it.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

impl Config {
    /// The settings that ask for something this version does not do yet, in the order of the file. Settings that
    /// have their default value are not among them.
    pub fn not_yet_in_effect(&self) -> Vec<Notice> {
        let notices = |(index, mirror)| {
            let keys = keys_without_effect(mirror).into_iter();
            keys.map(move |(key, what)| Notice {
                path: format!("mirrors[{index}].{key}"),
                text: format!("accepted, but has no effect in this version: {what}"),
            })
        };
        self.mirrors.iter().enumerate().flat_map(notices).collect()
    }
}

fn keys_without_effect(mirror: &Mirror) -> Vec<(&'static str, &'static str)> {
    const OFFSETS: &str = "offsets of consumer groups are not translated";
    const HEARTBEATS: &str = "no heartbeats are written";
    let asked = [
        (
            "consumer_groups",
            mirror.consumer_groups == ConsumerGroups::Shared,
            "each topic has a group of its own",
        ),
        ("sync_acls", mirror.sync_acls, "ACLs are not copied"),
        (
            "groups",
            differ(&mirror.groups.include, defaults::GROUPS),
            OFFSETS,
        ),
        (
            "exclude_groups",
            differ(&mirror.groups.exclude, defaults::EXCLUDE_GROUPS),
            OFFSETS,
        ),
        (
            "checkpoint_interval",
            mirror.checkpoint_interval != defaults::CHECKPOINT_INTERVAL,
            OFFSETS,
        ),
        (
            "heartbeats",
            mirror.heartbeats == Heartbeats::Both,
            HEARTBEATS,
        ),
        (
            "heartbeat_interval",
            mirror.heartbeat_interval != defaults::HEARTBEAT_INTERVAL,
            HEARTBEATS,
        ),
    ];
    asked
        .into_iter()
        .filter(|(_, asked, _)| *asked)
        .map(|(key, _, what)| (key, what))
        .collect()
}

fn differ(patterns: &[Regex], defaults: &[&str]) -> bool {
    let texts = |patterns: &[Regex]| {
        patterns
            .iter()
            .map(|regex| regex.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    texts(patterns) != texts(&read_mirror::patterns(defaults))
}
