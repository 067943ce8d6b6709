//! Remembers what a topic holds, 32 bytes per record: what was written to it, or what was read back.

use anyhow::Result;

use super::client::Client;
use super::codec::Codec;
use super::decode::Stored;
use super::record::{Record, TimestampType};

/// One record, remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub offset: i64,
    /// Digest of key, value and headers.
    pub content: u64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub timestamp_type: TimestampType,
}

impl From<&Stored> for Entry {
    fn from(stored: &Stored) -> Self {
        Self {
            offset: stored.offset,
            content: stored.record.digest(),
            timestamp: stored.record.timestamp,
            timestamp_type: stored.timestamp_type,
        }
    }
}

/// The entries of each partition, in the order of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub partitions: Vec<Vec<Entry>>,
}

impl Ledger {
    pub fn empty(partitions: usize) -> Self {
        Self {
            partitions: vec![Vec::new(); partitions],
        }
    }

    /// Reads `topic` from its log starts to the ends it has now: the truth, timestamps of the broker's included.
    pub fn read(client: &mut Client, topic: &str) -> Result<Self> {
        let mut ledger = Self::empty(usize::try_from(client.partitions(topic)?)?);
        for (partition, entries) in (0..).zip(&mut ledger.partitions) {
            let held = client.log_start(topic, partition)?..client.log_end(topic, partition)?;
            client.read(topic, partition, held, |stored| {
                entries.push(Entry::from(&stored))
            })?;
        }
        Ok(ledger)
    }

    /// Adds what came after.
    pub fn extend(&mut self, later: Self) {
        for (entries, more) in self.partitions.iter_mut().zip(later.partitions) {
            entries.extend(more);
        }
    }

    /// Records over all partitions.
    pub fn records(&self) -> usize {
        self.partitions.iter().map(Vec::len).sum()
    }

    /// Where what was written (`self`) differs from what the same topic answers (`read`): the first place, in words.
    ///
    /// On a LogAppendTime topic the broker's timestamp replaces the writer's, so there it is not compared.
    pub fn differs_from(&self, read: &Self) -> Option<String> {
        for (partition, (written, read)) in self.partitions.iter().zip(&read.partitions).enumerate()
        {
            if written.len() != read.len() {
                return Some(format!(
                    "partition {partition}: {} records written, {} read",
                    written.len(),
                    read.len()
                ));
            }
            let same = |one: &Entry, other: &Entry| {
                let timed = other.timestamp_type == TimestampType::LogAppendTime
                    || one.timestamp == other.timestamp;
                timed && one.offset == other.offset && one.content == other.content
            };
            if let Some((one, other)) = written
                .iter()
                .zip(read)
                .find(|(one, other)| !same(one, other))
            {
                return Some(format!(
                    "partition {partition}: wrote {one:?}, read {other:?}"
                ));
            }
        }
        (self.partitions.len() != read.partitions.len())
            .then(|| "partition counts differ".to_owned())
    }
}

/// Writes to one topic and remembers all of it.
pub struct Writer<'a> {
    client: &'a mut Client,
    topic: String,
    pub written: Ledger,
}

impl<'a> Writer<'a> {
    /// A writer to `topic`, which exists.
    pub fn new(client: &'a mut Client, topic: &str) -> Result<Self> {
        let partitions = usize::try_from(client.partitions(topic)?)?;
        Ok(Self {
            client,
            topic: topic.to_owned(),
            written: Ledger::empty(partitions),
        })
    }

    /// Writes `records` to `partition` as one batch.
    pub fn write(&mut self, partition: i32, records: &[Record], codec: Codec) -> Result<()> {
        let base = self
            .client
            .produce(&self.topic, partition, records, codec)?;
        let entries = (base..).zip(records).map(|(offset, record)| Entry {
            offset,
            content: record.digest(),
            timestamp: record.timestamp,
            timestamp_type: TimestampType::CreateTime,
        });
        self.written.partitions[usize::try_from(partition)?].extend(entries);
        Ok(())
    }

    /// Writes `records` to `partition` in batches of at most `batch`.
    pub fn write_all(
        &mut self,
        partition: i32,
        records: impl IntoIterator<Item = Record>,
        batch: usize,
        codec: Codec,
    ) -> Result<()> {
        let mut records = records.into_iter();
        loop {
            let next: Vec<_> = records.by_ref().take(batch).collect();
            if next.is_empty() {
                return Ok(());
            }
            self.write(partition, &next, codec)?;
        }
    }
}
