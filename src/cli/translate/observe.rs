//! Asks the source where the group is, and the offset map on the target what that is worth.

use std::collections::{BTreeMap, HashMap};

use super::super::{Exit, Failure};
use super::Row;
use crate::checkpoints::{Maps, Translated, Translator, mixed_partitions};
use crate::clusters::{GroupOffset, GroupQuery, Inspector, TopicInfo, TopicPartition};
use crate::config::{self, Mirror};
use crate::control::plan::{Action, TopicPlan, plan_topics};
use crate::offset::SourceOffset;
use crate::offset_map::{self, Archive, Map, Past, Registered, SharedMap, Stored};
use crate::pipeline::Mark;

/// What is asked.
pub(super) struct Ends<'a> {
    pub(super) source: Inspector,
    pub(super) target: Inspector,
    pub(super) target_cluster: &'a config::Cluster,
}

/// Where the group is in a partition, and the partition's copy or why there is none.
struct Place {
    at: TopicPartition,
    offset: SourceOffset,
    copy: Result<String, String>,
    /// Why its offset has no counterpart, though it has a copy.
    obstacle: Option<String>,
}

/// Each partition that the group has committed an offset for, by topic and partition.
pub(super) async fn rows(
    mirror: &Mirror,
    ends: &Ends<'_>,
    group: &str,
) -> Result<Vec<Row>, Failure> {
    let (topics, copies) = tokio::try_join!(ends.source.topics(), ends.target.topics())?;
    let plans = plan_topics(mirror, &topics, &copies);
    let offsets = committed(&ends.source, group).await?;
    let mut places = places(mirror, &plans, offsets)?;
    places.sort_by(|one, other| one.at.cmp(&other.at));
    let archive = archive(mirror, ends)?;
    let maps = match has_map(&copies) {
        true => {
            let own = own_positions(&ends.source, &plans, &places).await?;
            maps(mirror, ends, &places, &archive, &own).await?
        }
        false => Maps::new(),
    };
    let mut translator = Translator::new(ends.source.clone(), ends.target.clone(), archive);
    let open = |place: &&Place| maps.contains_key(&place.at) && place.obstacle.is_none();
    let asked = places.iter().filter(open);
    let asked: Vec<_> = asked.map(|one| (one.at.clone(), one.offset)).collect();
    let told = translator.translate(&maps, &asked).await;
    let told = asked.into_iter().map(|(at, _)| at).zip(told);
    let mut told: HashMap<_, _> = told.collect();
    let rows = places.into_iter().map(|place| {
        let told = told.remove(&place.at);
        row(place, told)
    });
    Ok(rows.collect())
}

fn has_map(copies: &[TopicInfo]) -> bool {
    copies.iter().any(|topic| topic.name == offset_map::TOPIC)
}

async fn committed(source: &Inspector, group: &str) -> Result<Vec<GroupOffset>, Failure> {
    let query = GroupQuery {
        group: group.to_owned(),
        partitions: Vec::new(),
    };
    let answer = source.committed(vec![query]).await?.pop();
    let answer = answer.expect("there is an answer for each group");
    answer.map_err(|failure| unreadable(source, group, &failure))
}

fn unreadable(source: &Inspector, group: &str, why: impl std::fmt::Display) -> Failure {
    Failure {
        exit: Exit::Unreachable,
        message: format!(
            "cluster {}: the offsets of group {group} cannot be read: {why}",
            source.cluster()
        ),
    }
}

fn places(
    mirror: &Mirror,
    plans: &[TopicPlan],
    offsets: Vec<GroupOffset>,
) -> Result<Vec<Place>, Failure> {
    let mixed = mixed_partitions(&offsets, mirror);
    let mut places = Vec::new();
    for one in offsets {
        let offset = one.offset.map_err(|failure| Failure {
            exit: Exit::Unreachable,
            message: format!("the offset for {} cannot be read: {failure}", one.at),
        })?;
        let Some(offset) = offset else { continue };
        let is_mixed = mixed.contains(&one.at);
        places.push(Place {
            offset: SourceOffset::new(offset),
            copy: copy_of(mirror, plans, &one.at),
            obstacle: is_mixed.then(|| MIXED.to_owned()),
            at: one.at,
        });
    }
    Ok(places)
}

const MIXED: &str = "there is no one offset: records of several topics or clusters stand in the copy \
                     in an order of its own";

fn plan_of<'a>(plans: &'a [TopicPlan], at: &TopicPartition) -> Option<&'a TopicPlan> {
    let by_name = |plan: &TopicPlan| plan.names.source_topic.as_str().cmp(&at.topic);
    let place = plans.binary_search_by(by_name).ok()?;
    plans.get(place)
}

/// The copy of a partition, or why there is none.
fn copy_of(mirror: &Mirror, plans: &[TopicPlan], at: &TopicPartition) -> Result<String, String> {
    let Some(plan) = plan_of(plans, at) else {
        return Err(format!("mirror {} does not select it", mirror.name));
    };
    let copy = &plan.names.target_topic;
    let is_there = match &plan.action {
        Action::Mirror => true,
        Action::Create { .. } => false,
        Action::Grow { from, .. } => u32::try_from(at.partition).is_ok_and(|number| number < *from),
        Action::Refuse(reason) => return Err(reason.clone()),
    };
    match is_there {
        true => Ok(copy.clone()),
        false => Err(format!("its copy is not in {copy} yet")),
    }
}

