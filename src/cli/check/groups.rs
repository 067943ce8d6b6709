//! Examines the rights on consumer groups: on those that kmirror joins, and on those whose offsets are to be translated.

use super::Problems;
use super::rights::{self, DESCRIBE, READ};
use crate::clusters::{Error, GroupQuery, Inspector};
use crate::config::Mirror;

/// Groups asked about at the same time, each by a request of its own.
const AT_ONCE: usize = 500;

/// What stands in the way of joining `groups` on the source.
pub(super) async fn joined(source: &Inspector, mut groups: Vec<String>) -> Result<Problems, Error> {
    // All topics may share one.
    groups.sort_unstable();
    groups.dedup();
    let answers = source.group_rights(groups.clone()).await?;
    let purpose = "or for all groups that begin with kmirror., to copy topics";
    let joined = groups.iter().zip(&answers);
    Ok(rights::groups(source.cluster(), READ, joined, purpose))
}

/// What stands in the way of reading where groups are on the source, and of moving them on the target.
pub(super) async fn followed(
    mirror: &Mirror,
    source: &Inspector,
    target: &Inspector,
) -> Result<Problems, Error> {
    if mirror.groups.include.is_empty() {
        return Ok(Problems::new());
    }
    let listing = source.groups().await?;
    let on = source.cluster();
    let failures = listing.failures.into_iter();
    let failures = failures.map(|failure| format!("groups on {on} cannot be listed: {failure}"));
    let mut problems: Problems = failures.collect();
    let mut names = listing.groups;
    names.retain(|name| mirror.groups.matches(name));
    names.sort_unstable();
    let (mut read, mut moved) = (Vec::new(), Vec::new());
    for some in names.chunks(AT_ONCE) {
        let queries = some.iter().map(|group| GroupQuery {
            group: group.clone(),
            partitions: Vec::new(),
        });
        let answers = source.committed(queries.collect()).await?;
        for (name, answer) in some.iter().zip(answers) {
            let offsets = match &answer {
                Ok(offsets) => offsets.as_slice(),
                Err(_) => &[],
            };
            if offsets.iter().any(|one| mirror.selects(&one.at.topic)) {
                moved.push(name.clone());
            }
            read.push((name, answer.map(|_| None)));
        }
    }
    let read = read.iter().map(|(name, answer)| (*name, answer));
    let purpose = "to read its offsets";
    problems.extend(rights::groups(on, DESCRIBE, read, purpose));
    if mirror.sync_group_offsets {
        problems.extend(immovable(target, &moved).await?);
    }
    Ok(problems)
}

/// Groups that could not be moved on the target.
async fn immovable(target: &Inspector, groups: &[String]) -> Result<Problems, Error> {
    let mut answers = Vec::new();
    for some in groups.chunks(AT_ONCE) {
        answers.extend(target.group_rights(some.to_vec()).await?);
    }
    let purpose = "to write its offsets, or set sync_group_offsets: false";
    let moved = groups.iter().zip(&answers);
    Ok(rights::groups(target.cluster(), READ, moved, purpose))
}
