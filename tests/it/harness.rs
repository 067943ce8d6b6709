//! Two in-tree clusters in this process, and the waits that every claim is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, Builder, Cluster, ErrorCode, Fault, Rule};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::compare::{self, Comparison, Timestamps};
use crate::support::config_file::{Config, ConfigFile};
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
            .authorizer()
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

    /// Begins a rule about requests of kmirror's own clients: the members of its groups, its producers, its inspectors.
    pub fn on(&self, api: Api) -> Rule {
        let faults = self.cluster().faults();
        faults.on(api).client("kmirror?source-target*")
    }

    /// Waits until a rule has acted that many times.
    #[track_caller]
    pub fn await_hits(&self, fault: &Fault, hits: u64) {
        self.wait(&format!("{hits} hits of: {fault}"), fault.hit(hits));
    }

    /// How many requests have been answered with `error`.
    pub fn answered_with(&self, api: Api, error: ErrorCode) -> usize {
        let asked = self.cluster().journal().into_iter();
        asked
            .filter(|entry| entry.api == api && entry.error == Some(error.code()))
            .count()
    }

    /// Stops one node, as a kill does.
    pub fn stop_node(&mut self, node: i32) -> Result<()> {
        let stopping = self.cluster().stop_node(node);
        self.wait("the node is down", stopping)?;
        // Its connections are of no more use.
        self.client = Client::new(self.bootstrap.clone());
        Ok(())
    }

    /// Starts it again.
    pub fn start_node(&self, node: i32) -> Result<()> {
        let starting = self.cluster().start_node(node);
        Ok(self.wait("the node is up", starting)?)
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

    /// A mirror that has copied `orders`, with so many partitions and `records` in each.
    pub fn mirrored(partitions: i32, records: usize) -> Result<(Self, ConfigFile, Daemon)> {
        let mut sites = Self::start()?;
        sites
            .source
            .client
            .create_topic("orders", partitions, &[])?;
        let config = sites.config(&["orders"]).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        sites.write("orders", 0, records)?;
        sites.await_committed("orders");
        Ok((sites, config, daemon))
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

    /// Whatever the client was told: a commit whose answer was lost moved the position, too.
    ///
    /// # Panics
    /// When the group took a position that lies before one that it had taken earlier.
    #[track_caller]
    pub fn assert_no_position_moved_back(&self, topic: &str) {
        let mut furthest = BTreeMap::new();
        let asked = self.source.cluster().journal().into_iter();
        for commit in asked.flat_map(|entry| entry.commits) {
            if commit.topic == topic && commit.taken {
                let before = furthest.insert(commit.partition, commit.offset);
                assert!(
                    before <= Some(commit.offset),
                    "{before:?} before {commit:?}"
                );
            }
        }
        assert!(!furthest.is_empty(), "nothing was committed");
    }

    /// Compares the copy of `topic` with its source.
    pub fn compare(&mut self, topic: &str) -> Result<Comparison> {
        self.source.client.forget_leaders(topic);
        self.target.client.forget_leaders(&copy_of(topic));
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

    /// # Panics
    /// When something is missing, in another order or altered; copies that are there twice are not.
    #[track_caller]
    pub fn assert_exact_but_for_replays(&mut self, topic: &str) -> Result<Comparison> {
        let comparison = self.compare(topic)?;
        assert!(comparison.is_exact_but_for_replays(), "{comparison:#?}");
        Ok(comparison)
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

/// Bytes used of the budget, and the budget.
pub fn budget(daemon: &Daemon) -> Result<(f64, f64)> {
    let metrics = daemon.metrics()?;
    let value = |name| metrics.sum(name, &[]).with_context(|| format!("no {name}"));
    Ok((
        value("kmirror_memory_used_bytes")?,
        value("kmirror_memory_budget_bytes")?,
    ))
}

/// Waits until `/readyz` answers with this status; returns its body.
#[track_caller]
pub fn await_ready(daemon: &Daemon, status: u16) -> String {
    eventually(&format!("readyz answers {status}"), SOON, || {
        let answer = daemon.readyz()?;
        ensure!(answer.status == status, "{answer:?}");
        Ok(answer.body)
    })
}

/// Waits until `kmirror_cluster_up` says so of a cluster.
#[track_caller]
pub fn await_cluster_up(daemon: &Daemon, cluster: &str, expected: f64) {
    eventually(
        &format!("cluster_up of {cluster} is {expected}"),
        SOON,
        || {
            let up = daemon
                .metrics()?
                .sum("kmirror_cluster_up", &[("cluster", cluster)]);
            ensure!(up == Some(expected), "{up:?}");
            Ok(())
        },
    );
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
