//! Asks where partitions stand and what both clusters hold of them, until they answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::begin::Observed;
use super::copies::{Copies, Memory};
use super::held::Held;
use super::lookback::Beyond;
use crate::clusters::{Error, Inspector, TopicId, TopicPartition};
use crate::config::{self, Start};
use crate::librdkafka::admin::PartitionOffset;
use crate::mirrormaker::{Left, Legacy};
use crate::offset::{Position, SourceOffset, TargetOffset};
use crate::offset_map::{Ends, Past, Recovered, Store};
use crate::pipeline::mark::Committed;
use crate::pipeline::reading::Member;
use crate::pipeline::topic::Plan;

/// Whom to ask, about what.
pub struct Question {
    /// For the committed positions.
    pub member: Arc<Member>,
    /// For each log's start and end.
    pub source: Inspector,
    /// About copies.
    pub target: Inspector,
    /// For reading records once more.
    pub source_cluster: Arc<config::Cluster>,
    /// For reading copies.
    pub target_cluster: Arc<config::Cluster>,
    /// For the offset maps.
    pub store: Store,
    /// For partitions of which nothing is known.
    pub legacy: Option<Legacy>,
    /// What the mirror is to do.
    pub mirror: Arc<config::Mirror>,
    /// The topics of the partitions.
    pub topics: BTreeMap<Arc<str>, Asked>,
    /// Partitions, each with what is known better than by a commit.
    pub partitions: BTreeMap<TopicPartition, Option<Known>>,
}

/// What to know of a topic.
pub struct Asked {
    /// Its names.
    pub names: Arc<Plan>,
    /// How many partitions it has.
    pub partitions: u32,
    /// The topic that bore the name when this process last looked.
    pub last_seen: Option<TopicId>,
}

/// Where a partition goes on that this process had in its hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Everything before it is acknowledged.
    pub position: Option<Position>,
    /// The topic in which it counts.
    pub counted_in: Option<TopicId>,
    /// The copy that was written.
    pub copy_id: Option<TopicId>,
    /// Up to where the map knows the source, where that is not the position.
    pub mapped_to: Option<SourceOffset>,
    /// Where the copy ends by the map.
    pub target_end: Option<TargetOffset>,
}

impl Known {
    /// By what another deployment left: the newest record that surely stands on both sides is where to look from.
    fn imported(left: &Left, next: SourceOffset) -> Self {
        let mut syncs = left.syncs.iter().rev();
        let sync = syncs.find(|(source, _)| *source <= next);
        Self {
            position: Some(Position::at(sync.map_or(next, |(source, _)| *source))),
            counted_in: None,
            copy_id: None,
            mapped_to: None,
            target_end: sync.map(|(_, target)| *target),
        }
    }
}

/// What is known of one partition.
pub struct Seen {
    /// Of its positions, and of the source.
    pub observed: Observed,
    /// Of its copy.
    pub memory: Memory,
}

/// What is known of the partitions asked about.
#[derive(Default)]
pub struct Answer {
    /// Those of which all is known.
    pub observed: Vec<(TopicPartition, Seen)>,
    /// Those of which the source does not tell all at the moment, each with the reason: nobody leads them, they may not be
    /// read.
    pub untold: BTreeMap<TopicPartition, String>,
}

/// What there is for each partition, or why it cannot be told.
pub type Told<T> = BTreeMap<TopicPartition, Result<Option<T>, String>>;

/// What the clusters tell of the logs.
struct Logs {
    topic_ids: BTreeMap<String, TopicId>,
    starts: Told<SourceOffset>,
    ends: Told<SourceOffset>,
    times: Told<SourceOffset>,
}

