//! Sources with transactions: what was committed arrives, what was aborted does not, and the markers in between cost nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const TOPIC: &str = "payments";
const TIMEOUT: Duration = Duration::from_secs(20);

/// Records of one transaction.
const EACH: usize = 7;

/// A producer that writes transactions, every third of which it aborts.
struct Till {
    producer: BaseProducer,
    next: usize,
}

impl Till {
    fn open(site: &Site) -> Result<Self> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", site.bootstrap())
            .set("transactional.id", "till")
            .create()?;
        producer.init_transactions(TIMEOUT)?;
        Ok(Self { producer, next: 0 })
    }

    fn ring(&mut self, transactions: usize) -> Result<()> {
        for _ in 0..transactions {
            self.producer.begin_transaction()?;
            for record in 0..EACH {
                let key = format!("{} {record}", self.next);
                let record = BaseRecord::to(TOPIC).partition(0).key(&key).payload("paid");
                self.producer.send(record).map_err(|(error, _)| error)?;
            }
            match self.next % 3 {
                2 => {
                    self.producer.flush(TIMEOUT)?;
                    self.producer.abort_transaction(TIMEOUT)?;
                }
                _ => self.producer.commit_transaction(TIMEOUT)?,
            }
            self.next += 1;
        }
        Ok(())
    }
}

/// Keys of the one partition of a topic, as a reader of this isolation sees them.
fn keys(site: &Site, topic: &str, isolation: &str) -> Result<Vec<String>> {
    let seen = seen(site, topic, isolation)?.into_iter();
    Ok(seen.map(|(_, key)| key).collect())
}

/// The same with their offsets.
fn seen(site: &Site, topic: &str, isolation: &str) -> Result<Vec<(i64, String)>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", site.bootstrap())
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

fn sites() -> Result<(Sites, Till)> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic(TOPIC, 1, &[])?;
    let till = Till::open(&sites.source)?;
    Ok((sites, till))
}

fn config(sites: &Sites) -> Config {
    let config = sites.config(&[TOPIC]).set("commit_interval", "100ms");
    config.client("session.timeout.ms", "6000")
}

/// Waits until the mirror says that it is caught up, the markers behind the last record included.
#[track_caller]
fn await_caught_up(daemon: &Daemon, sites: &Sites) {
    let end = sites.source.cluster().log_end(TOPIC, 0);
    eventually("the mirror is caught up", SOON, || {
        let status = daemon.status()?;
        let partition = &status["mirrors"][0]["topics"][0]["partitions"][0];
        let reached = partition["position"].as_i64() == end && partition["lag_records"] == 0;
        ensure!(reached, "{end:?}: {partition}");
        Ok(())
    });
}

#[test]
fn what_was_committed_arrives_and_what_was_aborted_does_not() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(20)?;
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    till.ring(20)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_committed")?;
    assert_eq!(written.len(), 27 * EACH);
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

#[test]
fn a_transaction_that_is_open_is_waited_for() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(1)?;
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_caught_up(&daemon, &sites);
    till.producer.begin_transaction()?;
    let record = BaseRecord::to(TOPIC)
        .partition(0)
        .key("open")
        .payload("paid");
    till.producer.send(record).map_err(|(error, _)| error)?;
    till.producer.flush(TIMEOUT)?;
    eventually("the open record is on the source", SOON, || {
        let end = sites.source.cluster().log_end(TOPIC, 0);
        ensure!(end == Some(EACH as i64 + 2), "{end:?}");
        Ok(())
    });
    assert_eq!(
        sites.target.cluster().log_end(&copy_of(TOPIC), 0),
        Some(EACH as i64)
    );
    till.producer.commit_transaction(TIMEOUT)?;
    await_caught_up(&daemon, &sites);
    let copied = keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?;
    assert_eq!(copied.last().map(String::as_str), Some("open"));
    Ok(())
}

#[test]
fn after_kills_each_committed_record_is_there_once() -> Result<()> {
    let (sites, mut till) = sites()?;
    let config = config(&sites).write()?;
    for _ in 0..3 {
        let mut daemon = Daemon::start("killed", &config)?;
        till.ring(20)?;
        let committed = keys(&sites.source, TOPIC, "read_committed")?.len() as i64;
        eventually("all of it is copied", SOON, || {
            let end = sites.target.cluster().log_end(&copy_of(TOPIC), 0);
            ensure!(end == Some(committed), "{end:?} of {committed}");
            Ok(())
        });
        daemon.kill()?;
    }
    till.ring(5)?;
    let daemon = Daemon::start("last", &config)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_committed")?;
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

#[test]
fn with_read_uncommitted_aborted_records_arrive_too() -> Result<()> {
    let (sites, mut till) = sites()?;
    till.ring(9)?;
    let config = config(&sites)
        .set("isolation", "read_uncommitted")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_caught_up(&daemon, &sites);
    let written = keys(&sites.source, TOPIC, "read_uncommitted")?;
    assert_eq!(written.len(), 9 * EACH);
    assert_eq!(
        keys(&sites.target, &copy_of(TOPIC), "read_uncommitted")?,
        written
    );
    Ok(())
}

/// A group at every offset there is: records, markers, aborted records and the end.
#[test]
fn i5_each_group_among_transactions_reads_on_where_it_was() -> Result<()> {
    let (mut sites, mut till) = sites()?;
    till.ring(15)?;
    let config = config(&sites).set("checkpoint_interval", "500ms").write()?;
    let mut daemon = Daemon::start("killed", &config)?;
    await_caught_up(&daemon, &sites);
    till.ring(5)?;
    daemon.kill()?;
    till.ring(5)?;
    let daemon = Daemon::start("next", &config)?;
    await_caught_up(&daemon, &sites);
    let end = sites.source.cluster().log_end(TOPIC, 0).unwrap_or_default();
    for offset in 0..=end {
        sites
            .source
            .client
            .commit(&format!("group-{offset}"), TOPIC, 0, offset)?;
    }
    let written = seen(&sites.source, TOPIC, "read_committed")?;
    let copied = seen(&sites.target, &copy_of(TOPIC), "read_uncommitted")?;
    for offset in 0..=end {
        let unread = written
            .iter()
            .filter(|(at, _)| *at >= offset)
            .map(|(_, key)| key);
        let (target, group) = (sites.target.cluster(), format!("group-{offset}"));
        let moved = eventually(&format!("{group} is moved"), SOON, || {
            let moved = target.committed(&group, &copy_of(TOPIC), 0);
            ensure!(moved.is_some(), "it is not");
            Ok(moved)
        });
        let read = copied
            .iter()
            .filter(|(at, _)| Some(*at) >= moved)
            .map(|(_, key)| key);
        assert!(read.eq(unread), "{group} reads on at {moved:?}");
    }
    Ok(())
}
