//! Says what an operator should know of a file that is valid: which settings have no effect.

use std::fmt;

use regex::Regex;

use super::choices::Provenance;
use super::daemon::Config;
use super::defaults;
use super::mirror::Mirror;
use super::read_mirror;

/// Something that an operator should know and that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The key, such as `mirrors[0].heartbeats`.
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
    /// The settings that have no effect, in the order of the file: because this version does not do yet what they ask
    /// for, or because another setting leaves them nothing to do. Settings that have their default value are not among
    /// them.
    pub fn notices(&self) -> Vec<Notice> {
        let notices = |(index, mirror)| {
            let not_yet = keys_without_effect(mirror).into_iter();
            let not_yet = not_yet.map(|(key, what)| {
                let text = format!("accepted, but has no effect in this version: {what}");
                (key, text)
            });
            let all = not_yet.chain(useless_provenance(mirror));
            all.map(move |(key, text)| Notice {
                path: format!("mirrors[{index}].{key}"),
                text,
            })
        };
        self.mirrors.iter().enumerate().flat_map(notices).collect()
    }
}

fn useless_provenance(mirror: &Mirror) -> Option<(&'static str, String)> {
    let asked = mirror.provenance == Provenance::Header;
    let useless = asked && mirror.target_topic.begins_with_source();
    useless.then(|| {
        let why = "is of no use here: topics whose names begin with `{source}.` never return home";
        ("provenance", why.to_owned())
    })
}

fn keys_without_effect(mirror: &Mirror) -> Vec<(&'static str, &'static str)> {
    const OFFSETS: &str = "offsets of consumer groups are not translated";
    let asked = [
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
