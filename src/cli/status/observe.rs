//! Asks both clusters of a mirror what they know of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::clusters::record_times::record_times;
use crate::clusters::{Error, Inspector, TopicPartition};
use crate::config::{self, Isolation, Mirror, Start};
use crate::control::plan::{Action, TopicPlan, plan_topics};
use crate::librdkafka::admin::group_members::GroupDescription;
use crate::librdkafka::admin::group_offsets::{GroupOffset, GroupQuery};
use crate::librdkafka::admin::{Failure, PartitionOffset};
use crate::pipeline::Mark;

/// Longest time that finding out ages may take; what has no answer by then stays unknown.
const RECORD_TIMES_WITHIN: Duration = Duration::from_secs(4);

/// What both clusters know of one mirror.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Every source topic that the mirror selects.
    pub(super) plans: Vec<TopicPlan>,
    /// What the mirror's groups have committed, by source partition.
    pub(super) committed: Offsets,
    /// How partitions that stand still were committed to stand.
    pub(super) marks: HashMap<TopicPartition, Mark>,
    /// First offsets of the source's logs.
    pub(super) source_starts: Offsets,
    /// Ends of the source's logs.
    pub(super) source_ends: Offsets,
    /// Ends of the target's logs, by target partition.
    pub(super) target_ends: Offsets,
    /// Who is in each group.
    pub(super) groups: HashMap<String, Result<GroupDescription, Failure>>,
    /// When the oldest record that is not copied was written (milliseconds since the epoch).
    pub(super) oldest_uncopied: HashMap<TopicPartition, i64>,
}

/// An offset, nothing, or why it is not known, per partition.
pub(super) type Offsets = HashMap<TopicPartition, Result<Option<i64>, Failure>>;

/// Looks at both clusters. Fails when one of them does not answer.
pub(super) async fn observe(
    mirror: Mirror,
    source_cluster: config::Cluster,
    source: Inspector,
    target: Inspector,
) -> Result<Sight, Error> {
    let (source_topics, target_topics) = tokio::try_join!(source.topics(), target.topics())?;
    let plans = plan_topics(&mirror, &source_topics, &target_topics);
    let originals = partitions(&plans, |plan| &plan.names.source_topic);
    let copied: Vec<_> = plans
        .iter()
        .filter(|plan| plan.action == Action::Mirror)
        .collect();
    let copies = partitions(copied, |plan| &plan.names.target_topic);
    let ((committed, marks), groups, source_starts, source_ends, target_ends) = tokio::try_join!(
        committed(&source, &plans),
        groups(&source, &plans),
        source.log_starts(&originals),
        source.ends_for(mirror.isolation, &originals),
        target.ends_for(Isolation::ReadUncommitted, &copies),
    )?;
    let mut sight = Sight {
        plans,
        committed,
        marks,
        source_starts: by_partition(source_starts),
        source_ends: by_partition(source_ends),
        target_ends: by_partition(target_ends),
        groups,
        oldest_uncopied: HashMap::new(),
    };
    let positions = lagging(&sight, mirror.start, &originals);
    sight.oldest_uncopied = record_times(&source_cluster, positions, RECORD_TIMES_WITHIN).await;
    Ok(sight)
}

fn is_followed(plan: &TopicPlan) -> bool {
    !matches!(plan.action, Action::Refuse(_))
}

fn partitions<'a>(
    plans: impl IntoIterator<Item = &'a TopicPlan>,
    name: impl Fn(&TopicPlan) -> &String,
) -> Vec<TopicPartition> {
    let plans = plans.into_iter().filter(|plan| is_followed(plan));
    plans
        .flat_map(|plan| {
            let topic = name(plan).clone();
            numbers(plan).map(move |number| TopicPartition::new(topic.clone(), number))
        })
        .collect()
}

/// Numbers of a topic's partitions. Kafka counts them in 31 bits.
pub(super) fn numbers(plan: &TopicPlan) -> std::ops::Range<i32> {
    0..i32::try_from(plan.partitions).unwrap_or(i32::MAX)
}

async fn committed(
    source: &Inspector,
    plans: &[TopicPlan],
) -> Result<(Offsets, HashMap<TopicPartition, Mark>), Error> {
    let mut by_group: BTreeMap<&str, Vec<TopicPartition>> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| is_followed(plan)) {
        let partitions = partitions([plan], |plan| &plan.names.source_topic);
        by_group
            .entry(&plan.names.group)
            .or_default()
            .extend(partitions);
    }
    let queries = by_group.into_iter().map(|(group, partitions)| GroupQuery {
        group: group.to_owned(),
        partitions,
    });
    let queries: Vec<_> = queries.collect();
    let answers = source.committed(queries.clone()).await?;
    let mut offsets = Offsets::new();
    let mut marks = HashMap::new();
    for (query, answer) in queries.into_iter().zip(answers) {
        match answer {
            Ok(answer) => {
                for GroupOffset {
                    at,
                    offset,
                    metadata,
                } in answer
                {
                    marks.insert(at.clone(), Mark::read(&metadata));
                    offsets.insert(at, offset);
                }
            }
            Err(failure) => {
                let unknown = query
                    .partitions
                    .into_iter()
                    .map(|at| (at, Err(failure.clone())));
                offsets.extend(unknown);
            }
        }
    }
    Ok((offsets, marks))
}

async fn groups(
    source: &Inspector,
    plans: &[TopicPlan],
) -> Result<HashMap<String, Result<GroupDescription, Failure>>, Error> {
    let followed = plans.iter().filter(|plan| is_followed(plan));
    let names: BTreeSet<_> = followed.map(|plan| plan.names.group.clone()).collect();
    let names: Vec<_> = names.into_iter().collect();
    let answers = source.members(names.clone()).await?;
    Ok(names.into_iter().zip(answers).collect())
}

fn by_partition(answers: Vec<PartitionOffset>) -> Offsets {
    answers
        .into_iter()
        .map(|answer| (answer.at, answer.offset))
        .collect()
}

/// Where to look for the oldest record that is not copied.
fn lagging(
    sight: &Sight,
    start: Start,
    partitions: &[TopicPartition],
) -> Vec<(TopicPartition, i64)> {
    let lagging = partitions.iter().filter_map(|at| {
        // Retention may have overtaken the position.
        let first = sight
            .position(start, at)?
            .max(known(&sight.source_starts, at)?);
        (first < known(&sight.source_ends, at)?).then(|| (at.clone(), first))
    });
    lagging.collect()
}

impl Sight {
    /// The next record to copy: as committed, or the first of the log while nothing was copied yet and
    /// `start` says so.
    pub(super) fn position(&self, start: Start, at: &TopicPartition) -> Option<i64> {
        known(&self.committed, at).or(match start {
            Start::Earliest => known(&self.source_starts, at),
            Start::Latest | Start::At(_) => None,
        })
    }
}

/// The offset, where there is one and it is known.
pub(super) fn known(offsets: &Offsets, at: &TopicPartition) -> Option<i64> {
    offsets.get(at)?.clone().ok()?
}
