//! Measures how long a round takes in which the offsets of very many groups are translated.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use kmirror::clusters::{Inspector, TopicPartition};
use kmirror::config;
use kmirror::librdkafka::admin::group_offset_changes::{GroupChange, NewOffset};
use tokio::runtime::Runtime;

use crate::clusters::{Clusters, Named};
use crate::contender::Kill;
use crate::{load, usage};

/// Very many groups that read one topic.
#[derive(Args)]
pub struct Groups {
    /// Groups
    #[arg(long, default_value_t = 1_000)]
    groups: usize,
    /// Partitions of the topic, each with an offset of each group
    #[arg(long, default_value_t = 20)]
    partitions: i32,
    /// Records of the topic
    #[arg(long, default_value_t = 200_000)]
    records: usize,
    /// Rounds of each kind
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(flatten)]
    clusters: Named,
}

/// What is not there by then has failed.
const LIMIT: Duration = Duration::from_secs(300);

/// Of one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Groups that are moved at the same time.
const TOGETHER: usize = 100;

/// One round, as the daemon's log tells it.
struct Round {
    offsets: usize,
    millis: u64,
}

impl Groups {
    /// Runs a mirror of the topic, and prints how long its rounds take.
    pub fn measure(&self) -> Result<()> {
        let clusters = Clusters::open(&self.clusters)?;
        load::write(&clusters.source, load::TOPIC, self.records, self.partitions)?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("kmirror.yaml");
        std::fs::write(&file, config(&clusters))?;
        let source = source(&file)?;
        let mut process = start(&file)?;
        let rounds = rounds(&mut process.0)?;
        let id = process.0.id();
        println!("{} groups of {} partitions\n", self.groups, self.partitions);
        println!("{:>24}  {:>10}  {:>8}", "", "longest, s", "CPU, s");
        for (what, part) in [
            ("all are new", 1),
            ("all have moved", 2),
            ("all moved again", 3),
        ] {
            self.commit(&source, part)?;
            self.take(&rounds, id, what)?;
            self.take(&rounds, id, "nothing has changed")?;
        }
        println!("\nresident {:.0} MiB", usage::resident_mib(id)?);
        Ok(())
    }

    /// Has every group commit about `part` quarters of each partition.
    fn commit(&self, source: &Inspector, part: usize) -> Result<()> {
        let each = self.records / self.partitions as usize;
        let change = |group: usize| GroupChange {
            group: format!("bench-group-{group:05}"),
            offsets: (0..self.partitions)
                .map(|partition| NewOffset {
                    at: TopicPartition::new(load::TOPIC, partition),
                    offset: (each * part / 4 + group % (each / 4).max(1)) as i64,
                    metadata: String::new(),
                })
                .collect(),
        };
        let changes: Vec<_> = (0..self.groups).map(change).collect();
        let runtime = Runtime::new()?;
        for some in changes.chunks(TOGETHER) {
            let answers = runtime.block_on(source.alter_group_offsets(some.to_vec()))?;
            for answer in answers {
                for (_, outcome) in answer? {
                    outcome?;
                }
            }
        }
        Ok(())
    }

    /// Waits for rounds that see all offsets, and prints the longest and the CPU time of one.
    fn take(&self, rounds: &Receiver<Round>, process: u32, what: &str) -> Result<()> {
        let all = self.groups * self.partitions as usize;
        let (mut longest, mut seen) = (0, 0);
        let mut before = usage::cpu(process)?;
        let mut busy = Duration::ZERO;
        while seen < self.rounds {
            let round = rounds.recv_timeout(LIMIT);
            let round = round.map_err(|_| anyhow!("no round came in time"))?;
            let now = usage::cpu(process)?;
            if round.offsets == all {
                longest = longest.max(round.millis);
                busy = busy.max(now - before);
                seen += 1;
            }
            before = now;
        }
        let longest = longest as f64 / 1_000.0;
        println!("{what:>24}  {longest:>10.2}  {:>8.2}", busy.as_secs_f64());
        Ok(())
    }
}

fn config(clusters: &Clusters) -> String {
    format!(
        "clusters:
  source: {{ bootstrap_servers: '{}' }}
  target: {{ bootstrap_servers: '{}' }}
mirrors:
  - {{ source: source, target: target, topics: ['{}'], checkpoint_interval: 2s }}
http: {{ listen: '127.0.0.1:0' }}
log: {{ format: json }}
",
        clusters.source,
        clusters.target,
        load::TOPIC
    )
}

/// Asks the source.
fn source(file: &Path) -> Result<Inspector> {
    let config = config::load(file).map_err(|errors| anyhow!("{errors}"))?;
    let source = &config.clusters["source"];
    Ok(Inspector::open(source, "kmirror-bench", TIMEOUT)?)
}

fn start(file: &Path) -> Result<Kill> {
    let process = Command::new(std::env::current_exe()?)
        .args(["run", "-c"])
        .arg(file)
        .env("RUST_LOG", "kmirror::checkpoints=debug")
        .stderr(Stdio::piped())
        .spawn();
    Ok(Kill(process.context("start kmirror")?))
}

/// Tells of each round, as it ends.
fn rounds(process: &mut Child) -> Result<Receiver<Round>> {
    let log = process.stderr.take().context("the log is piped")?;
    let (told, rounds) = channel();
    thread::spawn(move || tell(BufReader::new(log), &told));
    Ok(rounds)
}

fn tell(log: impl BufRead, told: &Sender<Round>) {
    for line in log.lines().map_while(Result::ok) {
        let number = |name: &str| -> Option<u64> {
            let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            rest[..end].parse().ok()
        };
        if let (Some(offsets), Some(millis)) = (number("offsets"), number("took_ms")) {
            let round = Round {
                offsets: offsets as usize,
                millis,
            };
            // An error means that nobody measures any more.
            let _ = told.send(round);
        }
    }
}
