//! Owns the data directory as a whole: its lock and the state of the cluster.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{StoreError, TopicsDir, at, json_file};
use crate::acls::Acls;

/// What belongs to no topic and to no group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ClusterFile {
    /// The same for as long as the directory lives.
    pub(crate) cluster_id: String,
    /// Every producer id below this may have been handed out.
    pub(crate) next_producer_id: i64,
    /// Broker configurations that were altered.
    pub(crate) broker_configs: BTreeMap<String, String>,
    /// Access control lists; directories of older versions have none.
    #[serde(default)]
    pub(crate) acls: Acls,
}

/// The data directory. While it is open, no other cluster can open it.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if need be, and locks it.
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => {
                let reason = "another cluster is using this data directory";
                Err(at(root)(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    reason,
                )))
            }
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// The state of the cluster; `None` in a new directory.
    pub(crate) fn load(&self) -> Result<Option<ClusterFile>, StoreError> {
        json_file::load(&self.root.join("cluster.json"))
    }

    /// Replaces the state of the cluster.
    pub(crate) fn save(&self, cluster: &ClusterFile) -> Result<(), StoreError> {
        json_file::save(&self.root.join("cluster.json"), cluster)
    }

    /// An error that names the file of the cluster, whose content makes no sense.
    pub(crate) fn damaged(&self, reason: String) -> StoreError {
        at(&self.root.join("cluster.json"))(io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    /// The part that holds the topics.
    pub(crate) fn topics(&self) -> Result<TopicsDir, StoreError> {
        TopicsDir::open(self.root.join("topics"), self.root.join("deleted"))
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }
}
