//! Holds the offset map of one source partition: the newest stretches whole, of older ones where they lie.

use std::sync::Arc;

use super::chunk::{Chunk, Ends};
use super::key::{Key, Turn};
use super::past::{Past, Place, Sealed};
use super::run::{self, Run};
use super::witness::Witness;
use crate::clusters::TopicPartition;
use crate::offset::{LeaderEpoch, SourceOffset, TargetOffset};

/// Runs of one chunk before the next one is begun: some 6 KiB, written anew with each commit while it grows.
const SEALED_AT: usize = if cfg!(test) { 8 } else { 2_000 };

/// Sealed chunks whose runs stay in memory, for groups that lag a little.
const KEPT: usize = if cfg!(test) { 1 } else { 4 };

/// What a change of the map is to write: a key with its value, or with none to forget it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record's key.
    pub key: Key,
    /// The record's value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// What was not written yet.
#[derive(Debug)]
pub struct Unsaved {
    /// To be written in this order: what replaces others comes before they are forgotten.
    pub changes: Vec<Change>,
    /// The chunk that was open, where it is among them. While it is written it may grow, be sealed or be given up.
    open: Option<Key>,
    revision: u64,
}

/// Where a source offset stands on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translation {
    /// From here on a reader gets exactly the records at and after the offset.
    Exact(TargetOffset),
    /// A stretch tells that is not in memory: read its record, and ask [`Aside::find`].
    Aside(Aside),
    /// It has not been mirrored yet.
    NotYet {
        /// Up to where it has.
        mirrored_to: SourceOffset,
    },
    /// The map does not know what became of it.
    Unknown {
        /// The next offset of which it does.
        known_from: SourceOffset,
        /// Where what it knows before that ends: from here on a reader gets all records at and after the offset, and maybe
        /// some before it once more. `None` where it knows nothing before.
        at_least: Option<TargetOffset>,
    },
}

/// A stretch that is not in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aside {
    /// Where its record lies.
    pub place: Place,
    /// Up to where it counts; behind it the next stretch does.
    pub to: SourceOffset,
}

impl Aside {
    /// Where the first record at or after `at` stands, by what the record says; `None` when the next stretch tells.
    pub fn find(&self, chunk: &Chunk, at: SourceOffset) -> Option<TargetOffset> {
        find_before(&chunk.runs, at, self.to)
    }
}

fn find_before(runs: &[Run], at: SourceOffset, end: SourceOffset) -> Option<TargetOffset> {
    let first = runs.partition_point(|run| run.source_end() <= at);
    let is_counted = runs.get(first).is_some_and(|run| run.source.max(at) < end);
    is_counted.then(|| run::find(runs, at)).flatten()
}

/// The offset map of one partition, as far as this process knows it.
#[derive(Debug)]
pub struct Map {
    mirror: String,
    at: TopicPartition,
    turn: Turn,
    /// Oldest first.
    sealed: Vec<Sealed>,
    open: Chunk,
    /// Which chunk of this turn the open one is.
    number: u32,
    /// Counts the changes of the open chunk.
    revision: u64,
    saved: Option<u64>,
    /// Sealed by this process and not saved.
    unsaved: Vec<Change>,
    /// To be forgotten once what replaces them is saved.
    obsolete: Vec<Key>,
}

impl Map {
    /// Begins a turn at a partition between `ends`, of which `past` is known: the next record to be mirrored is `from`, and
    /// it will stand at `target_from` or behind.
    ///
    /// The newest stretch is taken over where it ends there, so that a partition in step stays one run through all turns.
    pub fn begin(
        mirror: &str,
        at: TopicPartition,
        past: Past,
        ends: Ends,
        from: SourceOffset,
        target_from: TargetOffset,
    ) -> Self {
        let witness = past.witness().filter(|witness| witness.offset < from);
        let mut map = Self {
            mirror: mirror.to_owned(),
            at,
            turn: Turn::after(past.last_turn),
            sealed: past.stretches,
            open: Chunk {
                witness,
                ..Chunk::new(ends, from, target_from)
            },
            number: 0,
            revision: 1,
            saved: None,
            unsaved: Vec::new(),
            obsolete: past.obsolete,
        };
        map.cut(from);
        if let Some(last) = map.sealed.pop_if(|last| is_open_ended(last, from)) {
            let chunk = last.chunk.expect("it was just looked at");
            let mut chunk = Arc::unwrap_or_clone(chunk);
            chunk.cut(from);
            map.open = Chunk {
                ends: map.open.ends,
                ..chunk
            };
            map.obsolete.push(last.key);
        }
        map.put_aside();
        map
    }

    /// Goes on in a turn of its own after `last`: what this process knows is newer than what was stored.
    pub fn take_turn(&mut self, last: Option<Turn>) {
        self.obsolete.push(self.key());
        self.turn = Turn::after(last.max(Some(self.turn)));
        self.number = 0;
        // What is being written of it goes to the turn before.
        self.revision += 1;
        self.saved = None;
    }

