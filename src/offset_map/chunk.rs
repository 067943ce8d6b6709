//! Holds one stretch of a partition's offset map, and writes and reads it as the value of a record.
//!
//! A value begins with its version, a big-endian INT16. Version 2 goes on with, each integer a varint (LEB128) of the
//! difference to what is already known, so that a run takes three bytes where little differs:
//!
//! - the ids of the source and of the target topic, each a length and UTF-8; empty where it is not known;
//! - the leader epoch of the newest record, plus one; 0 where it is not known;
//! - where the stretch begins and how far it reaches on the source, and where it begins on the target;
//! - how far before that reach the witness stands, and its digest, a big-endian UINT32; 0 and nothing where there is none;
//! - the number of runs; of each run the source offsets left out before it, the target offsets left out before it, and
//!   its length.
//!
//! Version 1 is the same without a witness; it is read and not written any more.

use crate::clusters::TopicId;
use crate::offset::{LeaderEpoch, SourceOffset, TargetOffset};

use super::run::Run;
use super::witness::Witness;

/// What is written.
const VERSION: i16 = 2;

/// What was written before, without witnesses.
const WITHOUT_WITNESS: i16 = 1;

/// Between which two topics offsets are mapped: a topic that is created anew counts anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// The source topic; `None` where the source tells no ids.
    pub source: Option<TopicId>,
    /// The target topic; `None` where the target tells no ids.
    pub target: Option<TopicId>,
}

impl Ends {
    /// Whether these are other topics than `now`. An id that is not known is no other one.
    pub fn differ_from(&self, now: &Self) -> bool {
        let differ = |then: &Option<TopicId>, now: &Option<TopicId>| {
            then.as_ref()
                .zip(now.as_ref())
                .is_some_and(|(then, now)| then != now)
        };
        differ(&self.source, &now.source) || differ(&self.target, &now.target)
    }
}

/// What became of the records of one stretch of a source partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Between which topics.
    pub ends: Ends,
    /// Epoch of the leader that wrote the newest record, where the source tells (KIP-320).
    pub epoch: Option<LeaderEpoch>,
    /// The newest record by which the source's log is known again: before `to`, in this stretch or an earlier one.
    pub witness: Option<Witness>,
    /// Where the stretch begins on the source.
    pub from: SourceOffset,
    /// Up to where everything is known: what no run holds is not on the target.
    pub to: SourceOffset,
    /// Where the stretch begins on the target: its records stand there or behind.
    pub target_from: TargetOffset,
    /// Where its records stand, ascending on both sides.
    pub runs: Vec<Run>,
}

/// Why a value is no chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer kmirror wrote it.
    #[error("it has version {0}, which this kmirror does not know: upgrade it")]
    Version(i16),
    /// It ends too early, or does not fit together.
    #[error("it is damaged")]
    Damaged,
}

impl Chunk {
    /// A stretch that begins there and is empty so far.
    pub const fn new(ends: Ends, from: SourceOffset, target_from: TargetOffset) -> Self {
        Self {
            ends,
            epoch: None,
            witness: None,
            from,
            to: from,
            target_from,
            runs: Vec::new(),
        }
    }

    /// The target offset after the last record.
    pub fn target_end(&self) -> TargetOffset {
        self.runs.last().map_or(self.target_from, Run::target_end)
    }

    /// The target offset after the last record that lies before `end` on the source.
    pub fn target_end_before(&self, end: SourceOffset) -> TargetOffset {
        let mut counted = self.runs.iter().rev().filter_map(|run| run.before(end));
        counted
            .next()
            .map_or(self.target_from, |run| run.target_end())
    }

    /// Takes in where records stand that follow all others.
    pub fn push(&mut self, run: Run) {
        self.to = self.to.max(run.source_end());
        let joined = self.runs.last_mut().is_some_and(|last| last.extend(&run));
        if !joined {
            self.runs.push(run);
        }
    }

    /// Forgets what lies at or after `end`.
    pub fn cut(&mut self, end: SourceOffset) {
        self.to = self.to.min(end);
        self.witness = self.witness.filter(|witness| witness.offset < end);
        while let Some(last) = self.runs.pop() {
            if let Some(rest) = last.before(end) {
                self.runs.push(rest);
                break;
            }
        }
    }

