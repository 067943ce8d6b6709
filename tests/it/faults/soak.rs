//! Rounds of faults drawn at random over two daemons and several topics; at the end of each, every record is on the target,
//! in order, and none is there twice without a word in the log.
//!
//!     KMIRROR_SOAK_MINUTES=30 cargo test --test it -- --ignored --nocapture soak
//!
//! `KMIRROR_SOAK_SEED` runs the round of that seed once more. After a round that fails, `KMIRROR_SOAK_LOGS` is the directory
//! where what its daemons logged, and what is on both clusters, is to be found.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::repeats::{AtRisk, Place};
use super::trace;
use super::weather::Weather;
use crate::harness::{Sites, budget, copy_of, group_of};
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

pub const TOPICS: [&str; 3] = ["orders", "payments", "visits"];
const PARTITIONS: i32 = 4;
/// Nodes of each cluster.
pub const NODES: i32 = 3;
/// How long faults are drawn in one round, at least.
const ROUND: Duration = Duration::from_secs(40);
/// Records that are written in one round, at least: a busy machine takes longer. Each partition gets some 2,500 of them, far
/// more than fit in flight, so that not every backlog is excused.
const LOAD: usize = 30_000;
/// How long a mirror may take to catch up once all faults are over: longer than a session and a rebalance.
const HEALED: Duration = Duration::from_secs(120);
/// A quarter of it is for records in flight, of which one partition takes half at most, or all by a single batch.
const MEMORY: i64 = 16 << 20;
/// Bytes of a record's value, at least.
const VALUE: usize = 4_000;
/// Bytes that a record of the load takes in flight, at least: what librdkafka needs for it is counted, too.
const RECORD: i64 = VALUE as i64 + 256;

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
    let mut sites = Sites::of(NODES as usize)?;
    for topic in TOPICS {
        sites.source.client.create_topic(topic, PARTITIONS, &[])?;
    }
    let config = config(&sites).write()?;
    let mut daemons = Daemons::start(&config)?;
    // Whatever the claim that fails, and however: what the round left is kept.
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let mut load = Load::new(seed);
        let mut at_risk = AtRisk::new(places(), MEMORY / 4 / RECORD);
        blow(seed, &mut sites, &mut daemons, &mut load, &mut at_risk)?;
        verdict(&mut sites, &mut load, &mut at_risk, &mut daemons)
    }));
    if !matches!(judged, Ok(Ok(()))) {
        println!("soak: seed {seed} fails");
        daemons.keep_logs(seed)?;
        keep_trace(&mut sites, seed)?;
    }
    match judged {
        Ok(verdict) => verdict.with_context(|| format!("seed {seed}")),
        Err(panic) => resume_unwind(panic),
    }
}