    /// Goes on at `from`: what is known of records behind it does not hold any more, or there are none up to there.
    pub fn go_on(&mut self, from: SourceOffset) {
        if from < self.open.from {
            let target_end = self.open.target_end();
            self.begin_anew(from, from, target_end);
        } else if from < self.open.to {
            self.open.cut(from);
        }
        self.open.to = from;
        self.revision += 1;
    }

    /// Begins anew between other topics.
    pub fn begin_between(&mut self, ends: Ends, from: SourceOffset, target_from: TargetOffset) {
        self.begin_anew(SourceOffset::new(0), from, target_from);
        self.open.ends = ends;
    }

    /// Leaves open what became of the records up to `from`, and goes on there.
    pub fn leave_unknown(&mut self, from: SourceOffset, target_from: TargetOffset) {
        match self.open.runs.is_empty() {
            true => self.obsolete.push(self.key()),
            false => self.seal(),
        }
        self.number += 1;
        self.revision += 1;
        self.open = Chunk::new(self.open.ends.clone(), from, target_from);
    }

    /// Between which topics it maps.
    pub fn ends(&self) -> &Ends {
        &self.open.ends
    }

    /// Forgets what lies at or after `end`, but for the open stretch.
    fn cut(&mut self, end: SourceOffset) {
        while let Some(last) = self.sealed.pop_if(|last| last.from >= end) {
            self.obsolete.push(last.key);
        }
        if let Some(last) = self.sealed.last_mut() {
            last.cut(end);
        }
    }

    /// Notes where records stand that were acknowledged, and which leader wrote them. Records that were mirrored before
    /// stand twice on the target, they and all behind them: the later copies count.
    pub fn record(&mut self, run: Run, epoch: Option<LeaderEpoch>) {
        if run.target < self.open.target_end() {
            // The copy was cut back, or created anew: nothing of before is there.
            self.begin_anew(SourceOffset::new(0), run.source, run.target);
        } else if run.source < self.open.from {
            self.begin_anew(run.source, run.source, run.target);
        } else if run.source < self.open.to {
            self.open.cut(run.source);
        }
        self.open.push(run);
        // Of records that were found, not sent, it is not known: an older one would tell of a log that was cut back there.
        self.open.epoch = epoch;
        self.revision += 1;
        if self.open.runs.len() >= SEALED_AT {
            self.seal();
        }
    }

    /// Notes by which record the source's log is known again: one that was read, before [`Map::mirrored_to`].
    pub fn see(&mut self, witness: Witness) {
        debug_assert!(witness.offset < self.open.to, "{witness:?} is ahead");
        self.open.witness = Some(witness);
        self.revision += 1;
    }

    /// Notes that no record is left to mirror before `to`.
    pub fn reach(&mut self, to: SourceOffset) {
        if to > self.open.to {
            self.open.to = to;
            self.open.epoch = None;
            self.revision += 1;
        }
    }

    /// Forgets everything from `end` on, and begins a stretch.
    fn begin_anew(&mut self, end: SourceOffset, from: SourceOffset, target_from: TargetOffset) {
        self.cut(end);
        self.obsolete.push(self.key());
        self.number += 1;
        self.revision += 1;
        self.open = Chunk::new(self.open.ends.clone(), from, target_from);
    }

    fn key(&self) -> Key {
        Key {
            mirror: self.mirror.clone(),
            at: self.at.clone(),
            turn: self.turn,
            number: self.number,
        }
    }

    fn seal(&mut self) {
        let key = self.key();
        let next = Chunk {
            epoch: self.open.epoch,
            witness: self.open.witness,
            ..Chunk::new(self.open.ends.clone(), self.open.to, self.open.target_end())
        };
        let chunk = std::mem::replace(&mut self.open, next);
        self.number += 1;
        self.unsaved.push(Change {
            key: key.clone(),
            value: Some(chunk.write()),
        });
        self.sealed.push(Sealed {
            key,
            from: chunk.from,
            to: chunk.to,
            target_from: chunk.target_from,
            target_end: chunk.target_end(),
            place: None,
            chunk: Some(Arc::new(chunk)),
        });
    }

    /// What has to be written before a position up to [`Map::mirrored_to`] may be committed (I8); `None` when all is.
    pub fn unsaved(&self) -> Option<Unsaved> {
        let mut changes = self.unsaved.clone();
        let open = (self.saved != Some(self.revision)).then(|| self.key());
        changes.extend(open.clone().map(|key| Change {
            key,
            value: Some(self.open.write()),
        }));
        if changes.is_empty() {
            return None;
        }
        let obsolete = self.obsolete.iter().cloned();
        changes.extend(obsolete.map(|key| Change { key, value: None }));
        Some(Unsaved {
            changes,
            open,
            revision: self.revision,
        })
    }

