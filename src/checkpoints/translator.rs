//! Translates offsets of the source, many at once, by the maps of their partitions.
//!
//! Most are told by what is in memory. Of old stretches only the record does: each record that several offsets need is
//! read once. An offset below the source's log start is translated from there, since the records before it are gone for
//! the group on the source, too.

use std::collections::{BTreeMap, HashMap};

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
    /// It could not be found out now, for this reason.
    Failed(String),
}

/// Translates offsets of one mirror. What it has read stays for the next time, within a bound.
pub struct Translator {
    source: Inspector,
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
}

impl Translator {
    /// By old stretches of maps in `archive`, and log starts of `source`.
    pub fn new(source: Inspector, archive: Archive) -> Self {
        Self {
            source,
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

    /// Moves those to their log starts that lie below; answers which.
    async fn move_to_log_starts(&self, asked: &mut [Asked<'_>], unknown: &[usize]) -> Vec<usize> {
        let mut partitions: Vec<_> = unknown
            .iter()
            .map(|index| asked[*index].at.clone())
            .collect();
        partitions.sort();
        partitions.dedup();
        if partitions.is_empty() {
            return Vec::new();
        }
        let starts = match self.source.log_starts(&partitions).await {
            Ok(starts) => starts.into_iter(),
            Err(error) => {
                tracing::debug!(%error, "log starts cannot be read");
                return Vec::new();
            }
        };
        let starts = starts.filter_map(|start| Some((start.at, start.offset.ok()??)));
        let starts: HashMap<_, _> = starts.collect();
        let mut moved = Vec::new();
        for index in unknown {
            let one = &mut asked[*index];
            let start = starts.get(one.at).copied().map(SourceOffset::new);
            if let Some(start) = start.filter(|start| *start > one.offset) {
                one.offset = start;
                moved.push(*index);
            }
        }
        moved
    }
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
