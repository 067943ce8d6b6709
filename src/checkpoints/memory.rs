//! Remembers from round to round what was published of each group and what is settled on the target, so that only what is
//! new is written.

use std::collections::HashMap;
use std::sync::Arc;

use super::groups::{Held, Position};
use super::translator::Translated;
use crate::clusters::TopicPartition;
use crate::metrics::Refused;
use crate::offset::{SourceOffset, TargetOffset};

/// What is remembered of one group in one partition of the source.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The oldest position that was beyond what is mirrored. A group that is always ahead of the mirror is followed by these.
    waiting: Option<Position>,
    published: Option<(SourceOffset, TargetOffset, Arc<str>)>,
    settled: Option<Settled>,
    /// The offset that was refused last, by the reason.
    refused: HashMap<Refused, i64>,
}

/// An offset that the group on the target needs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settled {
    target: TargetOffset,
    /// Why it was not written, where the group is further on.
    ahead: Option<String>,
}

/// A position of a group with its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// On the source.
    pub(super) position: Position,
    /// On the target.
    pub(super) target: TargetOffset,
}

impl Entry {
    /// An earlier position that may be mirrored by now, where the group is at `now`.
    pub(super) fn earlier(&mut self, now: SourceOffset) -> Option<&Position> {
        // The group went back: what it has read since then does not count.
        self.waiting.take_if(|waiting| waiting.offset >= now);
        self.waiting.as_ref()
    }

    /// The newest position of the group that has a counterpart, when its position `now` was found to be at `found` and the
    /// earlier one at `earlier`.
    pub(super) fn newest(
        &mut self,
        now: &Position,
        found: &Translated,
        earlier: Option<&Translated>,
    ) -> Option<Known> {
        if let Some(target) = found.place() {
            self.waiting = None;
            let position = now.clone();
            return Some(Known { position, target });
        }
        match (found, earlier) {
            (
                Translated::NotYet { .. },
                Some(
                    Translated::Exact(target)
                    | Translated::Deleted {
                        log_start: target, ..
                    },
                ),
            ) => {
                let position = self.waiting.replace(now.clone())?;
                let target = *target;
                Some(Known { position, target })
            }
            (Translated::NotYet { .. }, _) => {
                self.waiting.get_or_insert_with(|| now.clone());
                None
            }
            _ => None,
        }
    }

    /// Whether `known` is not what was published last.
    pub(super) fn is_new(&self, known: &Known) -> bool {
        let last = self.published.as_ref();
        last.is_none_or(|(source, target, metadata)| {
            (source, target, metadata)
                != (
                    &known.position.offset,
                    &known.target,
                    &known.position.metadata,
                )
        })
    }

    /// Notes that it was published.
    pub(super) fn set_published(&mut self, known: &Known) {
        let position = &known.position;
        self.published = Some((
            position.offset,
            known.target,
            Arc::clone(&position.metadata),
        ));
    }

    /// Whether the group on the target may still need `target`.
    pub(super) fn is_open(&self, target: TargetOffset) -> bool {
        let settled = self.settled.as_ref();
        settled.is_none_or(|settled| settled.target != target)
    }

    /// Notes that the group on the target needs `target` no more: it is there, or `ahead` says that it is further on.
    pub(super) fn settle(&mut self, target: TargetOffset, ahead: Option<String>) {
        self.settled = Some(Settled { target, ahead });
    }

    /// In which words the group on the target is further on.
    pub(super) fn ahead(&self) -> Option<&str> {
        self.settled.as_ref()?.ahead.as_deref()
    }

    /// Notes a refusal of the offset `of`; answers whether it is another than the last one for this reason.
    pub(super) fn refuse(&mut self, reason: Refused, of: i64) -> bool {
        self.refused.insert(reason, of) != Some(of)
    }
}

/// All groups. What is not asked for between two [`Memory::begin`] is forgotten: the group was deleted, or others copy the
/// partition.
#[derive(Debug, Default)]
pub(super) struct Memory {
    old: Entries,
    now: Entries,
}

type Entries = HashMap<(Arc<str>, TopicPartition), Entry>;

impl Memory {
    /// Begins a round.
    pub(super) fn begin(&mut self) {
        self.old = std::mem::take(&mut self.now);
    }

    /// What is remembered of the group that holds this.
    pub(super) fn of(&mut self, held: &Held) -> &mut Entry {
        let key = (Arc::clone(&held.group), held.at.clone());
        let old = self.old.remove(&key);
        self.now
            .entry(key)
            .or_insert_with(|| old.unwrap_or_default())
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
