//! Keeps one partition's batches in segment files, and a checkpoint of what the batches do not tell.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{StoreError, at, json_file};
use crate::log::{self, Front, LeaderEpochs, Producers, Transactions};

/// What the batches do not tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The first offset that can be read.
    pub(crate) log_start: i64,
    /// The end of the log when this was written: `producers` and `transactions` know all batches before it.
    pub(crate) log_end: i64,
    /// The history of leaders.
    pub(crate) epochs: LeaderEpochs,
    /// The producers, also those whose batches are all deleted.
    pub(crate) producers: Producers,
    /// The transactions; directories of older versions have none.
    #[serde(default)]
    pub(crate) transactions: Transactions,
}

/// One segment file: batches from its base offset up to the next segment's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    base_offset: i64,
    size: u64,
}

/// How the directory of what is to replace a partition is called, while it is being written.
const FRESH: &str = "new";

/// How the directory of what was replaced is called, until it is deleted.
const OLD: &str = "old";

/// The directory of one partition. Nothing is created before the first write.
#[derive(Debug)]
pub(crate) struct PartitionDir {
    path: PathBuf,
    segments: VecDeque<Segment>,
    /// The last segment, open for appending; `None` until the first append.
    active: Option<File>,
    /// Set after a write of which nobody knows how much arrived.
    broken: bool,
}

impl PartitionDir {
    /// Names the directory, which need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            segments: VecDeque::new(),
            active: None,
            broken: false,
        }
    }

    /// The checkpoint; `None` when there never was one.
    pub(crate) fn load_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.recover()?;
        json_file::load(&self.path.join("checkpoint.json"))
    }

    /// Replaces the checkpoint.
    pub(crate) fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        fs::create_dir_all(&self.path).map_err(at(&self.path))?;
        json_file::save(&self.path.join("checkpoint.json"), checkpoint)
    }

    /// Reads all batches. A torn one at the very end, which a kill in mid-write leaves behind, is cut off.
    ///
    /// # Errors
    /// When a file cannot be read, or holds what was never written.
    pub(crate) fn load_batches(&mut self) -> Result<Vec<Bytes>, StoreError> {
        let mut batches = Vec::new();
        for base_offset in self.segment_offsets()? {
            let path = self.segment_path(base_offset);
            let mut rest = Bytes::from(fs::read(&path).map_err(at(&path))?);
            let mut size = 0;
            while let Front::Whole(length) = log::front(&rest) {
                batches.push(rest.split_to(length));
                size += length as u64;
            }
            self.segments.push_back(Segment { base_offset, size });
            if !rest.is_empty() {
                self.cut_tail(&path, size, &rest)?;
            }
        }
        Ok(batches)
    }

    fn cut_tail(&self, path: &Path, size: u64, tail: &[u8]) -> Result<(), StoreError> {
        if log::front(tail) != Front::Torn {
            let reason = format!("no batch of records at byte {size}; the file was damaged");
            return Err(at(path)(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
        tracing::warn!(path = %path.display(), bytes = tail.len(), "torn batch cut off");
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(at(path))?;
        file.set_len(size).map_err(at(path))
    }

    fn segment_offsets(&self) -> Result<Vec<i64>, StoreError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&self.path)(error)),
        };
        let mut offsets = Vec::new();
        for entry in entries {
            let path = entry.map_err(at(&self.path))?.path();
            offsets.extend(segment_offset(&path));
        }
        offsets.sort_unstable();
        Ok(offsets)
    }

    fn segment_path(&self, base_offset: i64) -> PathBuf {
        self.path.join(format!("{base_offset:020}.log"))
    }

    /// Writes a batch behind the others; a new segment is begun when the last has reached `segment_bytes`.
    pub(crate) fn append(
        &mut self,
        base_offset: i64,
        batch: &[u8],
        segment_bytes: u64,
    ) -> Result<(), StoreError> {
        if self.broken {
            return Err(at(&self.path)(io::Error::other(
                "an earlier write failed half-way; restart to recover",
            )));
        }
        if self
            .segments
            .back()
            .is_none_or(|last| last.size >= segment_bytes)
        {
            fs::create_dir_all(&self.path).map_err(at(&self.path))?;
            self.segments.push_back(Segment {
                base_offset,
                size: 0,
            });
            self.active = None;
        }
        self.write(batch)
    }

    fn write(&mut self, batch: &[u8]) -> Result<(), StoreError> {
        let Some(segment) = self.segments.back().copied() else {
            return Ok(());
        };
        let path = self.segment_path(segment.base_offset);
        let file = match &mut self.active {
            Some(file) => file,
            none => none.insert(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&path)
                    .map_err(at(&path))?,
            ),
        };
        if let Err(error) = file.write_all(batch) {
            // What arrived of it must not stay in front of the next batch.
            self.broken = file.set_len(segment.size).is_err();
            return Err(at(&path)(error));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.size += batch.len() as u64;
        }
        Ok(())
    }

    /// Puts other batches, each with its base offset, and a checkpoint in the place of all there is. A kill leaves the old
    /// ones or the new ones.
    pub(crate) fn replace<'a>(
        &mut self,
        batches: impl Iterator<Item = (i64, &'a [u8])>,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let (fresh, old) = (
            self.path.with_extension(FRESH),
            self.path.with_extension(OLD),
        );
        let mut draft = Self::new(fresh.clone());
        draft.save_checkpoint(checkpoint)?;
        for (base_offset, batch) in batches {
            draft.append(base_offset, batch, u64::MAX)?;
        }
        if self.path.exists() {
            fs::rename(&self.path, &old).map_err(at(&old))?;
        }
        fs::rename(&fresh, &self.path).map_err(at(&self.path))?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        let path = std::mem::take(&mut self.path);
        *self = Self { path, ..draft };
        Ok(())
    }

    /// Finishes a [`PartitionDir::replace`] that a kill interrupted, or undoes it where it was not complete.
    fn recover(&self) -> Result<(), StoreError> {
        let (fresh, old) = (
            self.path.with_extension(FRESH),
            self.path.with_extension(OLD),
        );
        if old.exists() && !self.path.exists() {
            fs::rename(&fresh, &self.path).map_err(at(&self.path))?;
        }
        for leftover in [fresh, old] {
            if leftover.exists() {
                fs::remove_dir_all(&leftover).map_err(at(&leftover))?;
            }
        }
        Ok(())
    }

    /// Deletes the segments that only hold offsets before `log_start`; the one that is written to stays.
    pub(crate) fn drop_before(&mut self, log_start: i64) -> Result<(), StoreError> {
        while self
            .segments
            .get(1)
            .is_some_and(|next| next.base_offset <= log_start)
        {
            let path = self.segment_path(self.segments[0].base_offset);
            fs::remove_file(&path).map_err(at(&path))?;
            self.segments.pop_front();
        }
        Ok(())
    }
}

fn segment_offset(path: &Path) -> Option<i64> {
    if path.extension()? != "log" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}
