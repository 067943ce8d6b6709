//! Decides which source offset is safe to commit: the one before which every record is acknowledged (I1).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::offset::{SourceOffset, TargetOffset};
use crate::offset_map::Run;

/// Records of one partition by their place in the order of sending, counted from 0 per assignment.
pub type Sequence = u64;

/// The acknowledged prefix of one partition.
///
/// Bookkeeping is per batch and per run of acknowledgements, never per record: a batch whose offsets are
/// consecutive is one run, and acknowledgements that come in order only move a number. `T` is what each
/// batch holds until its last record is acknowledged: its byte permit.
#[derive(Debug)]
pub struct AckedPrefix<T> {
    /// Next source offset to read after everything that has left `batches`.
    settled: SourceOffset,
    /// All records below are acknowledged.
    acked: Sequence,
    /// Runs acknowledged ahead of a hole, by their start.
    ahead: BTreeMap<Sequence, Ahead>,
    /// Sent and not wholly acknowledged, oldest first.
    batches: VecDeque<Sent<T>>,
    /// Place of the next record to send.
    next: Sequence,
}

#[derive(Debug)]
struct Ahead {
    end: Sequence,
    /// Target offset of the first; `None` when they are passed over.
    target: Option<TargetOffset>,
}

#[derive(Debug)]
struct Sent<T> {
    places: Range<Sequence>,
    /// Where runs of consecutive source offsets begin.
    runs: Vec<(Sequence, SourceOffset)>,
    /// Source offset after the last record.
    next: SourceOffset,
    timestamp: i64,
    held: T,
}

impl<T> AckedPrefix<T> {
    /// Nothing sent yet; reading begins at `position`.
    pub fn at(position: SourceOffset) -> Self {
        Self {
            settled: position,
            acked: 0,
            ahead: BTreeMap::new(),
            batches: VecDeque::new(),
            next: 0,
        }
    }

    /// Notes that a batch is being sent: the source offsets of its records, ascending and at least one,
    /// the timestamp of its first record (ms), and what it holds. Returns the places of its records.
    pub fn send(
        &mut self,
        offsets: impl IntoIterator<Item = SourceOffset>,
        timestamp: i64,
        held: T,
    ) -> Range<Sequence> {
        let start = self.next;
        let mut runs: Vec<(Sequence, SourceOffset)> = Vec::with_capacity(1);
        let mut next = None;
        for offset in offsets {
            if next != Some(offset) {
                runs.push((self.next, offset));
            }
            next = Some(offset.next());
            self.next += 1;
        }
        let places = start..self.next;
        if let Some(next) = next {
            self.batches.push_back(Sent {
                places: places.clone(),
                runs,
                next,
                timestamp,
                held,
            });
        }
        places
    }

    /// Notes that `places` are acknowledged, in any order: the first got the offset `target` and the others those behind
    /// it; or that they are passed over, without one. Where the records of the prefix stand is handed to `mapped`, in
    /// order. What a batch held is handed to `done`, with the batch's timestamp, once its last record is acknowledged.
    pub fn acknowledge(
        &mut self,
        places: Range<Sequence>,
        target: Option<TargetOffset>,
        mut mapped: impl FnMut(Run),
        mut done: impl FnMut(T, i64),
    ) {
        if places.start > self.acked {
            let end = places.end;
            self.ahead.insert(places.start, Ahead { end, target });
            return;
        }
        self.advance(places, target, &mut mapped);
        while let Some(run) = self.ahead.first_entry()
            && *run.key() <= self.acked
        {
            let (start, Ahead { end, target }) = run.remove_entry();
            self.advance(start..end, target, &mut mapped);
        }
        while let Some(batch) = self.batches.front()
            && batch.places.end <= self.acked
        {
            self.settled = batch.next;
            if let Some(batch) = self.batches.pop_front() {
                done(batch.held, batch.timestamp);
            }
        }
    }

    fn advance(
        &mut self,
        places: Range<Sequence>,
        target: Option<TargetOffset>,
        mapped: &mut impl FnMut(Run),
    ) {
        self.acked = self.acked.max(places.end);
        let Some(target) = target else { return };
        let batches = self.batches.iter();
        let batches = batches.take_while(|batch| batch.places.start < places.end);
        for (sent, source) in batches.flat_map(Sent::runs) {
            let (start, end) = (sent.start.max(places.start), sent.end.min(places.end));
            if start < end {
                mapped(Run {
                    source: source.plus(start - sent.start),
                    target: target.plus(start - places.start),
                    length: end - start,
                });
            }
        }
    }

    /// Notes that no record is left to read below `offset`: what lies between the last record sent and there are
    /// markers, or was compacted away. The position gets there with the last record sent so far.
    pub fn reach(&mut self, offset: SourceOffset) {
        let next = match self.batches.back_mut() {
            Some(batch) => &mut batch.next,
            None => &mut self.settled,
        };
        *next = (*next).max(offset);
    }

    /// The next source offset whose record is not acknowledged: what may be committed.
    pub fn position(&self) -> SourceOffset {
        match self.batches.front() {
            Some(batch) if batch.places.start < self.acked => batch.offset_at(self.acked),
            _ => self.settled,
        }
    }

    /// What the batches in flight hold.
    pub fn into_held(self) -> impl Iterator<Item = T> {
        self.batches.into_iter().map(|batch| batch.held)
    }

    /// The source offset of the record at `place`; `None` once its batch is settled.
    pub fn offset_at(&self, place: Sequence) -> Option<SourceOffset> {
        let batch = self
            .batches
            .iter()
            .find(|batch| batch.places.contains(&place))?;
        Some(batch.offset_at(place))
    }

    /// The next source offset after everything sent.
    pub fn sent_to(&self) -> SourceOffset {
        self.batches.back().map_or(self.settled, |batch| batch.next)
    }

    /// The first place that is not acknowledged.
    pub fn acked_places(&self) -> Sequence {
        self.acked
    }

    /// Records sent and not acknowledged in order.
    pub fn in_flight(&self) -> u64 {
        self.next - self.acked
    }

    /// Timestamp (ms) of the oldest batch in flight.
    pub fn oldest_timestamp(&self) -> Option<i64> {
        self.batches.front().map(|batch| batch.timestamp)
    }
}

impl<T> Sent<T> {
    /// Records of consecutive source offsets: their places, and the first one's offset.
    fn runs(&self) -> impl Iterator<Item = (Range<Sequence>, SourceOffset)> {
        let ends = self.runs.iter().skip(1).map(|(start, _)| *start);
        let ends = ends.chain([self.places.end]);
        let runs = self.runs.iter().zip(ends);
        runs.map(|((start, source), end)| (*start..end, *source))
    }

    fn offset_at(&self, place: Sequence) -> SourceOffset {
        let run = self.runs.partition_point(|(start, _)| *start <= place);
        let (start, offset) = self.runs[run - 1];
        offset.plus(place - start)
    }
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
