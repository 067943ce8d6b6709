//! A source and a target, started at the same time, and the mirror between them as its contract names things.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::broker::KafkaBroker;
use crate::support::compare::{self, Comparison, Timestamps};
use crate::support::config_file::Config;
use crate::support::ledger::Ledger;
use crate::support::wait::eventually;

/// The pair that [`Clusters::shared`] hands out, while somebody holds it.
static SHARED: Mutex<Weak<Clusters>> = Mutex::new(Weak::new());

pub struct Clusters {
    pub source: KafkaBroker,
    pub target: KafkaBroker,
}

impl Clusters {
    pub fn start() -> Result<Self> {
        let target = thread::spawn(|| KafkaBroker::start("target broker"));
        let source = KafkaBroker::start("source broker");
        let target = target.join().expect("a broker starts or says why not");
        Ok(Self {
            source: source?,
            target: target?,
        })
    }

    /// A pair of one's own, with an empty source topic.
    pub fn with_topic(topic: &str, partitions: i32) -> Result<Self> {
        let clusters = Self::start()?;
        clusters
            .source
            .client()
            .create_topic(topic, partitions, &[])?;
        Ok(clusters)
    }

    /// A pair that several tests use at the same time: each keeps to topics of its own and leaves the brokers alone.
    pub fn shared() -> Result<Arc<Self>> {
        // Held during the start, so that the next one waits for it. A start that panicked left no pair behind.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// Mirrors the topics that match from source to target, all else at its default.
    pub fn config(&self, topics: &[&str]) -> Config {
        Config::mirror(&self.source.bootstrap(), &self.target.bootstrap(), topics)
    }

    /// Waits until the mirror has committed the end of every partition: all it was given is acknowledged (I1).
    #[track_caller]
    pub fn await_caught_up(&self, topic: &str, deadline: Duration) {
        let mut source = self.source.client();
        let what = format!("{topic} is mirrored and committed to its end");
        eventually(&what, deadline, || {
            let lag = source.group_lag(&group(topic), topic)?;
            ensure!(lag == 0, "{lag} records behind");
            Ok(())
        });
    }

    /// Waits until the copy of `topic` holds `records`, replays included.
    #[track_caller]
    pub fn await_copied(&self, topic: &str, records: i64, deadline: Duration) {
        let mut target = self.target.client();
        let what = format!("{records} records of {topic} are copied");
        eventually(&what, deadline, || {
            let copied = target.total_end(&copy_of(topic))?;
            ensure!(copied >= records, "{copied} are");
            Ok(())
        });
    }

    /// What a topic's pipeline has committed for a partition.
    pub fn committed(&self, topic: &str, partition: i32) -> Result<Option<i64>> {
        self.source
            .client()
            .committed(&group(topic), topic, partition)
    }

    /// The copy of `topic` against what was written, for when the source does not hold it any more.
    pub fn compare_with(&self, written: &Ledger, topic: &str) -> Result<Comparison> {
        let copy = Ledger::read(&mut self.target.client(), &copy_of(topic))?;
        Ok(compare::ledgers(
            written,
            &copy,
            Timestamps::ZeroCopiedAsOne,
        ))
    }

    /// The copy of `topic` against what the source holds.
    pub fn compare(&self, topic: &str) -> Result<Comparison> {
        let (mut source, mut target) = (self.source.client(), self.target.client());
        let copy = copy_of(topic);
        compare::topics(
            (&mut source, topic),
            (&mut target, &copy),
            Timestamps::ZeroCopiedAsOne,
        )
    }
}

/// The name of a topic's copy.
pub fn copy_of(topic: &str) -> String {
    format!("source.{topic}")
}

/// The consumer group of a topic's pipeline.
pub fn group(topic: &str) -> String {
    format!("kmirror.source-target.{topic}")
}
