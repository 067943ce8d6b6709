//! Keeps the cluster in a directory, so that it comes back after its process was killed.
//!
//! ```text
//!  DIR/lock                         held while a cluster uses the directory
//!  DIR/cluster.json                 cluster id, producer ids handed out, altered broker configurations, ACLs
//!  DIR/groups.journal               groups and their offsets, one change per line
//!  DIR/transactions.journal         transactional ids and what is open, one change per line
//!  DIR/topics/T/topic.json          topic id, replicas, configurations
//!  DIR/topics/T/P/<offset>.log      batches from this offset on, as on the wire
//!  DIR/topics/T/P/checkpoint.json   log start, leader epochs, producers, transactions
//!  DIR/topics/T/P.new, P.old        a partition that is being replaced as a whole
//!  DIR/deleted/                     topics on their way out
//! ```
//!
//! A write is done when the operating system has it: it survives the death of the process, not that of the machine. Nothing
//! is acknowledged, nor shown to a consumer, before its write.

mod data_dir;
mod json_file;
mod line_journal;
mod partition_dir;
mod topics_dir;

pub(crate) use data_dir::{ClusterFile, DataDir};
pub(crate) use line_journal::LineJournal;
pub(crate) use partition_dir::{Checkpoint, PartitionDir};
pub(crate) use topics_dir::{TopicFile, TopicsDir};

use std::io;
use std::path::{Path, PathBuf};

/// A failed use of a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct StoreError {
    /// The file or directory at fault.
    pub(crate) path: PathBuf,
    /// What the system said.
    pub(crate) source: io::Error,
}

/// Names the file in an error of the system.
fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { path, source }
}