/// Writes, and has faults come and go, until there was enough of both.
fn blow(
    seed: u64,
    sites: &mut Sites,
    daemons: &mut Daemons<'_>,
    load: &mut Load,
    at_risk: &mut AtRisk,
) -> Result<()> {
    let mut weather = Weather::new(seed);
    let begun = Instant::now();
    while begun.elapsed() < ROUND || load.written < LOAD {
        ensure!(
            begun.elapsed() < 5 * ROUND,
            "{} records written; {:?}",
            load.written,
            load.refused
        );
        load.write(sites);
        at_risk.look(sites);
        daemons.ensure_alive()?;
        weather.blow(sites, daemons)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    weather.clear(sites, daemons)?;
    println!("soak: {weather}");
    Ok(())
}

/// Keeps what the round left on both clusters, where the logs are.
fn keep_trace(sites: &mut Sites, seed: u64) -> Result<()> {
    match env::var("KMIRROR_SOAK_LOGS") {
        Ok(directory) => trace::write(sites, &TOPICS, &format!("{directory}/{seed}")),
        Err(_) => Ok(()),
    }
}

/// All partitions of the source.
pub fn places() -> Vec<Place> {
    let places = TOPICS
        .iter()
        .flat_map(|topic| (0..PARTITIONS).map(move |partition| ((*topic).to_owned(), partition)));
    places.collect()
}

fn config(sites: &Sites) -> Config {
    sites
        .config(&TOPICS)
        .set("commit_interval", "200ms")
        .client("session.timeout.ms", "6000")
        .client("heartbeat.interval.ms", "500")
        .top("memory", &format!("{}MiB", MEMORY >> 20))
}

/// Everything there, in order, and no more of it twice than the daemons' logs excuse.
fn verdict(
    sites: &mut Sites,
    load: &mut Load,
    at_risk: &mut AtRisk,
    daemons: &mut Daemons<'_>,
) -> Result<()> {
    await_committed(sites, at_risk);
    daemons.await_nothing_in_flight();
    // A write that came late and last is told with the next that is acknowledged.
    load.write_to_all(sites)?;
    await_committed(sites, at_risk);
    for topic in TOPICS {
        let comparison = sites.compare(topic)?;
        ensure!(
            comparison.is_exact_but_for_replays(),
            "{topic}: {comparison:#?}"
        );
        sites.assert_no_position_moved_back(topic);
    }
    daemons.ensure_alive()?;
    let (mut records, mut repeated, mut excused) = (0, 0, 0);
    for ((topic, partition), may) in at_risk.excused(daemons.logs()) {
        let written = sites
            .source
            .cluster()
            .log_end(&topic, partition)
            .unwrap_or(0);
        let copied = sites
            .target
            .cluster()
            .log_end(&copy_of(&topic), partition)
            .unwrap_or(0);
        let twice = copied - written;
        ensure!(
            twice <= may,
            "{topic}/{partition}: {twice} records repeated, {may} are excused"
        );
        (records, repeated, excused) = (records + written, repeated + twice, excused + may);
    }
    println!("soak: {records} records, 0 lost, {repeated} repeated of {excused} excused");
    Ok(())
}

/// Waits until the group has committed everything that is on the source.
#[track_caller]
fn await_committed(sites: &mut Sites, at_risk: &mut AtRisk) {
    for topic in TOPICS {
        eventually(&format!("{topic} is committed"), HEALED, || {
            at_risk.look(sites);
            let client = &mut sites.source.client;
            client.forget_leaders(topic);
            let lag = client.group_lag(&group_of(topic), topic)?;
            ensure!(lag == 0, "lag {lag}");
            Ok(())
        });
    }
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
            .map(|index| record(partition, index))
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

    /// One more record to each partition.
    fn write_to_all(&mut self, sites: &mut Sites) -> Result<()> {
        for topic in TOPICS {
            sites.write(topic, self.next, 1)?;
        }
        self.next += 1;
        Ok(())
    }
}

/// A typical record, and so large that few of them fit in flight.
fn record(partition: i32, index: usize) -> Record {
    let record = workload::typical(partition, index);
    record.value(format!("{index:VALUE$}"))
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

    /// None has ended by itself.
    fn ensure_alive(&mut self) -> Result<()> {
        for daemon in &mut self.running {
            let ended = daemon.exited()?;
            ensure!(ended.is_none(), "a daemon ended by itself with {ended:?}");
        }
        Ok(())
    }

    /// Waits until none has anything on the way, not even of partitions that it lost.
    #[track_caller]
    fn await_nothing_in_flight(&self) {
        for daemon in &self.running {
            eventually("nothing is in flight", HEALED, || {
                let (used, _) = budget(daemon)?;
                ensure!(used == 0.0, "{used} bytes");
                Ok(())
            });
        }
    }

    /// What all have logged.
    fn logs(&self) -> impl Iterator<Item = String> {
        let ended = self.logs.iter().cloned();
        ended.chain(self.running.iter().map(Daemon::log))
    }

    fn keep_logs(&self, seed: u64) -> Result<()> {
        let Ok(directory) = env::var("KMIRROR_SOAK_LOGS") else {
            return Ok(());
        };
        for (number, log) in self.logs().enumerate() {
            let file = format!("{directory}/{seed}-{number}.log");
            fs::write(&file, log).with_context(|| file)?;
        }
        Ok(())
    }
}