impl Question {
    /// Asks both clusters.
    ///
    /// # Errors
    ///
    /// When one of them does not answer.
    pub async fn answer(&self) -> Result<Answer, String> {
        let copies = self.copies().await?;
        let held = self.held(&copies).await?;
        let logs = self.logs().await?;
        let mut answer = Answer::default();
        let mut beyond = BTreeMap::new();
        for (at, known) in &self.partitions {
            let imported = self.imported(at, known.as_ref(), &held, &copies).await?;
            match self.seen(at, known.clone(), imported, &held, &logs, &copies) {
                Ok((seen, more)) => {
                    beyond.extend(more.map(|more| (at.clone(), more)));
                    answer.observed.push((at.clone(), seen));
                }
                Err(reason) => {
                    answer.untold.insert(at.clone(), reason);
                }
            }
        }
        let mut found = self.look_back(beyond).await;
        answer
            .observed
            .retain_mut(|(at, seen)| match found.remove(at).transpose() {
                Ok(found) => {
                    seen.memory.found = found;
                    true
                }
                Err(reason) => {
                    answer.untold.insert(at.clone(), reason);
                    false
                }
            });
        for (_, seen) in &mut answer.observed {
            if let Some(Ok(Recovered { to: Some(to), .. })) = &seen.memory.found
                && seen
                    .observed
                    .position
                    .is_none_or(|known| known.offset <= *to)
            {
                seen.observed.position = Some(Position::at(*to));
            }
        }
        Ok(answer)
    }

