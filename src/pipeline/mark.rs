//! Writes beside each committed position what it belongs to and how its partition stands, and reads it back.
//!
//! Kafka keeps a text with every committed offset. Here it tells which topic the offset counts in and which copy was
//! written, by the ids of both, so that one which was deleted and created anew is noticed also by a process that starts
//! later; how many partitions the topic had at first, so that one which is added later is copied from its beginning
//! whatever `start` says; for a partition that was given back with nothing in flight, where its copy ended, so that whoever
//! begins next has no late writes to keep out; and, for one that stands still, state and reason, so that `kmirror status` can
//! tell from the clusters alone.

use serde::{Deserialize, Serialize};

use crate::clusters::TopicId;
use crate::offset::{Position, TargetOffset};
use crate::status::State;

/// Longest reason that is committed, in bytes; brokers refuse more than `offset.metadata.max.bytes` (4096) in all.
const REASON_BYTES: usize = 1024;

/// A position as the group holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where to go on.
    pub position: Position,
    /// What belongs to it.
    pub mark: Mark,
}

/// What is committed beside a position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// The topic that the position counts in; absent where the source tells no ids (before Kafka 2.8), or where
    /// somebody else committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_id: Option<String>,
    /// How many partitions the topic had when the mirror began to copy it; one that is numbered from there on is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_with: Option<u32>,
    /// The copy that was written, by the target's id for it; absent where the target tells no ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_id: Option<String>,
    /// Where the copy ended when its partition was given back with nothing in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<i64>,
    /// The state, unless the partition runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Why it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Mark {
    /// For a position in the topic with this id, of a partition in this state.
    pub fn new(topic_id: Option<&TopicId>, state: State, reason: Option<String>) -> Self {
        let stands = !matches!(state, State::Running | State::Starting);
        let reason = reason.filter(|_| stands).map(|mut reason| {
            reason.truncate(reason.floor_char_boundary(REASON_BYTES));
            reason
        });
        Self {
            topic_id: topic_id.map(|id| id.as_str().to_owned()),
            began_with: None,
            copy_id: None,
            settled_at: None,
            state: stands.then_some(state),
            reason,
        }
    }

    /// With the number of partitions that the topic had when the mirror began.
    #[must_use]
    pub fn began_with(self, partitions: u32) -> Self {
        let began_with = Some(partitions);
        Self { began_with, ..self }
    }

    /// With the copy that was written.
    #[must_use]
    pub fn of_copy(self, copy: Option<&TopicId>) -> Self {
        let copy_id = copy.map(|id| id.as_str().to_owned());
        Self { copy_id, ..self }
    }

    /// With where the copy ends, as nothing is in flight to it any more.
    #[must_use]
    pub fn settled_at(self, end: Option<TargetOffset>) -> Self {
        let settled_at = end.map(TargetOffset::get);
        Self { settled_at, ..self }
    }

    /// Whether the partition was given back with nothing in flight, and its copy ended there.
    pub fn is_settled_at(&self, end: TargetOffset) -> bool {
        self.settled_at == Some(end.get())
    }

    /// The copy that was written.
    pub fn copy_id(&self) -> Option<TopicId> {
        self.copy_id.clone().map(TopicId::new)
    }

    /// The topic that the position counts in.
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id.clone().map(TopicId::new)
    }

    /// Whether it is that of a partition which runs, between these topics.
    pub fn is_running(
        &self,
        topic: Option<&TopicId>,
        copy: Option<&TopicId>,
        began_with: u32,
    ) -> bool {
        self.state.is_none()
            && self.topic_id.as_deref() == topic.map(TopicId::as_str)
            && self.copy_id.as_deref() == copy.map(TopicId::as_str)
            && self.began_with == Some(began_with)
    }

    /// Whether a mirror wrote it: what others commit has no mark.
    pub fn is_ours(&self) -> bool {
        self.began_with.is_some()
    }

    /// Reads the text beside a position; what kmirror did not write is no mark.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The text to commit.
    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("a mark is texts and a number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_as_it_was_written() {
        let id = TopicId::new("AAAAAAAAQbiRvxNzBg_dsA");
        let reason = Some("the target refuses it".to_owned());
        let copy = TopicId::new("BBBBBBBBQbiRvxNzBg_dsA");
        let mark = Mark::new(Some(&id), State::Rejected, reason).began_with(3);
        let mark = mark.of_copy(Some(&copy));
        let end = TargetOffset::new(7);
        assert!(!mark.is_settled_at(end));
        let mark = mark.settled_at(Some(end));
        assert_eq!(Mark::read(&mark.write()), mark);
        assert!(mark.is_settled_at(end));
        assert!(!mark.is_settled_at(end.plus(1)));
        assert_eq!(mark.copy_id(), Some(copy));
        assert_eq!(mark.topic_id(), Some(id));
    }

    #[test]
    fn a_partition_that_runs_needs_no_word() {
        let mark = Mark::new(None, State::Running, Some("left over".to_owned()));
        assert_eq!(mark.write(), "{}");
    }

    #[test]
    fn what_others_committed_is_no_mark() {
        for text in ["", "moved by hand", "[1]", "{\"topic_id\": 7}"] {
            assert_eq!(Mark::read(text), Mark::default(), "{text:?}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mark = Mark::new(None, State::Paused, Some("ä".repeat(2000)));
        assert_eq!(mark.reason.as_ref().map(String::len), Some(REASON_BYTES));
        assert!(mark.write().len() < 4096);
    }
}
