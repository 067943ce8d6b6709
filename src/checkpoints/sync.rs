//! Writes translated offsets to the target's groups: to those without members only, and forward only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::groups::AT_ONCE;
use crate::clusters::{Error, GroupQuery, Inspector, TopicPartition};
use crate::librdkafka::admin::Failure;
use crate::librdkafka::admin::group_offset_changes::{GroupChange, NewOffset};
use crate::metrics::Refused;
use crate::offset::TargetOffset;

/// Where a group is to go on in one partition of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Name of the group.
    pub(super) group: Arc<str>,
    /// The partition on the target.
    pub(super) at: TopicPartition,
    /// The next offset to read.
    pub(super) target: TargetOffset,
    /// What is committed beside it.
    pub(super) metadata: Arc<str>,
}

/// What became of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was written.
    Written,
    /// The group was there already.
    There,
    /// It was not written.
    Refused(Refused, String),
}

/// Writes those that move groups forward; answers in the order of `wanted`, in which each group's stand together.
///
/// # Errors
///
/// When the target does not answer at all. What was written by then is found to be there next time.
pub(super) async fn sync(target: &Inspector, wanted: &[Wanted]) -> Result<Vec<Fate>, Error> {
    let mut fates = Vec::with_capacity(wanted.len());
    let groups: Vec<_> = wanted.chunk_by(|a, b| a.group == b.group).collect();
    for some in groups.chunks(AT_ONCE) {
        let mut these: Vec<_> = some.iter().map(|wanted| Group::new(wanted)).collect();
        leave_those_ahead(target, &mut these).await?;
        leave_active(target, &mut these).await?;
        write(target, &mut these).await?;
        fates.extend(these.into_iter().flat_map(Group::into_fates));
    }
    Ok(fates)
}

/// One group on its way.
struct Group<'a> {
    wanted: &'a [Wanted],
    /// What became of each; `None` while it is to be written.
    fates: Vec<Option<Fate>>,
}

impl<'a> Group<'a> {
    fn new(wanted: &'a [Wanted]) -> Self {
        Self {
            wanted,
            fates: vec![None; wanted.len()],
        }
    }

    fn name(&self) -> String {
        self.wanted[0].group.to_string()
    }

    /// Those that are to be written still.
    fn open(&self) -> impl Iterator<Item = &'a Wanted> {
        let all = self.wanted.iter().zip(&self.fates);
        all.filter(|(_, fate)| fate.is_none()).map(|(one, _)| one)
    }

    fn is_open(&self) -> bool {
        self.fates.iter().any(Option::is_none)
    }

    /// Tells the fate of those that are to be written still.
    fn decide(&mut self, fate: impl Fn(&Wanted) -> Option<Fate>) {
        for (one, place) in self.wanted.iter().zip(&mut self.fates) {
            if place.is_none() {
                *place = fate(one);
            }
        }
    }

    fn refuse(&mut self, failure: &Failure) {
        self.decide(|_| Some(refused(failure)));
    }

    fn into_fates(self) -> impl Iterator<Item = Fate> {
        let not_told = || Fate::Refused(Refused::Failed, "the target did not say".to_owned());
        self.fates
            .into_iter()
            .map(move |fate| fate.unwrap_or_else(not_told))
    }
}

fn open<'g, 'a>(groups: &'g mut [Group<'a>]) -> Vec<&'g mut Group<'a>> {
    groups.iter_mut().filter(|group| group.is_open()).collect()
}

