//! Defines what is written down of groups, so that it outlives a kill.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::offsets::OffsetCommit;
use super::snapshot::GroupSnapshot;
use crate::store::LineJournal;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The membership is now this.
    Group(GroupSnapshot),
    /// Offsets were committed, in one request and so in one line: all of them survive, or none.
    Commit {
        group: String,
        offsets: Vec<OffsetCommit>,
    },
    /// The offset of a partition was deleted.
    Forget {
        group: String,
        topic: String,
        partition: i32,
    },
    /// A topic is gone, and with it every group's offsets in it.
    ForgetTopic { topic: String },
    /// The group was deleted with all it had.
    Delete { group: String },
}

/// The changes of all groups.
pub(super) type Journal = LineJournal<Entry>;

/// Reads the journal in `dir`, which must then be rewritten.
pub(super) fn open(dir: &Path) -> io::Result<(Vec<Entry>, Journal)> {
    Journal::open(dir.join("groups.journal"))
}
