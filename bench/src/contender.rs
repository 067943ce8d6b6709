//! Runs one contender as a process until its copy is complete, and takes its figures.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::{load, usage};

/// Who copies.
#[derive(Clone, Copy)]
pub enum Contender {
    /// [`crate::plain`].
    Plain,
    /// `kmirror run`.
    Kmirror,
}

impl Contender {
    /// For the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Kmirror => "kmirror",
        }
    }
}

/// One run.
pub struct Run<'a> {
    /// Who copies.
    pub contender: Contender,
    /// Keeps groups and target topics of the runs apart.
    pub round: usize,
    /// Bootstrap servers to read from.
    pub source: &'a str,
    /// Bootstrap servers to write to.
    pub target: &'a str,
    /// Records that the copy has when it is complete.
    pub records: usize,
    /// Partitions of the topic.
    pub partitions: i32,
}

/// What a run took.
pub struct Figures {
    /// CPU microseconds per record.
    pub cpu_per_record: f64,
    /// Largest resident set in MiB.
    pub peak_mib: f64,
    /// From start to the last record on the target.
    pub seconds: f64,
}

/// A run that takes longer than this has failed.
const LIMIT: Duration = Duration::from_secs(300);

impl Run<'_> {
    /// Copies, and takes the figures once the copy is complete.
    pub fn measure(&self) -> Result<Figures> {
        let process_id = std::process::id();
        let prefix = format!("{}-{process_id}-{}", self.contender.name(), self.round);
        let topic = format!("{prefix}.{}", load::TOPIC);
        load::create_topics(self.target, std::slice::from_ref(&topic), self.partitions)?;
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        match self.contender {
            Contender::Plain => command
                .args(["plain", "--source", self.source, "--target", self.target])
                .args(["--group", &prefix, "--topic", &topic]),
            Contender::Kmirror => {
                let file = directory.path().join("kmirror.yaml");
                std::fs::write(&file, self.config(&prefix))?;
                command.args(["run", "-c"]).arg(file)
            }
        };
        let started = Instant::now();
        let mut process = Kill(
            command
                .stderr(Stdio::null())
                .spawn()
                .context("start a contender")?,
        );
        self.await_copy(&topic, started, &mut process)?;
        let id = process.0.id();
        Ok(Figures {
            cpu_per_record: usage::cpu(id)?.as_secs_f64() * 1e6 / self.records as f64,
            peak_mib: usage::peak_mib(id)?,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn config(&self, prefix: &str) -> String {
        format!(
            "clusters:
  source: {{ bootstrap_servers: '{}' }}
  target: {{ bootstrap_servers: '{}' }}
mirrors:
  - {{ name: {prefix}, source: source, target: target, topics: ['{}'], target_topic: '{prefix}.{{topic}}' }}
http: {{ listen: '127.0.0.1:0' }}
",
            self.source,
            self.target,
            load::TOPIC
        )
    }

    fn await_copy(&self, topic: &str, started: Instant, process: &mut Kill) -> Result<()> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.target)
            .create()?;
        loop {
            let mut copied = 0;
            for partition in 0..self.partitions {
                copied += client
                    .fetch_watermarks(topic, partition, Duration::from_secs(10))?
                    .1;
            }
            if copied >= self.records as i64 {
                return Ok(());
            }
            let ended = process.0.try_wait()?;
            ensure!(
                ended.is_none(),
                "{} ended: {ended:?}",
                self.contender.name()
            );
            ensure!(
                started.elapsed() < LIMIT,
                "only {copied} of {} records within {LIMIT:?}",
                self.records
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ends the process with the run.
pub struct Kill(pub Child);

impl Drop for Kill {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
