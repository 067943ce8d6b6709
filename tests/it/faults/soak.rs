//! Rounds of faults drawn at random over two daemons and several topics; at the end of each, every record is on the target,
//! in order, and repeated at most as often as the faults excuse.
//!
//!     KMIRROR_SOAK_MINUTES=30 cargo test --test it -- --ignored --nocapture soak
//!
//! `KMIRROR_SOAK_SEED` runs the round of that seed once more.

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::weather::Weather;
use crate::harness::{Sites, group_of};
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPICS: [&str; 3] = ["orders", "payments", "visits"];
const PARTITIONS: i32 = 4;
/// How long faults are drawn in one round.
const ROUND: Duration = Duration::from_secs(40);
/// How long a mirror may take to catch up once all faults are over: longer than a session and a rebalance.
const HEALED: Duration = Duration::from_secs(120);
#[test]
#[ignore = "runs for as long as KMIRROR_SOAK_MINUTES says"]
fn soak() -> Result<()> {
    let seed = env::var("KMIRROR_SOAK_SEED").ok();
    let seed: Option<u64> = seed.map(|seed| seed.parse()).transpose()?;
    let minutes = env::var("KMIRROR_SOAK_MINUTES").unwrap_or_else(|_| "5".to_owned());
    let until = Instant::now() + Duration::from_secs(minutes.parse::<u64>()? * 60);
    loop {
        round(seed.unwrap_or_else(|| fastrand::u64(..)))?;
        if seed.is_some() || Instant::now() >= until {
            return Ok(());
        }
    }
}

fn round(seed: u64) -> Result<()> {
    println!("soak: seed {seed}");
    let mut sites = Sites::of(3)?;
    for topic in TOPICS {
        sites.source.client.create_topic(topic, PARTITIONS, &[])?;
    }
    let config = config(&sites).write()?;
    let mut daemons = Daemons::start(&config)?;
    let mut weather = Weather::new(seed);
    let mut load = Load::new(seed);
    let mut most_at_risk = 0;
    let until = Instant::now() + ROUND;
    while Instant::now() < until {
        load.write(&mut sites);
        most_at_risk = most_at_risk.max(at_risk(&sites));
        weather.blow(&mut sites, &mut daemons)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    weather.clear(&mut sites, &mut daemons)?;
    ensure!(
        load.written > 10_000,
        "{} records written; {:?}",
        load.written,
        load.refused
    );
    let interruptions = weather.excuses() + daemons.interruptions();
    let excused = interruptions as i64 * most_at_risk;
    println!(
        "soak: {interruptions} interruptions, {most_at_risk} records at risk at most; {weather}"
    );
    verdict(&mut sites, excused).with_context(|| format!("seed {seed}"))
}

/// Records that the group has not committed: what an interruption may have copied once more.
fn at_risk(sites: &Sites) -> i64 {
    let source = sites.source.cluster();
    let partitions = TOPICS
        .iter()
        .flat_map(|topic| (0..PARTITIONS).map(move |partition| (topic, partition)));
    let uncommitted = partitions.map(|(topic, partition)| {
        let end = source.log_end(topic, partition).unwrap_or(0);
        let committed = source.committed(&group_of(topic), topic, partition);
        end - committed.unwrap_or(0)
    });
    uncommitted.sum()
}

fn config(sites: &Sites) -> Config {
    sites
        .config(&TOPICS)
        .set("commit_interval", "200ms")
        .client("session.timeout.ms", "6000")
        .client("heartbeat.interval.ms", "500")
        .top("memory", "16MiB")
}

/// Everything there, in order, and no more than `excused` of it twice.
fn verdict(sites: &mut Sites, excused: i64) -> Result<()> {
    let (mut records, mut repeated) = (0, 0);
    for topic in TOPICS {
        await_committed(sites, topic);
        let comparison = sites.compare(topic)?;
        ensure!(
            comparison.is_exact_but_for_replays(),
            "{topic}: {comparison:#?}"
        );
        repeated += comparison.duplicated as i64;
        records += sites.source.client.total_end(topic)?;
    }
    println!("soak: {records} records, 0 lost, {repeated} repeated of {excused} excused");
    ensure!(
        repeated <= excused,
        "{repeated} records repeated, {excused} are excused"
    );
    Ok(())
}

#[track_caller]
fn await_committed(sites: &mut Sites, topic: &str) {
    let client = &mut sites.source.client;
    eventually(&format!("{topic} is committed"), HEALED, || {
        client.forget_leaders(topic);
        let lag = client.group_lag(&group_of(topic), topic)?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
}

/// Writes to the source all the while; what a fault keeps from being written is left out.
struct Load {
    rng: fastrand::Rng,
    next: usize,
    written: usize,
    /// Why the last one that was not written was not.
    refused: Option<anyhow::Error>,
}

impl Load {
    fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            next: 0,
            written: 0,
            refused: None,
        }
    }

    fn write(&mut self, sites: &mut Sites) {
        let topic = TOPICS[self.rng.usize(..TOPICS.len())];
        let partition = self.rng.i32(0..PARTITIONS);
        let count = self.rng.usize(1..400);
        let records: Vec<_> = (self.next..self.next + count)
            .map(|index| workload::typical(partition, index))
            .collect();
        self.next += count;
        let client = &mut sites.source.client;
        client.forget_leaders(topic);
        // An error leaves open whether they are in the log; the log is what the copy is compared with.
        let written = Writer::new(client, topic)
            .and_then(|mut writer| writer.write(partition, &records, Codec::Lz4));
        match written {
            Ok(()) => self.written += count,
            Err(error) => self.refused = Some(error),
        }
    }
}

/// Two processes of the same mirror, started again after each end.
pub struct Daemons<'a> {
    config: &'a ConfigFile,
    running: Vec<Daemon>,
    /// Logs of those that ended.
    logs: Vec<String>,
}

impl<'a> Daemons<'a> {
    fn start(config: &'a ConfigFile) -> Result<Self> {
        let running = ["one", "two"].map(|name| Daemon::start(name, config));
        Ok(Self {
            config,
            running: running.into_iter().collect::<Result<_>>()?,
            logs: Vec::new(),
        })
    }

    /// One of them.
    pub fn pick(&mut self, index: usize) -> &mut Daemon {
        &mut self.running[index]
    }

    /// Puts a new process in the place of one that has ended.
    pub fn replace(&mut self, index: usize) -> Result<()> {
        self.logs.push(self.running[index].log());
        let name = ["one", "two"][index];
        self.running[index] = Daemon::start(name, self.config)?;
        Ok(())
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// How often a partition was taken from a process with records in flight, or stood still and was read again.
    fn interruptions(&self) -> usize {
        let logs = self.logs.iter().cloned();
        let logs = logs.chain(self.running.iter().map(Daemon::log));
        let told = [
            "partitions lost",
            "partitions revoked",
            "partition stands still",
        ];
        logs.map(|log| {
            let counts = told.iter().map(|what| log.matches(what).count());
            counts.sum::<usize>()
        })
        .sum()
    }
}