    /// What another deployment left of a partition of which no group and no map knows anything.
    async fn imported(
        &self,
        at: &TopicPartition,
        known: Option<&Known>,
        held: &Held,
        copies: &Copies,
    ) -> Result<Option<Left>, String> {
        let is_unknown = known.is_none()
            && held.by_any_group(at) == Ok(None)
            && copies.stored(at).is_ok_and(|stored| stored.is_empty());
        match &self.legacy {
            Some(legacy) if is_unknown => legacy.of(at).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Puts together what is known of one partition, and what its copy holds beyond; an error says what is missing.
    fn seen(
        &self,
        at: &TopicPartition,
        known: Option<Known>,
        imported: Option<Left>,
        held: &Held,
        logs: &Logs,
        copies: &Copies,
    ) -> Result<(Seen, Option<Beyond>), String> {
        let ends = Ends {
            source: logs.topic_ids.get(&*at.topic).cloned(),
            target: copies.topic_id(&self.asked(at).names.target_topic),
        };
        let stored = copies.stored(at)?;
        let newest = stored.iter().max_by_key(|one| &one.key);
        let counted_in = newest.and_then(|one| one.ends.source.clone());
        let own = held.committed(at)?.filter(|held| held.mark.is_ours());
        let committed = own.map(|held| held.position.offset);
        let past = Past::of(stored, &ends, committed);
        let left = imported.as_ref().and_then(|left| Some((left, left.next?)));
        let known = match (known, left) {
            (Some(known), _) => known,
            (None, Some((left, next))) => Known::imported(left, next),
            (None, None) => self.known(at, held.by_any_group(at)?, &past, counted_in),
        };
        let target_end = copies.end(at)?;
        let mut observed = self.observed(at, &known, held, logs)?;
        let beyond = beyond(&observed, &known, target_end);
        // What another deployment has written need not stand in step.
        let is_whole = |beyond: &Beyond| left.is_none() || beyond.source == beyond.mapped_to;
        let beyond = beyond.filter(is_whole);
        // Until it is known how much more was written than the other deployment had stored.
        if let Some((_, next)) = left {
            observed.position = Some(Position::at(next));
        }
        let observed = Observed {
            copy_id: ends.target.clone(),
            is_copied: self.mirror.is_only_writer(&at.topic)
                && observed.committed.is_none()
                && target_end > TargetOffset::new(0),
            ..observed
        };
        let is_same_copy = observed.copied_to.is_none() || observed.copied_to == observed.copy_id;
        let known_end = known.target_end.filter(|_| is_same_copy);
        let memory = Memory {
            past,
            ends,
            target_end,
            missing: known_end.map_or(0, |known| known.since(target_end)),
            found: None,
            syncs: imported.map(|left| left.syncs).unwrap_or_default(),
        };
        Ok((Seen { observed, memory }, beyond))
    }

    /// Where a partition goes on by what a group holds and what was stored of its map. The map is ahead of the commits
    /// (I8), unless somebody else has moved the group.
    fn known(
        &self,
        at: &TopicPartition,
        held: Option<Committed>,
        past: &Past,
        counted_in: Option<TopicId>,
    ) -> Known {
        let mapped = past.mirrored_to().map(|offset| Position {
            offset,
            epoch: past.epoch(),
        });
        let is_ours = held.as_ref().is_none_or(|held| held.mark.is_ours());
        let mapped = mapped.filter(|_| is_ours);
        let position = held.as_ref().map(|held| held.position);
        let furthest = |mapped: Position| match position {
            Some(position) if position.offset > mapped.offset => position,
            _ => mapped,
        };
        let last_seen = || self.asked(at).last_seen.clone();
        let by_group = held.as_ref().map(|held| held.mark.topic_id());
        Known {
            copy_id: held.as_ref().and_then(|held| held.mark.copy_id()),
            target_end: mapped.and_then(|_| past.target_end()),
            position: mapped.map(furthest).or(position),
            mapped_to: mapped.map(|mapped| mapped.offset),
            counted_in: by_group.unwrap_or_else(|| counted_in.or_else(last_seen)),
        }
    }

    fn observed(
        &self,
        at: &TopicPartition,
        known: &Known,
        held: &Held,
        logs: &Logs,
    ) -> Result<Observed, String> {
        let asked = self.asked(at);
        let began_with = held.began_with(at).unwrap_or(asked.partitions);
        let bound = |offsets| {
            let offset = of(offsets, at)?;
            offset
                .ok_or_else(|| "the source does not tell where its log begins and ends".to_owned())
        };
        Ok(Observed {
            committed: held.committed(at)?,
            position: known.position,
            counted_in: known.counted_in.clone(),
            copied_to: known.copy_id.clone(),
            copy_id: None,
            topic_id: logs.topic_ids.get(&*at.topic).cloned(),
            log_start: bound(&logs.starts)?,
            log_end: bound(&logs.ends)?,
            at_time: of(&logs.times, at)?,
            began_with,
            is_new: u32::try_from(at.partition).is_ok_and(|number| number >= began_with),
            is_copied: false,
        })
    }

    pub(super) fn asked(&self, at: &TopicPartition) -> &Asked {
        let asked = self.topics.get(&at.topic);
        asked.expect("each partition's topic is here")
    }

    async fn logs(&self) -> Result<Logs, String> {
        let names: Vec<_> = self.topics.keys().map(ToString::to_string).collect();
        let ids = self.source.topic_ids(&names).await;
        let partitions: Vec<_> = self.partitions.keys().cloned().collect();
        let starts = self.source.log_starts(&partitions).await;
        let ends = self
            .source
            .ends_for(self.mirror.isolation, &partitions)
            .await;
        let times = match self.mirror.start {
            Start::At(time) => self.source.offsets_at(&partitions, time).await,
            Start::Earliest | Start::Latest => Ok(Vec::new()),
        };
        Ok(Logs {
            topic_ids: ids.map_err(|error| error.to_string())?,
            starts: told(starts)?,
            ends: told(ends)?,
            times: told(times)?,
        })
    }
}

/// What the copy holds behind its map, of a partition that the source still has from there on, or has deleted a part of.
fn beyond(observed: &Observed, known: &Known, target_end: TargetOffset) -> Option<Beyond> {
    let ids = observed.counted_in.as_ref().zip(observed.topic_id.as_ref());
    let is_same = ids.is_none_or(|(then, now)| then == now);
    let mapped_to = known.mapped_to.or(Some(observed.position?.offset))?;
    let source = mapped_to.max(observed.log_start);
    // Of a log that has nothing left, nothing can be repeated.
    let is_held = mapped_to == source || source < observed.log_end;
    let from = known.target_end.filter(|from| *from < target_end)?;
    (is_same && is_held && mapped_to <= observed.log_end).then_some(Beyond {
        mapped_to,
        source,
        from,
        to: target_end,
    })
}

fn told(offsets: Result<Vec<PartitionOffset>, Error>) -> Result<Told<SourceOffset>, String> {
    let offsets = offsets.map_err(|error| error.to_string())?;
    let offsets = offsets.into_iter().map(|answer| {
        let offset = answer.offset.map(|offset| offset.map(SourceOffset::new));
        (answer.at, offset.map_err(|failure| failure.to_string()))
    });
    Ok(offsets.collect())
}

/// What is told of one partition; none when it was not asked for.
pub fn of<T: Clone>(told: &Told<T>, at: &TopicPartition) -> Result<Option<T>, String> {
    told.get(at).cloned().unwrap_or(Ok(None))
}
