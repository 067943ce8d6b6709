//! Compares a source topic with its copy, record by record: what is lost, duplicated, reordered, altered or foreign.

use std::fmt;

use anyhow::Result;

use super::alignment::Alignment;
use super::client::Client;
use super::ledger::Ledger;

/// What the copy's timestamps have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// Those of the source.
    Exact,
    /// Those of the source, but 1 for 0: librdkafka takes a timestamp of 0 for "now", so kmirror writes 1 instead.
    ZeroCopiedAsOne,
}

impl Timestamps {
    pub fn copied(self, source: i64) -> i64 {
        if self == Self::ZeroCopiedAsOne && source == 0 {
            1
        } else {
            source
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On the source, not in the copy.
    Lost,
    /// In the copy once more than on the source.
    Duplicated,
    /// In the copy for the first time after a record that follows it on the source.
    Reordered,
    /// In place of a source record that is missing, with other content or timestamp.
    Altered,
    /// In the copy, and neither on the source nor in place of anything.
    Foreign,
}

/// One deviation, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub kind: Kind,
    pub partition: i32,
    pub source_offset: Option<i64>,
    pub target_offset: Option<i64>,
    /// The records concerned, in words; filled in where the clusters are at hand.
    pub records: String,
}

/// How a copy deviates from its source. All counts are records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    pub source_records: usize,
    pub target_records: usize,
    pub lost: usize,
    pub duplicated: usize,
    pub reordered: usize,
    pub altered: usize,
    pub foreign: usize,
    /// How often the copy jumps back on the source: once per partition for each restart that replays.
    pub rewinds: usize,
    /// The first deviation of each kind.
    pub first: Vec<Difference>,
}

impl Comparison {
    /// The copy is the source, record by record.
    pub fn is_exact(&self) -> bool {
        self.first.is_empty()
    }

    /// The copy is the source in its order, but for replays: what at-least-once promises (I1, I2, I4).
    pub fn is_exact_but_for_replays(&self) -> bool {
        self.first
            .iter()
            .all(|difference| difference.kind == Kind::Duplicated)
    }

    /// The copy is the source in its order and without repeats, but for records that it does not have.
    pub fn is_exact_but_for_losses(&self) -> bool {
        self.first
            .iter()
            .all(|difference| difference.kind == Kind::Lost)
    }

    pub fn note(
        &mut self,
        kind: Kind,
        partition: i32,
        source_offset: Option<i64>,
        target_offset: Option<i64>,
    ) {
        let count = match kind {
            Kind::Lost => &mut self.lost,
            Kind::Duplicated => &mut self.duplicated,
            Kind::Reordered => &mut self.reordered,
            Kind::Altered => &mut self.altered,
            Kind::Foreign => &mut self.foreign,
        };
        *count += 1;
        if self.first.iter().all(|known| known.kind != kind) {
            self.first.push(Difference {
                kind,
                partition,
                source_offset,
                target_offset,
                records: String::new(),
            });
        }
    }
}

/// Reads both topics to their ends, compares them, and describes the first deviation of each kind.
pub fn topics(
    (source, source_topic): (&mut Client, &str),
    (target, target_topic): (&mut Client, &str),
    timestamps: Timestamps,
) -> Result<Comparison> {
    let mut comparison = ledgers(
        &Ledger::read(source, source_topic)?,
        &Ledger::read(target, target_topic)?,
        timestamps,
    );
    for difference in &mut comparison.first {
        let Difference {
            partition,
            source_offset,
            target_offset,
            ..
        } = *difference;
        difference.records = format!(
            "source: {}; target: {}",
            in_words(source, source_topic, partition, source_offset)?,
            in_words(target, target_topic, partition, target_offset)?
        );
    }
    Ok(comparison)
}

fn in_words(
    client: &mut Client,
    topic: &str,
    partition: i32,
    offset: Option<i64>,
) -> Result<String> {
    let Some(offset) = offset else {
        return Ok("none".to_owned());
    };
    let stored = client.read_one(topic, partition, offset)?;
    Ok(stored.map_or_else(
        || "gone".to_owned(),
        |stored| format!("{:?} {}", stored.timestamp_type, stored.record),
    ))
}

/// Compares what was remembered of the source with what was remembered of the copy, partition by partition.
pub fn ledgers(source: &Ledger, target: &Ledger, timestamps: Timestamps) -> Comparison {
    let mut comparison = Comparison {
        source_records: source.records(),
        target_records: target.records(),
        ..Comparison::default()
    };
    let none = Vec::new();
    for partition in 0..source.partitions.len().max(target.partitions.len()) {
        let source = source.partitions.get(partition).unwrap_or(&none);
        let target = target.partitions.get(partition).unwrap_or(&none);
        Alignment::new(
            i32::try_from(partition).expect("Kafka counts partitions in i32"),
            source,
            timestamps,
        )
        .walk(target, &mut comparison);
    }
    comparison
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records on the source, {} in the copy: {} lost, {} duplicated in {} rewinds, {} reordered, {} altered, {} foreign",
            self.source_records,
            self.target_records,
            self.lost,
            self.duplicated,
            self.rewinds,
            self.reordered,
            self.altered,
            self.foreign
        )?;
        for Difference {
            kind,
            partition,
            source_offset,
            target_offset,
            records,
        } in &self.first
        {
            write!(
                f,
                "\n  first {kind:?}: partition {partition}, source offset {source_offset:?}, target offset {target_offset:?}: {records}"
            )?;
        }
        Ok(())
    }
}
