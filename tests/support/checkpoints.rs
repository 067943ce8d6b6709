//! Reads MirrorMaker 2's checkpoints as its own readers do: the last record of each key counts.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::client::Client;

/// Group, topic on the target, partition.
pub type Key = (String, String, i32);

/// What the last record of a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub upstream: i64,
    pub downstream: i64,
    pub metadata: String,
    /// The record's timestamp.
    pub timestamp: i64,
}

/// All that a checkpoints topic holds. A tombstone is an error, as it is to Java's readers.
pub fn read(client: &mut Client, topic: &str) -> Result<BTreeMap<Key, Checkpoint>> {
    let mut records = Vec::new();
    let held = client.log_start(topic, 0)?..client.log_end(topic, 0)?;
    client.read(topic, 0, held, |stored| records.push(stored.record))?;
    let mut checkpoints = BTreeMap::new();
    for record in records {
        let key = key(&record.key.context("no key")?)?;
        let value = value(&record.value.context("a tombstone")?, record.timestamp)?;
        checkpoints.insert(key, value);
    }
    Ok(checkpoints)
}

fn key(bytes: &[u8]) -> Result<Key> {
    let (group, rest) = text(bytes)?;
    let (topic, rest) = text(rest)?;
    Ok((group, topic, i32::from_be_bytes(rest.try_into()?)))
}

fn value(bytes: &[u8], timestamp: i64) -> Result<Checkpoint> {
    let (version, rest) = bytes.split_first_chunk().context("no version")?;
    ensure!(i16::from_be_bytes(*version) == 0, "version {version:?}");
    let (upstream, rest) = rest.split_first_chunk().context("no upstream offset")?;
    let (downstream, rest) = rest.split_first_chunk().context("no downstream offset")?;
    let (metadata, rest) = text(rest)?;
    ensure!(rest.is_empty(), "{rest:?} at the end");
    Ok(Checkpoint {
        upstream: i64::from_be_bytes(*upstream),
        downstream: i64::from_be_bytes(*downstream),
        metadata,
        timestamp,
    })
}

fn text(bytes: &[u8]) -> Result<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk().context("no text")?;
    let length = usize::try_from(i16::from_be_bytes(*length))?;
    let (text, rest) = rest.split_at_checked(length).context("half a text")?;
    Ok((String::from_utf8(text.to_vec())?, rest))
}
