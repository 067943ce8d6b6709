//! Says in words what became of the settings: around the printed configuration, and in short on stderr.

use super::draft::Draft;
use super::properties::Entry;
use super::references::Variable;
use super::settings::{Fate, Settings, shown};

/// Where kmirror's default is another one than MirrorMaker 2's: the key that would say so, and what is to know.
const OTHER_DEFAULTS: [(&str, &str); 5] = [
    (
        "exclude_topics",
        "exclude_topics: older versions of MirrorMaker 2 also left out every topic whose name ends in `.internal` or `-internal`, and all leave out those that begin with a dot; `\".*[-.]internal\"` and `\"\\\\..*\"` do the same.",
    ),
    (
        "replication_factor",
        "replication_factor: the target broker's default; MirrorMaker 2 creates topics with 2 replicas.",
    ),
    (
        "discovery_interval",
        "discovery_interval: 2s; MirrorMaker 2 looks for new topics and partitions every 10 minutes.",
    ),
    (
        "checkpoint_interval",
        "checkpoint_interval: 5s; MirrorMaker 2 writes checkpoints every minute.",
    ),
    (
        "compression",
        "compression: lz4; MirrorMaker 2 does not compress.",
    ),
];

/// What stands above the configuration.
pub(super) fn before(file: &str, draft: &Draft, variables: &[Variable]) -> Vec<String> {
    let first = match decisions(draft).is_empty() {
        true => "",
        false => "decide what is marked DECIDE, and ",
    };
    let mut lines = vec![format!(
        "Made by `kmirror import` from {}. Before the first start, {first}run `kmirror check -c FILE --connect`, and stop MirrorMaker 2.",
        shown(file)
    )];
    if !variables.is_empty() {
        lines.push(String::new());
        lines.push("Secrets are not in this file. To be set in kmirror's environment:".to_owned());
        let line = |variable: &Variable| format!("- {}: {}", variable.name, variable.from);
        lines.extend(variables.iter().map(line));
    }
    lines.push(String::new());
    lines.push("Where the file says nothing, kmirror's own defaults count. These are not those of MirrorMaker 2:".to_owned());
    let is_said = |key: &str| {
        let mut mirrors = draft.mirrors.iter();
        mirrors.all(|mirror| mirror.keys.get(key).is_some())
    };
    let others = OTHER_DEFAULTS.iter().filter(|(key, _)| !is_said(key));
    lines.extend(others.map(|(_, what)| format!("- {what}")));
    lines
}

/// What stands below it: every setting that is not in it, with the reason.
pub(super) fn behind(settings: &Settings) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<&Entry>)> = Vec::new();
    let mut unknown = Vec::new();
    for (entry, fate) in settings.fates() {
        match fate {
            Fate::Left(why) => match by_reason.iter_mut().find(|(known, _)| *known == why) {
                Some((_, entries)) => entries.push(entry),
                None => by_reason.push((why, vec![entry])),
            },
            Fate::Unknown => unknown.push(entry),
            Fate::Default | Fate::Carried => {}
        }
    }
    let mut lines = Vec::new();
    if !by_reason.is_empty() {
        lines.push(String::new());
        lines.push("Without counterpart in kmirror:".to_owned());
    }
    lines.extend(
        by_reason
            .iter()
            .map(|(why, entries)| format!("- {}: {why}.", places(entries))),
    );
    if !unknown.is_empty() {
        lines.push(String::new());
        lines.push("Known neither to MirrorMaker 2 nor to kmirror; MirrorMaker 2 pays no heed to a slip of the pen:".to_owned());
        lines.push(format!("- {}", places(&unknown)));
    }
    lines
}

fn places(entries: &[&Entry]) -> String {
    let place = |entry: &&Entry| format!("{} (line {})", shown(&entry.key), entry.line);
    let places: Vec<_> = entries.iter().map(place).collect();
    places.join(", ")
}

/// What is said on stderr.
pub(super) fn summary(settings: &Settings, draft: &Draft, variables: &[Variable]) -> Vec<String> {
    let fates = settings.fates();
    let count = |is_one: fn(&Fate) -> bool| fates.iter().filter(|(_, fate)| is_one(fate)).count();
    let mut lines = vec![format!(
        "{} settings: {} carried over, {} are what kmirror does anyway, {} without counterpart, {} unknown",
        fates.len(),
        count(|fate| *fate == Fate::Carried),
        count(|fate| *fate == Fate::Default),
        count(|fate| matches!(fate, Fate::Left(_))),
        count(|fate| *fate == Fate::Unknown),
    )];
    let unknown = fates.iter().filter(|(_, fate)| *fate == Fate::Unknown);
    lines.extend(unknown.map(|(entry, _)| format!("unknown: {}", places(&[*entry]))));
    let set = |variable: &Variable| format!("set {} to {}", variable.name, variable.from);
    lines.extend(variables.iter().map(set));
    let decisions = decisions(draft).into_iter();
    lines.extend(decisions.map(|text| shown(&format!("decide: {text}"))));
    lines
}

fn decisions(draft: &Draft) -> Vec<&str> {
    let clusters = draft.clusters.iter().flat_map(|one| one.keys.decisions());
    let mirrors = draft.mirrors.iter().flat_map(|one| one.keys.decisions());
    clusters.chain(mirrors).collect()
}