    /// The value of its record.
    pub fn write(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(64 + 4 * self.runs.len());
        value.extend(VERSION.to_be_bytes());
        for id in [&self.ends.source, &self.ends.target] {
            let id = id.as_ref().map_or("", TopicId::as_str);
            write_varint(&mut value, id.len() as u64);
            value.extend(id.as_bytes());
        }
        let epoch = self
            .epoch
            .map_or(0, |epoch| epoch.get().unsigned_abs().into());
        let known = u64::from(self.epoch.is_some());
        write_varint(&mut value, epoch + known);
        write_varint(&mut value, self.from.get().unsigned_abs());
        write_varint(&mut value, self.to.since(self.from));
        write_varint(&mut value, self.target_from.get().unsigned_abs());
        match self.witness {
            Some(Witness { offset, digest }) => {
                write_varint(&mut value, self.to.since(offset));
                value.extend(digest.to_be_bytes());
            }
            None => write_varint(&mut value, 0),
        }
        write_varint(&mut value, self.runs.len() as u64);
        let (mut source, mut target) = (self.from, self.target_from);
        for run in &self.runs {
            write_varint(&mut value, run.source.since(source));
            write_varint(&mut value, run.target.since(target));
            write_varint(&mut value, run.length);
            (source, target) = (run.source_end(), run.target_end());
        }
        value
    }

    /// Reads the value of a record.
    ///
    /// # Errors
    ///
    /// When it is of another version, or no whole chunk.
    pub fn read(value: &[u8]) -> Result<Self, Unreadable> {
        let (version, rest) = value.split_first_chunk().ok_or(Unreadable::Damaged)?;
        let has_witness = match i16::from_be_bytes(*version) {
            VERSION => true,
            WITHOUT_WITNESS => false,
            other => return Err(Unreadable::Version(other)),
        };
        Reader(rest).chunk(has_witness).ok_or(Unreadable::Damaged)
    }
}

