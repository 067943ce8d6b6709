//! Measures what very many idle topics cost, and how soon the first and the next record of one arrives.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::clusters::{Clusters, Named};
use crate::contender::Kill;
use crate::{load, usage};

/// Very many idle topics.
#[derive(Args)]
pub struct Topics {
    /// Topics on the source
    #[arg(long, default_value_t = 1_000)]
    topics: usize,
    /// Partitions of each
    #[arg(long, default_value_t = 2)]
    partitions: i32,
    /// Topics beside them that are not mirrored
    #[arg(long, default_value_t = 0)]
    beside: usize,
    /// Seconds to stay idle for
    #[arg(long, default_value_t = 30)]
    idle: u64,
    /// Topics that get a record each, one after the other
    #[arg(long, default_value_t = 20)]
    records: usize,
    /// Records that one of them gets in the end
    #[arg(long, default_value_t = 200_000)]
    burst: usize,
    /// `per_topic` or `shared`
    #[arg(long, default_value = "shared")]
    consumer_groups: String,
    /// Consumers of the shared group
    #[arg(long, default_value_t = 1)]
    consumers: u8,
    #[command(flatten)]
    clusters: Named,
}

/// What is not there by then has failed.
const LIMIT: Duration = Duration::from_secs(300);

/// Of one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// `discovery_interval`, as it is by default.
const LOOK: Duration = Duration::from_secs(2);

/// Names of the copies begin with this.
const PREFIX: &str = "copy";

impl Topics {
    /// Runs a mirror of them, and prints the figures.
    pub fn measure(&self) -> Result<()> {
        let clusters = Clusters::open(&self.clusters)?;
        let names: Vec<_> = (0..self.topics).map(|n| format!("bench-{n:05}")).collect();
        load::create_topics(&clusters.source, &names, self.partitions)?;
        let others: Vec<_> = (0..self.beside).map(|n| format!("other-{n:05}")).collect();
        load::create_topics(&clusters.source, &others, self.partitions)?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("kmirror.yaml");
        std::fs::write(&file, self.config(&clusters))?;
        let started = Instant::now();
        let process = Command::new(std::env::current_exe()?)
            .args(["run", "-c"])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn();
        let process = Kill(process.context("start kmirror")?);
        let id = process.0.id();
        println!(
            "{} topics of {} partitions beside {} others, {}",
            self.topics, self.partitions, self.beside, self.consumer_groups
        );
        let target = client(&clusters.target)?;
        await_copies(&target, self.topics, started)?;
        println!("all copies created   {:>8.1} s", seconds(started));
        arrival(&clusters, &target, &names[0])?;
        println!("first record copied  {:>8.1} s", seconds(started));
        let (before, since) = (usage::cpu(id)?, Instant::now());
        thread::sleep(Duration::from_secs(self.idle));
        let busy = usage::cpu(id)? - before;
        let share = busy.as_secs_f64() / since.elapsed().as_secs_f64() * 100.0;
        println!("idle, of one core    {share:>8.2} %");
        let per_look = share / 100.0 * LOOK.as_secs_f64() * 1000.0;
        println!("idle, for each look  {per_look:>8.2} ms");
        println!("resident             {:>8.0} MiB", usage::resident_mib(id)?);
        self.delays(&clusters, &target, &names)?;
        let busy = &names[0];
        let copy = format!("{PREFIX}.{busy}");
        let before = target.fetch_watermarks(&copy, 0, TIMEOUT)?.1;
        load::write(&clusters.source, busy, self.burst, 1)?;
        let written = Instant::now();
        await_end(&target, &copy, before + self.burst as i64)?;
        println!(
            "busy among idle      {:>8.1} s behind after {} records",
            seconds(written),
            self.burst
        );
        println!("resident             {:>8.0} MiB", usage::resident_mib(id)?);
        Ok(())
    }

    fn delays(&self, clusters: &Clusters, target: &BaseConsumer, names: &[String]) -> Result<()> {
        let step = (self.topics / self.records.max(1)).max(1);
        let mut delays = Vec::new();
        for name in names.iter().step_by(step) {
            delays.push(arrival(clusters, target, name)?.as_secs_f64());
        }
        delays.sort_by(f64::total_cmp);
        let (median, longest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
        println!("a record arrives     {median:>8.3} s, at most {longest:.3} s");
        Ok(())
    }

    fn config(&self, clusters: &Clusters) -> String {
        let consumers = match self.consumer_groups.as_str() {
            "shared" => format!(", consumers: {}", self.consumers),
            _ => String::new(),
        };
        format!(
            "clusters:
  source: {{ bootstrap_servers: '{}' }}
  target: {{ bootstrap_servers: '{}' }}
mirrors:
  - {{ source: source, target: target, topics: ['bench-.*'], target_topic: '{PREFIX}.{{topic}}', consumer_groups: {}{consumers} }}
http: {{ listen: '127.0.0.1:0' }}
",
            clusters.source, clusters.target, self.consumer_groups
        )
    }
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

fn client(servers: &str) -> Result<BaseConsumer> {
    let client = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create();
    client.context("open a client")
}

fn await_copies(target: &BaseConsumer, count: usize, started: Instant) -> Result<()> {
    loop {
        let metadata = target.fetch_metadata(None, Duration::from_secs(10))?;
        let copies = metadata.topics().iter();
        let copies = copies
            .filter(|topic| topic.name().starts_with(PREFIX))
            .count();
        if copies >= count {
            return Ok(());
        }
        ensure!(started.elapsed() < LIMIT, "only {copies} of {count} copies");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Writes one record, and waits until it is on the target.
fn arrival(clusters: &Clusters, target: &BaseConsumer, topic: &str) -> Result<Duration> {
    let copy = format!("{PREFIX}.{topic}");
    let before = target.fetch_watermarks(&copy, 0, TIMEOUT)?.1;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &clusters.source)
        .create()?;
    // It connects before the time is taken.
    producer.client().fetch_metadata(Some(topic), TIMEOUT)?;
    let written = Instant::now();
    let record = BaseRecord::to(topic).partition(0).key("k").payload("v");
    producer.send(record).map_err(|(error, _)| error)?;
    producer.flush(TIMEOUT)?;
    await_end(target, &copy, before + 1)?;
    Ok(written.elapsed())
}

/// Waits until the first partition of a copy ends there.
fn await_end(target: &BaseConsumer, copy: &str, end: i64) -> Result<()> {
    let since = Instant::now();
    while target.fetch_watermarks(copy, 0, TIMEOUT)?.1 < end {
        ensure!(since.elapsed() < LIMIT, "{copy} does not get to {end}");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
