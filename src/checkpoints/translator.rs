//! Translates offsets of the source, many at once, by the maps of their partitions.
//!
//! Most are told by what is in memory. Of old stretches only the record does: each record that several offsets need is
//! read once. An offset below the source's log start is translated from there, since the records before it are gone for
//! the group on the source, too. One below the target's log start is never told: a group that is put there is out of range,
//! and its `auto.offset.reset` may take it to the end, past all that is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::chunks::Chunks;
use crate::clusters::{Inspector, TopicPartition};
use crate::offset::{SourceOffset, TargetOffset};
use crate::offset_map::{Archive, Aside, Chunk, Place, Registered, Translation};

/// The maps that offsets are translated by, by source partition.
pub type Maps = BTreeMap<TopicPartition, Registered>;

/// What became of an offset of the source on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Translated {
    /// From here on a reader gets exactly the records at and after the offset.
    Exact(TargetOffset),
    /// It has not been mirrored yet.
    NotYet {
        /// Up to where it has.
        mirrored_to: SourceOffset,
    },
    /// Nobody knows what became of it.
    Unknown {
        /// The next offset of which that is known.
        known_from: SourceOffset,
        /// From here on a reader misses none of the records at and after the offset, and gets some before it again; `None`
        /// where no offset is surely before all that the group has not read (I5).
        at_least: Option<TargetOffset>,
    },
    /// The target has deleted records that the source may hold still and that a reader of the offset would have got.
    Deleted {
        /// Where the copy's log begins now: from here on a reader misses none of those that are left.
        log_start: TargetOffset,
        /// From where on it would have got all of them.
        wanted: TargetOffset,
    },
    /// It could not be found out now, for this reason.
    Failed(String),
}

impl Translated {
    /// Where a group goes on, exact or not.
    pub(super) fn place(&self) -> Option<TargetOffset> {
        match self {
            Self::Exact(target) => Some(*target),
            Self::Unknown { at_least, .. } => *at_least,
            Self::Deleted { log_start, .. } => Some(*log_start),
            Self::NotYet { .. } | Self::Failed(_) => None,
        }
    }
}

/// Translates offsets of one mirror. What it has read stays for the next time, within a bound.
pub struct Translator {
    source: Inspector,
    target: Inspector,
    archive: Archive,
    chunks: Chunks,
}

/// One offset on its way.
struct Asked<'a> {
    registered: Option<&'a Registered>,
    at: &'a TopicPartition,
    offset: SourceOffset,
    answer: Option<Translated>,
}

impl Asked<'_> {
    /// What the map says; `None` when there is none any more.
    fn translate(&self) -> Option<Translation> {
        let map = self.registered?.map.lock();
        Some(map.translate(self.offset))
    }

    /// Whether all that is mirrored lies before it: what the target deletes is others', or was read.
    fn is_level(&self) -> bool {
        let map = self.registered.map(|registered| registered.map.lock());
        map.is_some_and(|map| map.mirrored_to() <= self.offset)
    }

    /// The copy that the answer is about, and the answer; `None` when there is none.
    fn place(&self) -> Option<(TopicPartition, TargetOffset)> {
        let target = self.answer.as_ref()?.place()?;
        let copy = Arc::clone(&self.registered?.target_topic);
        Some((TopicPartition::new(copy, self.at.partition), target))
    }
}

/// Where logs begin, or why that is not known.
type Starts = HashMap<TopicPartition, Result<i64, String>>;

impl Translator {
    /// By old stretches of maps in `archive`, and log starts of `source` and `target`.
    pub fn new(source: Inspector, target: Inspector, archive: Archive) -> Self {
        Self {
            source,
            target,
            archive,
            chunks: Chunks::default(),
        }
    }

    /// Translates; answers in the order of `offsets`.
    pub async fn translate(
        &mut self,
        maps: &Maps,
        offsets: &[(TopicPartition, SourceOffset)],
    ) -> Vec<Translated> {
        let asked = offsets.iter().map(|(at, offset)| Asked {
            registered: maps.get(at),
            at,
            offset: *offset,
            answer: None,
        });
        let mut asked: Vec<_> = asked.collect();
        let mut unknown = Vec::new();
        let all = (0..asked.len()).collect();
        self.ask_maps(&mut asked, all, &mut unknown).await;
        let moved = self.move_to_log_starts(&mut asked, &unknown).await;
        self.ask_maps(&mut asked, moved, &mut Vec::new()).await;
        self.heed_target_starts(&mut asked).await;
        let answers = asked.into_iter().map(|one| one.answer);
        let absent =
            || Translated::Failed("the partition is not copied by this process".to_owned());
        answers
            .map(|answer| answer.unwrap_or_else(absent))
            .collect()
    }