fn write_varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// What is left of a value. Everything it hands out is `None` where the value ends too early or does not make sense.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn chunk(mut self, has_witness: bool) -> Option<Chunk> {
        let ends = Ends {
            source: self.topic_id()?,
            target: self.topic_id()?,
        };
        let epoch = self.varint()?;
        let epoch = epoch.checked_sub(1).map(i32::try_from).transpose().ok()?;
        let from = SourceOffset::new(self.offset()?);
        let reach = self.offset()?;
        let to = SourceOffset::new(from.get().checked_add(reach)?);
        let target_from = TargetOffset::new(self.offset()?);
        let witness = match has_witness {
            true => self.witness(to)?,
            false => None,
        };
        let count = self.varint()?;
        let mut chunk = Chunk {
            epoch: epoch.and_then(LeaderEpoch::known),
            witness,
            to,
            ..Chunk::new(ends, from, target_from)
        };
        let (mut source, mut target) = (from.get(), target_from.get());
        for _ in 0..count {
            source = source.checked_add(self.offset()?)?;
            target = target.checked_add(self.offset()?)?;
            let length = self.offset().filter(|length| *length > 0)?;
            chunk.runs.push(Run {
                source: SourceOffset::new(source),
                target: TargetOffset::new(target),
                length: length.unsigned_abs(),
            });
            source = source.checked_add(length)?;
            target = target.checked_add(length)?;
        }
        let is_whole = self.0.is_empty() && source <= to.get();
        is_whole.then_some(chunk)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number that fits an offset.
    fn offset(&mut self) -> Option<i64> {
        i64::try_from(self.varint()?).ok()
    }

    fn witness(&mut self, to: SourceOffset) -> Option<Option<Witness>> {
        let before = self.offset()?;
        if before == 0 {
            return Some(None);
        }
        let offset = to.get().checked_sub(before).filter(|offset| *offset >= 0)?;
        let (digest, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(Some(Witness {
            offset: SourceOffset::new(offset),
            digest: u32::from_be_bytes(*digest),
        }))
    }

    fn topic_id(&mut self) -> Option<Option<TopicId>> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (id, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let id = std::str::from_utf8(id).ok()?;
        Some((!id.is_empty()).then(|| TopicId::new(id)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs by what lies between them: source offsets left out, target offsets left out, length.
    fn chunk(from: i64, steps: &[(u64, u64, u64)], behind: u64) -> Chunk {
        let from = SourceOffset::new(from);
        let mut chunk = Chunk::new(Ends::default(), from, TargetOffset::new(7));
        let (mut source, mut target) = (from, chunk.target_from);
        for (source_gap, target_gap, length) in steps {
            let run = Run {
                source: source.plus(*source_gap),
                target: target.plus(*target_gap),
                length: *length,
            };
            chunk.push(run);
            (source, target) = (run.source_end(), run.target_end());
        }
        chunk.to = source.plus(behind);
        chunk
    }

    fn any_chunk() -> impl Strategy<Value = Chunk> {
        let steps = prop::collection::vec((0..9_u64, 0..9_u64, 1..99_u64), 0..40);
        let id = || prop::option::of("[A-Za-z0-9_-]{22}").prop_map(|id| id.map(TopicId::new));
        let ends = (id(), id()).prop_map(|(source, target)| Ends { source, target });
        let witness = prop::option::of((1..99_i64, any::<u32>()));
        (
            0..i64::from(u32::MAX),
            steps,
            0..9_u64,
            -1..9,
            witness,
            ends,
        )
            .prop_map(|(from, steps, behind, epoch, witness, ends)| {
                let chunk = chunk(from, &steps, behind);
                let witness = witness.map(|(before, digest)| Witness {
                    offset: SourceOffset::new(chunk.to.get() - before),
                    digest,
                });
                Chunk {
                    ends,
                    epoch: LeaderEpoch::known(epoch),
                    witness: witness.filter(|witness| witness.offset >= SourceOffset::new(0)),
                    ..chunk
                }
            })
    }

    #[test]
    fn a_run_between_markers_takes_three_bytes() {
        let few = chunk(0, &[(0, 0, 10); 1], 1).write().len();
        let many = chunk(0, &[(1, 0, 10); 1_001], 1).write().len();
        assert!(many - few <= 3_000 + 4, "{}", many - few);
    }

    #[test]
    fn records_in_step_are_one_run() {
        let mut one = Chunk::new(Ends::default(), SourceOffset::new(0), TargetOffset::new(7));
        for offset in 0..1_000 {
            one.push(Run {
                source: SourceOffset::new(offset),
                target: TargetOffset::new(offset + 7),
                length: 1,
            });
        }
        assert_eq!(one.runs.len(), 1);
        assert_eq!(one.target_end(), TargetOffset::new(1_007));
    }

    #[test]
    fn a_newer_version_is_told_apart_from_damage() {
        let mut value = chunk(5, &[(0, 0, 1)], 0).write();
        value[1] = 3;
        assert_eq!(Chunk::read(&value), Err(Unreadable::Version(3)));
        assert_eq!(Chunk::read(&[0]), Err(Unreadable::Damaged));
    }

    #[test]
    fn what_was_written_before_there_were_witnesses_is_read() {
        let value = [0, 1, 0, 0, 4, 5, 10, 7, 1, 0, 0, 10];
        let expected = Chunk {
            epoch: LeaderEpoch::known(3),
            ..chunk(5, &[(0, 0, 10)], 0)
        };
        assert_eq!(Chunk::read(&value), Ok(expected));
    }

    proptest! {
        #[test]
        fn a_chunk_goes_round(chunk in any_chunk()) {
            prop_assert_eq!(Chunk::read(&chunk.write()), Ok(chunk));
        }

        #[test]
        fn a_torn_chunk_is_damaged(chunk in any_chunk(), kept in 0.0..1.0_f64) {
            let value = chunk.write();
            let kept = (value.len() as f64 * kept).floor() as usize;
            prop_assert_eq!(Chunk::read(&value[..kept]), Err(Unreadable::Damaged));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(mut value: Vec<u8>) {
            value.splice(..0, VERSION.to_be_bytes());
            let _ = Chunk::read(&value);
        }

        #[test]
        fn what_is_cut_off_is_forgotten_and_nothing_else(chunk in any_chunk(), at in 0..200_u64) {
            let end = chunk.from.plus(at);
            let mut cut = chunk.clone();
            cut.cut(end);
            for offset in 0..4_000 {
                let offset = chunk.from.plus(offset);
                let known = |chunk: &Chunk| chunk.runs.iter().find_map(|run| {
                    (run.source <= offset).then(|| run.find(offset)).flatten()
                });
                let expected = known(&chunk).filter(|_| offset < end);
                prop_assert_eq!(known(&cut), expected);
            }
            let witness = chunk.witness.filter(|witness| witness.offset < end);
            prop_assert_eq!(cut.witness, witness);
        }
    }
}
