//! Lets kmirror's own rules judge the draft, and adapts what can be adapted.

use std::path::Path;

use super::draft::{Draft, Item, Mapping, Value};
use super::print;
use crate::config::{self, Problem};

/// What still stands in the way, one line each, when nothing more can be adapted.
pub(super) fn settle(draft: &mut Draft) -> Vec<String> {
    loop {
        // Without files and secrets, which are not here: they are checked where they are.
        let text = print::without_files(draft);
        let value = |_: &str| Some("value".to_owned());
        let Err(errors) = config::parse(&text, &value, Path::new("")) else {
            return Vec::new();
        };
        let adapted = errors
            .problems()
            .iter()
            .filter(|problem| adapt(draft, problem))
            .count();
        if adapted == 0 {
            return errors.problems().iter().map(in_mirrormaker).collect();
        }
    }
}

/// Whether the draft is another one now.
fn adapt(draft: &mut Draft, problem: &Problem) -> bool {
    if let Some((mirror, key)) = mirror_and_key(problem.path()) {
        return match key {
            "sync_acls" => forgo_acls(&mut draft.mirrors[mirror].keys, problem),
            "" if problem.what().starts_with("closes a circle") => {
                mark_origins(draft, mirror, problem)
            }
            _ => false,
        };
    }
    let Some(rest) = problem.path().strip_prefix("clusters.") else {
        return false;
    };
    let mut clusters = draft.clusters.iter_mut();
    clusters.any(|cluster| {
        let property = rest
            .strip_prefix(cluster.name.as_str())
            .and_then(|rest| rest.strip_prefix(".client."));
        let client = cluster.keys.get_mapping("client");
        match (property, client) {
            (Some(property), Some(client)) => {
                let text = format!("{property}: {}", problem.what());
                client.replace(property, [Item::Comment(text)])
            }
            _ => false,
        }
    })
}

/// `mirrors[2].sync_acls` as 2 and `sync_acls`.
fn mirror_and_key(path: &str) -> Option<(usize, &str)> {
    let (index, key) = path.strip_prefix("mirrors[")?.split_once(']')?;
    Some((index.parse().ok()?, key.trim_start_matches('.')))
}

fn forgo_acls(keys: &mut Mapping, problem: &Problem) -> bool {
    let text = format!(
        "ACLs do not follow, as they did under MirrorMaker 2: `sync_acls` {}.",
        problem.what()
    );
    keys.replace("sync_acls", [Item::Decision(text)])
}

/// Lets records that go round in a circle stop where they came from. `IdentityReplicationPolicy` sends them round for ever.
fn mark_origins(draft: &mut Draft, closing: usize, problem: &Problem) -> bool {
    let on_circle: Vec<_> = (0..draft.mirrors.len())
        .filter(|mirror| is_on_circle(draft, *mirror))
        .filter(|mirror| draft.mirrors[*mirror].keys.get("provenance").is_none())
        .collect();
    for mirror in &on_circle {
        let mut items = vec![Item::Key(
            "provenance".to_owned(),
            Value::Bare("header".to_owned()),
        )];
        if *mirror == closing {
            let text = format!(
                "this mirror {}. MirrorMaker 2 has no answer to that. `provenance: header` adds a header to each record, and does not send it back to where it came from; without it, `topics` must share no name.",
                problem.what()
            );
            items.insert(0, Item::Decision(text));
        }
        draft.mirrors[*mirror].keys.0.extend(items);
    }
    !on_circle.is_empty()
}

/// Whether mirrors that keep names lead from the target of this one, which is one of them, back to its source.
fn is_on_circle(draft: &Draft, mirror: usize) -> bool {
    let keeps_names = |index: usize| {
        let template = draft.mirrors[index].keys.get("target_topic");
        template == Some(&Value::from("{topic}"))
    };
    if !keeps_names(mirror) {
        return false;
    }
    let mut reached = vec![draft.mirrors[mirror].target.as_str()];
    let mut next = 0;
    while let Some(cluster) = reached.get(next).copied() {
        next += 1;
        for (index, other) in draft.mirrors.iter().enumerate() {
            let target = other.target.as_str();
            if other.source == cluster && keeps_names(index) && !reached.contains(&target) {
                reached.push(target);
            }
        }
    }
    reached.contains(&draft.mirrors[mirror].source.as_str())
}

/// A problem of the configuration as one of the file that it came from.
fn in_mirrormaker(problem: &Problem) -> String {
    let path = problem.path();
    let servers = path
        .strip_prefix("clusters.")
        .and_then(|path| path.strip_suffix(".bootstrap_servers"));
    match servers {
        Some(cluster) => format!(
            "{cluster}.bootstrap.servers: {}; {}",
            problem.what(),
            problem.remedy()
        ),
        None => problem.to_string(),
    }
}
