//! Two in-tree clusters in this process, and the waits that every claim is made of.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Builder, Cluster};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::compare::{self, Comparison, Timestamps};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::wait::eventually;
use crate::support::workload;

/// Long enough for a busy machine; no claim takes nearly as long on an idle one.
pub const SOON: Duration = Duration::from_secs(60);

/// A cluster that can be taken down and brought back with its data, at the same address.
pub struct Site {
    runtime: Runtime,
    cluster: Option<Cluster>,
    bootstrap: String,
    nodes: usize,
    data: TempDir,
    /// Asks the cluster directly.
    pub client: Client,
}

impl Site {
    /// A cluster of so many nodes. One that is to be restarted has a single one: only the first node's port is kept.
    pub fn start(nodes: usize) -> Result<Self> {
        let runtime = Runtime::new()?;
        let data = tempfile::tempdir()?;
        let builder = Self::builder("127.0.0.1:0", nodes, &data);
        let cluster = runtime.block_on(builder.start())?;
        let bootstrap = cluster.bootstrap_servers();
        Ok(Self {
            runtime,
            cluster: Some(cluster),
            client: Client::new(bootstrap.clone()),
            bootstrap,
            nodes,
            data,
        })
    }

    fn builder(listen: &str, nodes: usize, data: &TempDir) -> Builder {
        Cluster::builder()
            .nodes(nodes)
            .listen(listen)
            .data_dir(data.path())
            // The tests' records are years old.
            .broker_config("log.retention.ms", "-1")
    }

    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The cluster itself, for faults and controls.
    ///
    /// # Panics
    /// While it is down.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("the cluster is up")
    }

    /// Waits for something that happens on the cluster.
    ///
    /// # Panics
    /// When it has not happened after [`SOON`].
    #[track_caller]
    pub fn wait<T>(&self, what: &str, happening: impl Future<Output = T>) -> T {
        let happened = self
            .runtime
            .block_on(async { tokio::time::timeout(SOON, happening).await });
        happened.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"))
    }

    /// Takes the cluster down: nothing listens at its address any more.
    pub fn stop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            self.runtime.block_on(cluster.shutdown());
        }
    }

    /// Brings it back.
    pub fn restart(&mut self) -> Result<()> {
        let builder = Self::builder(&self.bootstrap, self.nodes, &self.data);
        self.cluster = Some(self.runtime.block_on(builder.start())?);
        self.client = Client::new(self.bootstrap.clone());
        Ok(())
    }
}

/// A source and a target.
pub struct Sites {
    pub source: Site,
    pub target: Site,
}

impl Sites {
    /// One node each.
    pub fn start() -> Result<Self> {
        Self::of(1)
    }

    /// So many nodes each.
    pub fn of(nodes: usize) -> Result<Self> {
        Ok(Self {
            source: Site::start(nodes)?,
            target: Site::start(nodes)?,
        })
    }

    /// A mirror of `topics` that looks for new ones often.
    pub fn config(&self, topics: &[&str]) -> Config {
        Config::mirror(self.source.bootstrap(), self.target.bootstrap(), topics)
            .set("discovery_interval", "500ms")
    }

    /// Writes `count` typical records to each partition of `topic`, numbered from `first`.
    pub fn write(&mut self, topic: &str, first: usize, count: usize) -> Result<()> {
        let client = &mut self.source.client;
        for partition in 0..client.partitions(topic)? {
            let records = (first..first + count).map(|index| workload::typical(partition, index));
            Writer::new(client, topic)?.write_all(partition, records, 500, Codec::Lz4)?;
        }
        Ok(())
    }

    /// Waits until the copy of `topic` holds at least as many records as the source.
    #[track_caller]
    pub fn await_copied(&mut self, topic: &str) {
        let copy = copy_of(topic);
        let (source, target) = (&mut self.source.client, &mut self.target.client);
        eventually(&format!("{topic} is copied"), SOON, || {
            let (written, copied) = (source.total_end(topic)?, target.total_end(&copy)?);
            ensure!(copied >= written, "{copied} of {written} records");
            Ok(())
        });
    }

    /// Waits until the group has committed everything that is on the source.
    #[track_caller]
    pub fn await_committed(&mut self, topic: &str) {
        let client = &mut self.source.client;
        eventually(&format!("{topic} is committed"), SOON, || {
            let lag = client.group_lag(&group_of(topic), topic)?;
            ensure!(lag == 0, "lag {lag}");
            Ok(())
        });
    }

    /// Compares the copy of `topic` with its source.
    pub fn compare(&mut self, topic: &str) -> Result<Comparison> {
        compare::topics(
            (&mut self.source.client, topic),
            (&mut self.target.client, &copy_of(topic)),
            Timestamps::ZeroCopiedAsOne,
        )
    }

    /// # Panics
    /// When the copy is not the source, record by record.
    #[track_caller]
    pub fn assert_exact(&mut self, topic: &str) -> Result<()> {
        let comparison = self.compare(topic)?;
        assert!(comparison.is_exact(), "{comparison:#?}");
        Ok(())
    }

    /// What the group of `topic` has committed for one partition.
    pub fn committed(&mut self, topic: &str, partition: i32) -> Result<Option<i64>> {
        self.source
            .client
            .committed(&group_of(topic), topic, partition)
    }
}

pub fn copy_of(topic: &str) -> String {
    format!("source.{topic}")
}

pub fn group_of(topic: &str) -> String {
    format!("kmirror.source-target.{topic}")
}

/// The sum of a metric over one topic.
pub fn metric(daemon: &Daemon, name: &str, topic: &str) -> Result<f64> {
    let metrics = daemon.metrics()?;
    metrics
        .sum(name, &[("topic", topic)])
        .with_context(|| format!("no {name} of {topic}"))
}

/// Waits until a partition of `topic` is in `state`; returns the reason.
#[track_caller]
pub fn await_state(daemon: &Daemon, topic: &str, partition: usize, state: &str) -> String {
    eventually(&format!("{topic}/{partition} is {state}"), SOON, || {
        let status = daemon.status()?;
        let topics = status["mirrors"][0]["topics"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = topics.iter().find(|one| one["source_topic"] == topic);
        let found = found.context("the topic is not in the status")?;
        let seen = &found["partitions"][partition];
        ensure!(seen["state"] == state, "{seen}");
        Ok(seen["reason"].as_str().unwrap_or_default().to_owned())
    })
}

#[test]
fn a_site_comes_back_with_its_data() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 1_000)?;
    let before = Ledger::read(&mut sites.source.client, "orders")?;
    sites.source.stop();
    sites.source.restart()?;
    let after = Ledger::read(&mut sites.source.client, "orders")?;
    assert_eq!(before.differs_from(&after), None);
    Ok(())
}