    /// Notes that `unsaved` was written, each change where `places` says. What was written of the open chunk is not what it
    /// has been sealed with since.
    pub fn saved(&mut self, unsaved: &Unsaved, places: &[Place]) {
        self.saved = self.saved.max(Some(unsaved.revision));
        let changes = unsaved.changes.iter().zip(places);
        let changes = changes.filter(|(change, _)| unsaved.open.as_ref() != Some(&change.key));
        for (change, place) in changes {
            let key = &change.key;
            if change.value.is_none() {
                self.obsolete.retain(|obsolete| obsolete != key);
                continue;
            }
            self.unsaved.retain(|waiting| waiting.key != *key);
            let mut sealed = self.sealed.iter_mut();
            if let Some(one) = sealed.find(|one| one.key == *key) {
                // The last record of a key outlives the others.
                one.place = one.place.max(Some(*place));
            }
        }
        self.put_aside();
    }

    /// Lets go of the runs of old stretches, as far as their records can be read again.
    fn put_aside(&mut self) {
        let old = self.sealed.len().saturating_sub(KEPT);
        for sealed in &mut self.sealed[..old] {
            if sealed.place.is_some() {
                sealed.chunk = None;
            }
        }
    }

    /// Forgets stretches of which the source holds nothing any more.
    pub fn forget_before(&mut self, log_start: SourceOffset) {
        let gone = self.sealed.partition_point(|sealed| sealed.to <= log_start);
        let gone = self.sealed.drain(..gone);
        self.obsolete.extend(gone.map(|sealed| sealed.key));
    }

    /// Whether there are stretches that may be forgotten some day.
    pub fn has_old_stretches(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// Up to where everything is mirrored.
    pub fn mirrored_to(&self) -> SourceOffset {
        self.open.to
    }

    /// The target offset after the last record that is mirrored.
    pub fn target_end(&self) -> TargetOffset {
        self.open.target_end()
    }

    /// The newest record by which the source's log is known again, as far as it is known.
    pub fn witness(&self) -> Option<Witness> {
        self.open.witness
    }

    /// The newest record that stands on both sides, where it is known.
    pub fn newest(&self) -> Option<(SourceOffset, TargetOffset)> {
        let open = self.open.runs.last().copied();
        let newest = open.or_else(|| {
            let sealed = self.sealed.last()?;
            let mut runs = sealed.chunk.as_ref()?.runs.iter().rev();
            runs.find_map(|run| run.before(sealed.to))
        })?;
        let behind = newest.length - 1;
        Some((newest.source.plus(behind), newest.target.plus(behind)))
    }

    /// Where a group goes on that reads `at` next on the source.
    pub fn translate(&self, mut at: SourceOffset) -> Translation {
        if at > self.open.to {
            let mirrored_to = self.open.to;
            return Translation::NotYet { mirrored_to };
        }
        let first = self.sealed.partition_point(|sealed| sealed.to <= at);
        for sealed in &self.sealed[first..] {
            let (known_from, to) = (sealed.from, sealed.to);
            let found = match (&sealed.chunk, sealed.place) {
                _ if at < known_from => return self.unknown(known_from, sealed.target_from),
                (Some(chunk), _) => find_before(&chunk.runs, at, to),
                (None, Some(place)) => return Translation::Aside(Aside { place, to }),
                (None, None) => unreachable!("a stretch is in memory until its place is known"),
            };
            match found {
                Some(target) => return Translation::Exact(target),
                None => at = to,
            }
        }
        match at < self.open.from {
            true => self.unknown(self.open.from, self.open.target_from),
            false => {
                let found = run::find(&self.open.runs, at);
                Translation::Exact(found.unwrap_or_else(|| self.open.target_end()))
            }
        }
    }

    /// What is known of offsets in the hole before the stretch that begins there on both sides. Whoever filled the hole wrote
    /// in order: its records stand behind the stretch before it.
    fn unknown(&self, known_from: SourceOffset, target_from: TargetOffset) -> Translation {
        let before = self.sealed.iter().rev();
        let before = before
            .skip_while(|sealed| sealed.from >= known_from)
            .map(|sealed| sealed.target_end)
            .next();
        Translation::Unknown {
            known_from,
            // A copy that was cut back meanwhile does not hold what is known of it.
            at_least: before.filter(|end| *end <= target_from),
        }
    }
}

/// Whether a stretch that was stored goes on at `from`, and has room.
fn is_open_ended(last: &Sealed, from: SourceOffset) -> bool {
    let chunk = last.chunk.as_ref();
    last.to == from && chunk.is_some_and(|chunk| chunk.runs.len() < SEALED_AT)
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;

#[cfg(test)]
#[path = "hole_tests.rs"]
mod hole_tests;