    /// Answers those at `places`; the map of those that go into `unknown` does not tell.
    async fn ask_maps(
        &mut self,
        asked: &mut [Asked<'_>],
        mut places: Vec<usize>,
        unknown: &mut Vec<usize>,
    ) {
        while !places.is_empty() {
            let mut asides: BTreeMap<Place, Vec<(usize, Aside)>> = BTreeMap::new();
            for index in places.drain(..) {
                let one = &mut asked[index];
                one.answer = match one.translate() {
                    None => continue,
                    Some(Translation::Exact(target)) => Some(Translated::Exact(target)),
                    Some(Translation::NotYet { mirrored_to }) => {
                        Some(Translated::NotYet { mirrored_to })
                    }
                    Some(Translation::Unknown {
                        known_from,
                        at_least,
                    }) => {
                        unknown.push(index);
                        Some(Translated::Unknown {
                            known_from,
                            at_least,
                        })
                    }
                    Some(Translation::Aside(aside)) => {
                        asides.entry(aside.place).or_default().push((index, aside));
                        None
                    }
                };
            }
            for (place, those) in asides {
                let chunk = self.chunks.read(&self.archive, place).await;
                let next = those
                    .into_iter()
                    .filter(|(index, aside)| look_up(&mut asked[*index], aside, &chunk));
                places.extend(next.map(|(index, _)| index));
            }
        }
    }

    /// Tells those for which the target's log begins too late, once the source's log start does not bring them there: with
    /// the same retention on both sides, a group loses nothing that it could read on the source.
    async fn heed_target_starts(&mut self, asked: &mut [Asked<'_>]) {
        let copies = asked.iter().filter_map(Asked::place);
        let starts = log_starts(&self.target, copies.map(|(copy, _)| copy)).await;
        let below = mark_deleted(asked, &starts);
        let moved = self.move_to_log_starts(asked, &below).await;
        self.ask_maps(asked, moved, &mut Vec::new()).await;
        mark_deleted(asked, &starts);
    }

    /// Moves those to their log starts that lie below; answers which.
    async fn move_to_log_starts(&self, asked: &mut [Asked<'_>], places: &[usize]) -> Vec<usize> {
        let partitions = places.iter().map(|index| asked[*index].at.clone());
        let starts = log_starts(&self.source, partitions).await;
        let mut moved = Vec::new();
        for index in places {
            let one = &mut asked[*index];
            let start = starts.get(one.at).and_then(|start| start.as_ref().ok());
            let start = start.copied().map(SourceOffset::new);
            if let Some(start) = start.filter(|start| *start > one.offset) {
                one.offset = start;
                moved.push(*index);
            }
        }
        moved
    }
}

/// Where the logs of `partitions` begin.
async fn log_starts(
    cluster: &Inspector,
    partitions: impl Iterator<Item = TopicPartition>,
) -> Starts {
    let partitions: BTreeSet<_> = partitions.collect();
    let partitions: Vec<_> = partitions.into_iter().collect();
    if partitions.is_empty() {
        return Starts::new();
    }
    let starts = cluster.log_starts(&partitions).await;
    let starts = starts.map_err(|error| error.to_string());
    let told = match starts {
        Ok(starts) => starts.into_iter().map(|start| {
            let offset = start.offset.map_err(|failure| failure.to_string());
            let offset = offset.and_then(|offset| offset.ok_or_else(|| "none".to_owned()));
            (start.at, offset)
        }),
        Err(why) => {
            let unknown = partitions.into_iter().map(|at| (at, Err(why.clone())));
            return unknown.collect();
        }
    };
    told.collect()
}

/// Marks answers that lie before the logs begin; answers which.
fn mark_deleted(asked: &mut [Asked<'_>], starts: &Starts) -> Vec<usize> {
    let mut deleted = Vec::new();
    for (index, one) in asked.iter_mut().enumerate() {
        let Some((copy, wanted)) = one.place() else {
            continue;
        };
        match starts.get(&copy) {
            Some(Ok(start)) if wanted.get() < *start => {
                let log_start = TargetOffset::new(*start);
                if one.is_level() {
                    one.answer = Some(Translated::Exact(log_start));
                    continue;
                }
                one.answer = Some(Translated::Deleted { log_start, wanted });
                deleted.push(index);
            }
            Some(Err(why)) => {
                let why =
                    format!("where the log of {copy} begins on the target is not known: {why}");
                one.answer = Some(Translated::Failed(why));
            }
            _ => {}
        }
    }
    deleted
}

/// Looks an offset up in a chunk; answers whether the next stretch has to be asked.
fn look_up(one: &mut Asked<'_>, aside: &Aside, chunk: &Result<Chunk, String>) -> bool {
    match chunk {
        Ok(chunk) => match aside.find(chunk, one.offset) {
            Some(target) => one.answer = Some(Translated::Exact(target)),
            None => {
                one.offset = aside.to;
                return true;
            }
        },
        Err(reason) => one.answer = Some(Translated::Failed(reason.clone())),
    }
    false
}