/// Leaves alone what does not move a group forward.
async fn leave_those_ahead(target: &Inspector, groups: &mut [Group<'_>]) -> Result<(), Error> {
    let queries = groups.iter().map(|group| GroupQuery {
        group: group.name(),
        partitions: group.open().map(|one| one.at.clone()).collect(),
    });
    let answers = target.committed(queries.collect()).await?;
    for (group, answer) in groups.iter_mut().zip(answers) {
        let offsets = match answer {
            Ok(offsets) => offsets.into_iter(),
            Err(failure) => {
                group.refuse(&failure);
                continue;
            }
        };
        let held: HashMap<_, _> = offsets.map(|one| (one.at, one.offset)).collect();
        group.decide(|one| match held.get(&one.at) {
            Some(Ok(Some(held))) => compare(*held, one.target),
            Some(Err(failure)) => Some(refused(failure)),
            _ => None,
        });
    }
    Ok(())
}

/// `None` when the group is behind `wanted`.
fn compare(held: i64, wanted: TargetOffset) -> Option<Fate> {
    use std::cmp::Ordering;
    match held.cmp(&wanted.get()) {
        Ordering::Less => None,
        Ordering::Equal => Some(Fate::There),
        Ordering::Greater => Some(Fate::Refused(
            Refused::Backwards,
            format!("it is at {held} there, and would go back to {wanted}"),
        )),
    }
}

/// Leaves groups alone that have members, or are about to.
async fn leave_active(target: &Inspector, groups: &mut [Group<'_>]) -> Result<(), Error> {
    let mut groups = open(groups);
    let names: Vec<_> = groups.iter().map(|group| group.name()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let answers = target.members(names).await?;
    for (group, answer) in groups.iter_mut().zip(answers) {
        match answer {
            Ok(found) if found.members.is_empty() && !found.rebalancing => {}
            Ok(found) => {
                let members = found.members.len();
                let why = format!("it is active there, with {members} members");
                group.decide(|_| Some(Fate::Refused(Refused::Active, why.clone())));
            }
            // Nobody knows it: it is created with its first offset.
            Err(failure) if failure.code == Code::GroupIdNotFound => {}
            Err(failure) => group.refuse(&failure),
        }
    }
    Ok(())
}

async fn write(target: &Inspector, groups: &mut [Group<'_>]) -> Result<(), Error> {
    let mut groups = open(groups);
    let changes: Vec<_> = groups.iter().map(|group| change(group)).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let answers = target.alter_group_offsets(changes).await?;
    for (group, answer) in groups.iter_mut().zip(answers) {
        match answer {
            Ok(outcomes) => {
                let outcomes: BTreeMap<_, _> = outcomes.into_iter().collect();
                group.decide(|one| match outcomes.get(&one.at)? {
                    Ok(()) => Some(Fate::Written),
                    Err(failure) => Some(refused(failure)),
                });
            }
            Err(failure) => group.refuse(&failure),
        }
    }
    Ok(())
}

fn change(group: &Group<'_>) -> GroupChange {
    let offsets = group.open().map(|one| NewOffset {
        at: one.at.clone(),
        offset: one.target.get(),
        metadata: one.metadata.to_string(),
    });
    GroupChange {
        group: group.name(),
        offsets: offsets.collect(),
    }
}

fn refused(failure: &Failure) -> Fate {
    Fate::Refused(reason(failure), failure.to_string())
}

/// Which of the reasons a cluster's answer is.
fn reason(failure: &Failure) -> Refused {
    match failure.code {
        // A broker takes offsets from outside only for a group without members: it got one meanwhile.
        Code::UnknownMemberId | Code::RebalanceInProgress | Code::NonEmptyGroup => Refused::Active,
        Code::GroupAuthorizationFailed
        | Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed => Refused::Denied,
        _ => Refused::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_moved_forward_only() {
        let wanted = TargetOffset::new(10);
        assert_eq!(compare(9, wanted), None);
        assert_eq!(compare(10, wanted), Some(Fate::There));
        let back = compare(11, wanted);
        assert!(matches!(back, Some(Fate::Refused(Refused::Backwards, _))));
    }

    #[test]
    fn a_group_that_got_a_member_meanwhile_is_active() {
        let failure = |code| Failure {
            code,
            message: String::new(),
        };
        assert_eq!(reason(&failure(Code::UnknownMemberId)), Refused::Active);
        let denied = failure(Code::GroupAuthorizationFailed);
        assert_eq!(reason(&denied), Refused::Denied);
        let loading = failure(Code::CoordinatorLoadInProgress);
        assert_eq!(reason(&loading), Refused::Failed);
    }
}
