//! Keeps each topic in a directory of its name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PartitionDir, StoreError, at, json_file};

/// What is kept of a topic beside its records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TopicFile {
    /// Its name, which is also that of its directory.
    pub(crate) name: String,
    /// Its id, in the usual notation.
    pub(crate) id: String,
    /// What is set on it.
    pub(crate) configs: BTreeMap<String, String>,
    /// The replicas of each partition, the leader first.
    pub(crate) partitions: Vec<Vec<i32>>,
}

/// The directories of all topics.
#[derive(Debug)]
pub(crate) struct TopicsDir {
    topics: PathBuf,
    deleted: PathBuf,
}

impl TopicsDir {
    /// Opens the directory and finishes deletions that a kill interrupted.
    pub(crate) fn open(topics: PathBuf, deleted: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&topics).map_err(at(&topics))?;
        if deleted.exists() {
            fs::remove_dir_all(&deleted).map_err(at(&deleted))?;
        }
        fs::create_dir_all(&deleted).map_err(at(&deleted))?;
        Ok(Self { topics, deleted })
    }

    /// Every topic that was created to the end.
    pub(crate) fn load(&self) -> Result<Vec<TopicFile>, StoreError> {
        let mut topics = Vec::new();
        for entry in fs::read_dir(&self.topics).map_err(at(&self.topics))? {
            let path = entry.map_err(at(&self.topics))?.path();
            topics.extend(json_file::load(&path.join("topic.json"))?);
        }
        Ok(topics)
    }

    /// Creates a topic or replaces what is kept of it.
    pub(crate) fn save(&self, topic: &TopicFile) -> Result<(), StoreError> {
        let path = self.topics.join(&topic.name);
        fs::create_dir_all(&path).map_err(at(&path))?;
        json_file::save(&path.join("topic.json"), topic)
    }

    /// Deletes a topic: gone at once by its name, and then piece by piece.
    pub(crate) fn delete(&self, name: &str, id: Uuid) -> Result<(), StoreError> {
        let (path, grave) = (self.topics.join(name), self.deleted.join(id.to_string()));
        fs::rename(&path, &grave).map_err(at(&path))?;
        fs::remove_dir_all(&grave).map_err(at(&grave))
    }

    /// An error that names a topic's file, whose content makes no sense.
    pub(crate) fn damaged(&self, topic: &str, reason: String) -> StoreError {
        let path = self.topics.join(topic).join("topic.json");
        at(&path)(io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    /// Where a partition's records are kept.
    pub(crate) fn partition(&self, topic: &str, index: usize) -> PartitionDir {
        PartitionDir::new(self.topics.join(topic).join(index.to_string()))
    }
}
