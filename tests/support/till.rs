//! A producer that writes transactions to one partition and aborts some, and a reader that sees what was committed.

use std::time::Duration;

use anyhow::Result;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Records of one transaction.
pub const EACH: usize = 7;

/// Writes transactions to partition 0 of a topic, every third of which it aborts.
pub struct Till {
    topic: String,
    producer: BaseProducer,
    /// Number of the next transaction.
    next: usize,
}

impl Till {
    /// A till at `topic`, which exists, of the cluster at `bootstrap`.
    pub fn open(bootstrap: &str, topic: &str) -> Result<Self> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("transactional.id", format!("till-{topic}"))
            .create()?;
        producer.init_transactions(TIMEOUT)?;
        Ok(Self {
            topic: topic.to_owned(),
            producer,
            next: 0,
        })
    }

    /// Writes so many transactions of [`EACH`] records.
    pub fn ring(&mut self, transactions: usize) -> Result<()> {
        for _ in 0..transactions {
            self.producer.begin_transaction()?;
            for record in 0..EACH {
                self.send(&format!("{} {record}", self.next))?;
            }
            match self.next % 3 {
                2 => {
                    self.producer.flush(TIMEOUT)?;
                    self.producer.abort_transaction(TIMEOUT)?;
                }
                _ => self.commit()?,
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Begins a transaction with a record of this key, which is on the cluster when this returns.
    pub fn leave_open(&mut self, key: &str) -> Result<()> {
        self.producer.begin_transaction()?;
        self.send(key)?;
        Ok(self.producer.flush(TIMEOUT)?)
    }

    /// Commits the transaction that is open.
    pub fn commit(&self) -> Result<()> {
        Ok(self.producer.commit_transaction(TIMEOUT)?)
    }

    fn send(&self, key: &str) -> Result<()> {
        let record = BaseRecord::to(&self.topic).partition(0);
        let record = record.key(key).payload("paid");
        Ok(self.producer.send(record).map_err(|(error, _)| error)?)
    }
}

/// Offsets and keys of partition 0 of a topic, as a reader of this `isolation.level` sees them.
pub fn seen(bootstrap: &str, topic: &str, isolation: &str) -> Result<Vec<(i64, String)>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "reader")
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let mut seen = Vec::new();
    loop {
        match consumer.poll(TIMEOUT) {
            Some(Ok(record)) => {
                let key = record.key().unwrap_or_default();
                let key = String::from_utf8_lossy(key).into_owned();
                seen.push((record.offset(), key));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(seen),
            Some(Err(error)) => return Err(error.into()),
            None => anyhow::bail!("{topic} has no end"),
        }
    }
}
