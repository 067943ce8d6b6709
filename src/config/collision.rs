//! Finds topics of one source that two mirrors would write into the same topic of the target.

use super::conflicts::Leg;
use super::error::Problems;
use super::name_filter::NameFilter;
use super::naming::Naming;
use super::overlap::{Selection, common_name};

/// Reports what `later` copies to where `earlier`, which has the same ends, copies it or another topic. Mirrors of
/// different sources may share a topic of the target (aggregation), and so may the topics of one mirror, or of mirrors
/// with the same fixed name, by a template that says so.
pub(super) fn check(earlier: &Leg<'_>, later: &Leg<'_>, problems: &Problems) {
    if (earlier.from, earlier.to) != (later.from, later.to) {
        return;
    }
    if let Some((theirs, ours)) = collision(earlier, later) {
        report(earlier, later, &theirs, &ours, problems);
    }
}

/// A topic that the earlier mirror selects and one of the later mirror, of the same name on the target. `None` also
/// where the names cross in a way that patterns do not tell: such as `a{topic}` and `{topic}a`.
pub(super) fn collision(earlier: &Leg<'_>, later: &Leg<'_>) -> Option<(String, String)> {
    let (first, second) = (&earlier.mirror.topics, &later.mirror.topics);
    match (earlier.naming(), later.naming()) {
        (Naming::Fixed(one), Naming::Fixed(other)) if one == other => {
            let topic = common_name(&[Selection::plain(first), Selection::plain(second)])?;
            Some((topic.clone(), topic))
        }
        (Naming::Fixed(_), Naming::Fixed(_)) => None,
        (Naming::Fixed(name), around @ Naming::Around { .. }) => {
            let topic = around
                .topic_of(&name)
                .filter(|topic| second.matches(topic))?;
            Some((common_name(&[Selection::plain(first)])?, topic.to_owned()))
        }
        (around @ Naming::Around { .. }, Naming::Fixed(name)) => {
            let topic = around
                .topic_of(&name)
                .filter(|topic| first.matches(topic))?;
            Some((topic.to_owned(), common_name(&[Selection::plain(second)])?))
        }
        (one, other) => {
            if let Some((before, behind)) = one.inside(&other) {
                return between(first, second, before, behind);
            }
            let (before, behind) = other.inside(&one)?;
            between(second, first, before, behind).map(|(theirs, ours)| (ours, theirs))
        }
    }
}

/// A topic that `plain` selects, and the same between two texts that `wrapped` selects.
fn between(
    plain: &NameFilter,
    wrapped: &NameFilter,
    before: &str,
    behind: &str,
) -> Option<(String, String)> {
    let (before, behind) = (before.to_owned(), behind.to_owned());
    let filter = wrapped;
    let wrapped = Selection {
        filter,
        before: before.clone(),
        behind: behind.clone(),
    };
    let topic = common_name(&[Selection::plain(plain), wrapped])?;
    let longer = format!("{before}{topic}{behind}");
    Some((topic, longer))
}

fn report(earlier: &Leg<'_>, later: &Leg<'_>, theirs: &str, ours: &str, problems: &Problems) {
    let target = later.naming().name(ours);
    let does = match theirs == ours {
        true => "does".to_owned(),
        false => format!("copies `{theirs}`"),
    };
    let what = format!(
        "copies topics such as `{ours}` into `{target}`, as mirrors[{}] {does}",
        earlier.index
    );
    let remedy = "write `topics` that share no name, or another `target_topic`";
    problems.add(&format!("mirrors[{}]", later.index), what, remedy);
}
