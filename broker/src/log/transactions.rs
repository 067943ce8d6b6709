//! Knows which transactions of a log are open, which is where stable offsets end, and which were aborted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batch::{Header, NO_PRODUCER};
use super::marker::Ending;

/// A transaction that was aborted, and the offsets it lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aborted {
    /// Whose it was.
    pub(crate) producer_id: i64,
    /// Of its first record.
    pub(crate) first_offset: i64,
    /// Of its marker.
    pub(crate) marker_offset: i64,
}

/// The transactions of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transactions {
    /// By producer, which has one at a time: the offset of its first record.
    open: BTreeMap<i64, i64>,
    /// In the order of their markers.
    aborted: Vec<Aborted>,
}

impl Transactions {
    /// Takes note of a batch that was appended at `base_offset`; `ending` is what it says, if it is a marker.
    pub(super) fn record(&mut self, header: &Header, base_offset: i64, ending: Option<Ending>) {
        let producer_id = header.producer_id;
        if producer_id == NO_PRODUCER || !header.is_transactional() {
            return;
        }
        let Some(ending) = ending else {
            self.open.entry(producer_id).or_insert(base_offset);
            return;
        };
        if let Some(first_offset) = self.open.remove(&producer_id)
            && ending == Ending::Abort
        {
            self.aborted.push(Aborted {
                producer_id,
                first_offset,
                marker_offset: base_offset,
            });
        }
    }

    /// Whether a producer has records here of which nobody knows yet whether they count.
    pub(super) fn is_open(&self, producer_id: i64) -> bool {
        self.open.contains_key(&producer_id)
    }

    /// The first offset of the oldest open transaction.
    pub(super) fn first_open(&self) -> Option<i64> {
        self.open.values().min().copied()
    }

    /// Whether the records of a batch were aborted.
    pub(super) fn has_aborted(&self, header: &Header, base_offset: i64) -> bool {
        let hit = |aborted: &Aborted| {
            aborted.producer_id == header.producer_id && aborted.first_offset <= base_offset
        };
        header.is_transactional() && self.ended_from(base_offset).iter().any(hit)
    }

    /// The aborted transactions that touch the offsets from `first` to `last`, in the order of their first offsets, as
    /// clients expect them. One that began before `first` is among them.
    pub(super) fn aborted_between(&self, first: i64, last: i64) -> Vec<Aborted> {
        let ended = self.ended_from(first).iter().copied();
        let mut found: Vec<Aborted> = ended.filter(|it| it.first_offset <= last).collect();
        found.sort_by_key(|aborted| aborted.first_offset);
        found
    }

    /// The aborted transactions whose markers are at `offset` or later.
    fn ended_from(&self, offset: i64) -> &[Aborted] {
        let before = |aborted: &Aborted| aborted.marker_offset < offset;
        &self.aborted[self.aborted.partition_point(before)..]
    }

    /// Adds to what the batches before `end` tell what was known of those among them that are deleted by now.
    pub(super) fn recall(&mut self, known: Self, end: i64) {
        let (before, cut): (Vec<Aborted>, Vec<Aborted>) = known
            .aborted
            .into_iter()
            .partition(|aborted| aborted.marker_offset < end);
        let reopened = cut.iter().map(|it| (it.producer_id, it.first_offset));
        for (producer_id, first_offset) in known.open.into_iter().chain(reopened) {
            if first_offset < end {
                let open = self.open.entry(producer_id).or_insert(first_offset);
                *open = first_offset.min(*open);
            }
        }
        self.aborted = before;
    }

    /// Forgets an aborted transaction whose marker is no longer there to end it for a reader: records that its producer
    /// writes later would be taken for its own.
    pub(super) fn forget_marker(&mut self, offset: i64) {
        self.aborted
            .retain(|aborted| aborted.marker_offset != offset);
    }

    /// Forgets the aborted transactions that ended before `log_start`.
    pub(super) fn advance(&mut self, log_start: i64) {
        self.aborted
            .retain(|aborted| aborted.marker_offset >= log_start);
    }
}