fn archive(mirror: &Mirror, ends: &Ends<'_>) -> Result<Archive, Failure> {
    let archive = Archive::open(ends.target_cluster, &mirror.name);
    archive.map_err(|error| Failure::usage(format!("clusters.{}: {error}", mirror.target)))
}

/// The maps of those partitions that have one, as they are stored.
async fn maps(
    mirror: &Mirror,
    ends: &Ends<'_>,
    places: &[Place],
    archive: &Archive,
    own: &BTreeMap<TopicPartition, SourceOffset>,
) -> Result<Maps, Failure> {
    let mirrored: BTreeMap<_, _> = places
        .iter()
        .filter_map(|place| Some((place.at.clone(), place.copy.as_ref().ok()?.clone())))
        .collect();
    let names = |names: Vec<String>| {
        let mut names = names;
        names.sort();
        names.dedup();
        names
    };
    let sources = names(mirrored.keys().map(|at| at.topic.to_string()).collect());
    let copies = names(mirrored.values().cloned().collect());
    let (source_ids, target_ids) = tokio::try_join!(
        ends.source.topic_ids(&sources),
        ends.target.topic_ids(&copies)
    )?;
    let partitions: Vec<_> = mirrored.keys().cloned().collect();
    let (read, _) = archive.load(&partitions).await.map_err(|error| Failure {
        exit: Exit::Unreachable,
        message: format!("cluster {}: {error}", mirror.target),
    })?;
    let mut maps = Maps::new();
    for (at, stored) in read {
        let stored = stored.map_err(Failure::internal)?;
        let copy = &mirrored[&at];
        let ends = offset_map::Ends {
            source: source_ids.get(&*at.topic).cloned(),
            target: target_ids.get(copy).cloned(),
        };
        if let Some(map) = map(mirror, &at, stored, ends, own.get(&at).copied()) {
            let registered = Registered {
                target_topic: copy.as_str().into(),
                map,
            };
            maps.insert(at, registered);
        }
    }
    Ok(maps)
}

/// Up to where the mirror itself has committed each partition, as far as it may be asked: who has come there has the map that
/// counts.
async fn own_positions(
    source: &Inspector,
    plans: &[TopicPlan],
    places: &[Place],
) -> Result<BTreeMap<TopicPartition, SourceOffset>, Failure> {
    let mut groups: BTreeMap<&str, Vec<TopicPartition>> = BTreeMap::new();
    for place in places.iter().filter(|place| place.copy.is_ok()) {
        if let Some(plan) = plan_of(plans, &place.at) {
            let partitions = groups.entry(&plan.names.group).or_default();
            partitions.push(place.at.clone());
        }
    }
    let queries = groups.into_iter().map(|(group, partitions)| GroupQuery {
        group: group.to_owned(),
        partitions,
    });
    let answers = source.committed(queries.collect()).await?;
    let held = answers.into_iter().flatten().flatten();
    let own = held.filter(|held| Mark::read(&held.metadata).is_ours());
    let own = own.filter_map(|held| Some((held.at, SourceOffset::new(held.offset.ok()??))));
    Ok(own.collect())
}

/// The map that a process would begin with; `None` when nothing of it is stored.
fn map(
    mirror: &Mirror,
    at: &TopicPartition,
    stored: Vec<Stored>,
    ends: offset_map::Ends,
    committed: Option<SourceOffset>,
) -> Option<SharedMap> {
    let past = Past::of(stored, &ends, committed);
    let (to, target_end) = (past.mirrored_to()?, past.target_end()?);
    let map = Map::begin(&mirror.name, at.clone(), past, ends, to, target_end);
    Some(SharedMap::new(map))
}

fn row(place: Place, told: Option<Translated>) -> Row {
    let exact = matches!(told, Some(Translated::Exact(_)));
    let (target_offset, reason) = match (&place.copy, place.obstacle, told) {
        (Err(reason), _, _) => (None, Some(reason.clone())),
        (Ok(_), Some(reason), _) => (None, Some(reason)),
        (Ok(_), None, told) => counterpart(told),
    };
    Row {
        source_topic: place.at.topic.to_string(),
        target_topic: place.copy.ok(),
        partition: place.at.partition,
        source_offset: place.offset.get(),
        target_offset,
        exact: exact && target_offset.is_some(),
        reason,
    }
}

/// The offset on the target, and why it is not exact or there is none.
fn counterpart(told: Option<Translated>) -> (Option<i64>, Option<String>) {
    let reason = match told {
        Some(Translated::Exact(target)) => return (Some(target.get()), None),
        Some(Translated::NotYet { mirrored_to }) => {
            format!("not mirrored yet: the mirror has come to {mirrored_to}")
        }
        Some(Translated::Unknown {
            known_from,
            at_least: Some(target),
        }) => {
            let reason = format!(
                "what became of records before {known_from} is not known: nothing is skipped from here on, and some is read again"
            );
            return (Some(target.get()), Some(reason));
        }
        Some(Translated::Unknown { known_from, .. }) => {
            format!(
                "what became of it is not known: the offset map tells of {known_from} and behind"
            )
        }
        Some(Translated::Deleted { log_start, wanted }) => {
            let reason = format!(
                "the target has deleted what it has not read from {wanted} on: nothing that is left is skipped from here on, where the copy begins"
            );
            return (Some(log_start.get()), Some(reason));
        }
        Some(Translated::Failed(reason)) => reason,
        None => "nothing of the partition is in the offset map yet".to_owned(),
    };
    (None, Some(reason))
}
