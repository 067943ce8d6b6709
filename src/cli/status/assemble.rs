//! Concludes from what both clusters know what each partition is doing: a pure function.

use std::time::{SystemTime, UNIX_EPOCH};

use super::observe::{Offsets, Sight, known, numbers};
use crate::clusters::TopicPartition;
use crate::config::Mirror;
use crate::control::plan::{Action, TopicPlan};
use crate::librdkafka::admin::Failure;
use crate::status::{MirrorStatus, PartitionStatus, State, TopicStatus};

/// The status of `mirror` at the time `now`.
pub(super) fn assemble(mirror: &Mirror, sight: &Sight, now: SystemTime) -> MirrorStatus {
    let topics = sight
        .plans
        .iter()
        .map(|plan| topic(mirror, plan, sight, now));
    MirrorStatus::new(
        &mirror.name,
        &mirror.source,
        &mirror.target,
        topics.collect(),
    )
    .after_a_look()
}

fn topic(mirror: &Mirror, plan: &TopicPlan, sight: &Sight, now: SystemTime) -> TopicStatus {
    let names = &plan.names;
    let (source, target, group) = (&names.source_topic, &names.target_topic, &names.group);
    if let Action::Refuse(reason) = &plan.action {
        return TopicStatus::standing(source, target, group, State::Stopped, reason);
    }
    let partitions = numbers(plan).map(|number| partition(mirror, plan, number, sight, now));
    TopicStatus::new(source, target, group, partitions.collect())
}

fn partition(
    mirror: &Mirror,
    plan: &TopicPlan,
    number: i32,
    sight: &Sight,
    now: SystemTime,
) -> PartitionStatus {
    let at = TopicPartition::new(plan.names.source_topic.as_str(), number);
    let copy = TopicPartition::new(plan.names.target_topic.as_str(), number);
    let position = known(&sight.committed, &at);
    let source_start = known(&sight.source_starts, &at);
    let source_end = known(&sight.source_ends, &at);
    let lag_records = sight
        .position(mirror.start, &at)
        .zip(source_end)
        .map(|(next, end)| u64::try_from(end - next).unwrap_or(0));
    let (state, reason) = standing(plan, &at, sight);
    PartitionStatus {
        partition: number,
        state,
        reason,
        position,
        source_start,
        source_end,
        target_end: known(&sight.target_ends, &copy),
        lag_records,
        lag_seconds: match lag_records {
            Some(0) => Some(0.0),
            _ => sight
                .oldest_uncopied
                .get(&at)
                .map(|written| age(*written, now)),
        },
    }
}

/// Seconds since a record was written; 0 for one from the future.
fn age(written: i64, now: SystemTime) -> f64 {
    let written = u64::try_from(written).unwrap_or(0);
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let millis = u64::try_from(now)
        .unwrap_or(u64::MAX)
        .saturating_sub(written);
    millis as f64 / 1_000.0
}

/// The worst of everything that is known to be the matter.
fn standing(plan: &TopicPlan, at: &TopicPartition, sight: &Sight) -> (State, Option<String>) {
    let troubles = [
        group_trouble(plan, at, sight),
        missing_copy(plan),
        unreadable(
            &sight.source_ends,
            at,
            "the source does not tell its log end",
        ),
        unreadable(&sight.committed, at, "its committed position is not known"),
        cut_back(at, sight),
        stands_still(at, sight),
    ];
    let worst = troubles
        .into_iter()
        .flatten()
        .max_by_key(|(state, _)| *state);
    worst.map_or((State::Running, None), |(state, reason)| {
        (state, Some(reason))
    })
}

type Trouble = Option<(State, String)>;

fn group_trouble(plan: &TopicPlan, at: &TopicPartition, sight: &Sight) -> Trouble {
    let group = match sight.groups.get(&plan.names.group)? {
        Ok(group) => group,
        Err(Failure { message, .. }) => {
            let reason = format!("the members of its group are not known: {message}");
            return Some((State::Starting, reason));
        }
    };
    if group.members.is_empty() {
        let reason = "no kmirror process is a member of the group".to_owned();
        return Some((State::Stopped, reason));
    }
    let assigned = group
        .members
        .iter()
        .any(|member| member.assignment.contains(at));
    (!assigned).then(|| {
        let reason = if group.rebalancing {
            "the group is rebalancing"
        } else {
            "no member of the group has been assigned it"
        };
        (State::Starting, reason.to_owned())
    })
}

fn missing_copy(plan: &TopicPlan) -> Trouble {
    matches!(plan.action, Action::Create { .. }).then(|| {
        let reason = format!(
            "target topic {} does not exist yet",
            plan.names.target_topic
        );
        (State::Starting, reason)
    })
}

fn unreadable(offsets: &Offsets, at: &TopicPartition, what: &str) -> Trouble {
    let Failure { message, .. } = offsets.get(at)?.as_ref().err()?;
    Some((State::Paused, format!("{what}: {message}")))
}

fn cut_back(at: &TopicPartition, sight: &Sight) -> Trouble {
    let position = known(&sight.committed, at)?;
    let end = known(&sight.source_ends, at)?;
    (position > end).then(|| {
        let reason = format!(
            "position {position} lies beyond the source's log end {end}: its log was cut back, or the \
             topic recreated"
        );
        (State::Diverged, reason)
    })
}

/// What the process that has it committed beside its position.
fn stands_still(at: &TopicPartition, sight: &Sight) -> Trouble {
    let mark = sight.marks.get(at)?;
    Some((mark.state?, mark.reason.clone().unwrap_or_default()))
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
