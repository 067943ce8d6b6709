//! Refuses to copy ACLs where topics share a copy: whoever may read one of them could read them all.

use super::collision::collision;
use super::conflicts::Leg;
use super::error::Problems;

/// Reports `sync_acls` on `leg` when its copies may be shared, by its own template or with one of `all` mirrors.
pub(super) fn check(leg: &Leg<'_>, all: &[Leg<'_>], problems: &Problems) {
    if !leg.mirror.sync_acls {
        return;
    }
    if !leg.mirror.target_topic.keeps_topics_apart() {
        let what =
            "would let readers of one topic read others: by this `target_topic` they have one copy";
        let remedy = "write `sync_acls: false`, or a `target_topic` with `{topic}` in it";
        report(leg, what, remedy, problems);
        return;
    }
    let others = all
        .iter()
        .filter(|other| other.to == leg.to && other.index != leg.index);
    for other in others {
        if let Some((theirs, ours)) = collision(other, leg) {
            let what = format!(
                "would let readers of `{ours}` read what mirrors[{}] copies from `{theirs}` into `{}` as well",
                other.index,
                leg.naming().name(&ours)
            );
            let remedy =
                "write `sync_acls: false`, `topics` that share no name, or another `target_topic`";
            report(leg, &what, remedy, problems);
            return;
        }
    }
}

fn report(leg: &Leg<'_>, what: &str, remedy: &str, problems: &Problems) {
    problems.add(&format!("mirrors[{}].sync_acls", leg.index), what, remedy);
}
