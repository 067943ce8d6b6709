//! Puts together what is stored of a partition's offset map: which of its chunks count, and up to where.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chunk::{Chunk, Ends};
use super::key::{Key, Turn};
use super::witness::Witness;
use crate::offset::{LeaderEpoch, SourceOffset, TargetOffset};

/// Where a record of the map's topic lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Partition of the topic.
    pub partition: i32,
    /// Offset of the record.
    pub offset: i64,
}

/// A chunk as it was read.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The key of its record.
    pub key: Key,
    /// Where the record lies.
    pub place: Place,
    /// Between which topics.
    pub ends: Ends,
    /// Where it begins on the source.
    pub from: SourceOffset,
    /// Up to where it tells everything.
    pub to: SourceOffset,
    /// Where it begins on the target.
    pub target_from: TargetOffset,
    /// Where it ends on the target.
    pub target_end: TargetOffset,
    /// What it says; of old ones only the record does.
    pub chunk: Option<Arc<Chunk>>,
}

impl Stored {
    /// The chunk of the record with that key, which lies there.
    pub fn new(key: Key, place: Place, chunk: Chunk) -> Self {
        Self {
            key,
            place,
            ends: chunk.ends.clone(),
            from: chunk.from,
            to: chunk.to,
            target_from: chunk.target_from,
            target_end: chunk.target_end(),
            chunk: Some(Arc::new(chunk)),
        }
    }
}

/// A stretch that does not grow any more.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) key: Key,
    pub(super) from: SourceOffset,
    /// Up to where it counts: a later stretch may begin before its own end.
    pub(super) to: SourceOffset,
    pub(super) target_from: TargetOffset,
    /// Where what counts of it ends on the target, or before.
    pub(super) target_end: TargetOffset,
    /// Where its record lies, once it is known.
    pub(super) place: Option<Place>,
    /// What it says; of old ones only the record does.
    pub(super) chunk: Option<Arc<Chunk>>,
}

impl Sealed {
    /// Makes it count up to `end` only.
    pub(super) fn cut(&mut self, end: SourceOffset) {
        if end < self.to {
            self.to = end;
            let chunk = self.chunk.as_ref();
            self.target_end = chunk.map_or(self.target_from, |chunk| chunk.target_end_before(end));
        }
    }
}

/// What was stored of a partition's map, before a turn begins.
#[derive(Debug, Clone, Default)]
pub struct Past {
    pub(super) stretches: Vec<Sealed>,
    pub(super) last_turn: Option<Turn>,
    pub(super) obsolete: Vec<Key>,
}

impl Past {
    /// Puts together what is stored of a map between `ends`, of a partition that the mirror has `committed` up to there. A later
    /// chunk counts for everything behind its beginning; what was said of other topics of these names does not count, nor
    /// what a process said that had lost the partition.
    pub fn of(mut stored: Vec<Stored>, ends: &Ends, committed: Option<SourceOffset>) -> Self {
        stored.sort_by(|one, other| one.key.cmp(&other.key));
        let owner = owner(&stored, ends, committed);
        let mut past = Self {
            last_turn: stored.last().map(|last| last.key.turn),
            ..Self::default()
        };
        for one in stored {
            if one.ends.differ_from(ends) || owner.is_some_and(|owner| one.key.turn > owner) {
                past.obsolete.push(one.key);
                continue;
            }
            past.cut(one.from);
            // The copy was cut back, or created anew: nothing of before is there.
            if past.target_end() > Some(one.target_from) {
                past.cut(SourceOffset::new(0));
            }
            past.stretches.push(Sealed {
                key: one.key,
                from: one.from,
                to: one.to,
                target_from: one.target_from,
                target_end: one.target_end,
                place: Some(one.place),
                chunk: one.chunk,
            });
        }
        past
    }

    /// Who had the last turn.
    pub fn last_turn(&self) -> Option<Turn> {
        self.last_turn
    }

    /// Up to where records are known to be mirrored.
    pub fn mirrored_to(&self) -> Option<SourceOffset> {
        self.stretches.last().map(|last| last.to)
    }

    /// Where the next record was to be written on the target.
    pub fn target_end(&self) -> Option<TargetOffset> {
        let last = self.stretches.last()?;
        last.chunk.as_ref().map(|_| last.target_end)
    }

    /// Epoch of the leader that wrote the newest record that is mirrored.
    pub fn epoch(&self) -> Option<LeaderEpoch> {
        self.stretches.last()?.chunk.as_ref()?.epoch
    }

    /// The newest record by which the source's log is known again.
    pub(super) fn witness(&self) -> Option<Witness> {
        self.stretches.last()?.chunk.as_ref()?.witness
    }

    /// Which topics it is about.
    pub fn ends(&self) -> Option<&Ends> {
        Some(&self.stretches.last()?.chunk.as_ref()?.ends)
    }

    /// Forgets what lies at or after `end`.
    fn cut(&mut self, end: SourceOffset) {
        while let Some(last) = self.stretches.pop_if(|last| last.from >= end) {
            self.obsolete.push(last.key);
        }
        if let Some(last) = self.stretches.last_mut() {
            last.cut(end);
        }
    }
}

/// Who had the last turn that counts, where that is known: who commits has a map that reaches as far (I8). A later turn that
/// does not was taken by a process that had lost the partition, and was told so late, or whose write came late.
fn owner(stored: &[Stored], ends: &Ends, committed: Option<SourceOffset>) -> Option<Turn> {
    let committed = committed?;
    let here = stored.iter().filter(|one| !one.ends.differ_from(ends));
    // Of each turn the last chunk tells how far it came.
    let reached: BTreeMap<Turn, SourceOffset> = here.map(|one| (one.key.turn, one.to)).collect();
    let mut newest_first = reached.into_iter().rev();
    let reaches = newest_first.find(|(_, to)| *to >= committed);
    reaches.map(|(turn, _)| turn)
}
