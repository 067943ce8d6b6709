//! Writes group changes to an append-only file, one JSON object per line, and reads them back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::offsets::OffsetCommit;
use super::snapshot::GroupSnapshot;

const FILE: &str = "groups.journal";

/// How much is appended, in bytes, before a journal that grew to twice what is live is rewritten.
const COMPACT_AFTER: u64 = 16 * 1024 * 1024;

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

/// The file, or nothing for a cluster that lives in memory.
///
/// A line counts once its newline is there. It is handed to the operating system before anything is answered, so it
/// survives the end of this process, though not a power cut: as in Kafka, which leaves flushing to the system too.
#[derive(Debug)]
pub(super) struct Journal(Option<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    length: u64,
    compacted_length: u64,
}

impl Journal {
    /// Keeps nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Reads the journal in `dir`, which may not exist yet. [`Journal::rewrite`] must follow: a line that a kill tore
    /// in two may still be at the end.
    pub(super) fn open(dir: &Path) -> io::Result<(Vec<Entry>, Self)> {
        let path = dir.join(FILE);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let text = fs::read(&path)?;
        let length = text.len() as u64;
        Ok((
            parse(&text)?,
            Self(Some(Open {
                path,
                file,
                length,
                compacted_length: 0,
            })),
        ))
    }

    /// Adds one entry.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let Some(open) = &mut self.0 else {
            return Ok(());
        };
        let line = line(entry)?;
        if let Err(error) = open.file.write_all(&line) {
            // Half a line would run into the next one.
            open.file.set_len(open.length)?;
            return Err(error);
        }
        open.length += line.len() as u64;
        Ok(())
    }

    /// Whether most of the file is history.
    pub(super) fn wants_compaction(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|open| open.length > 2 * open.compacted_length + COMPACT_AFTER)
    }

    /// Replaces everything by `entries`, in one step: a kill leaves the old file or the new one.
    pub(super) fn rewrite(&mut self, entries: impl Iterator<Item = Entry>) -> io::Result<()> {
        let Some(open) = &mut self.0 else {
            return Ok(());
        };
        let fresh = open.path.with_extension("journal.new");
        let mut writer = BufWriter::new(File::create(&fresh)?);
        for entry in entries {
            writer.write_all(&line(&entry)?)?;
        }
        writer.into_inner()?.sync_all()?;
        fs::rename(&fresh, &open.path)?;
        open.file = OpenOptions::new().append(true).open(&open.path)?;
        open.length = open.file.metadata()?.len();
        open.compacted_length = open.length;
        Ok(())
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

fn parse(text: &[u8]) -> io::Result<Vec<Entry>> {
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let lines = text[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(at, line)| serde_json::from_slice(line).map_err(|e| damaged(at, &e)))
        .collect()
}

fn damaged(at: usize, error: &serde_json::Error) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{FILE}, line {}: {error}", at + 1),
    )
}
