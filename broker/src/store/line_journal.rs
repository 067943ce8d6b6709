//! Writes changes to an append-only file, one JSON object per line, and reads them back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much is appended, in bytes, before a journal that grew to twice what is live is rewritten.
const COMPACT_AFTER: u64 = 16 * 1024 * 1024;

/// The file, or nothing for a cluster that lives in memory. `E` is one change.
///
/// A line counts once its newline is there. It is handed to the operating system before anything is answered, so it
/// survives the end of this process, though not a power cut: as in Kafka, which leaves flushing to the system too.
#[derive(Debug)]
pub(crate) struct LineJournal<E> {
    open: Option<Open>,
    entries: PhantomData<E>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    length: u64,
    compacted_length: u64,
}

impl<E: Serialize + DeserializeOwned> LineJournal<E> {
    /// Keeps nothing.
    pub(crate) fn none() -> Self {
        Self {
            open: None,
            entries: PhantomData,
        }
    }

    /// Reads the journal at `path`, which may not exist yet. [`LineJournal::rewrite`] must follow: a line that a kill
    /// tore in two may still be at the end.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged anywhere but in its last line.
    pub(crate) fn open(path: PathBuf) -> io::Result<(Vec<E>, Self)> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let text = fs::read(&path)?;
        let entries = parse(&text, &path)?;
        let open = Open {
            path,
            file,
            length: text.len() as u64,
            compacted_length: 0,
        };
        let journal = Self {
            open: Some(open),
            entries: PhantomData,
        };
        Ok((entries, journal))
    }

    /// Adds one entry.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is left then.
    pub(crate) fn append(&mut self, entry: &E) -> io::Result<()> {
        let Some(open) = &mut self.open else {
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
    pub(crate) fn wants_compaction(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.length > 2 * open.compacted_length + COMPACT_AFTER)
    }

    /// Replaces everything by `entries`, in one step: a kill leaves the old file or the new one.
    ///
    /// # Errors
    /// When it cannot be written; the old file holds then.
    pub(crate) fn rewrite(&mut self, entries: impl Iterator<Item = E>) -> io::Result<()> {
        let Some(open) = &mut self.open else {
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

fn line(entry: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

fn parse<E: DeserializeOwned>(text: &[u8], path: &Path) -> io::Result<Vec<E>> {
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let lines = text[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(at, line)| serde_json::from_slice(line).map_err(|e| damaged(path, at, &e)))
        .collect()
}

fn damaged(path: &Path, at: usize, error: &serde_json::Error) -> io::Error {
    let file = path.file_name().unwrap_or_default().display();
    let reason = format!("{file}, line {}: {error}", at + 1);
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
