//! The real binary, `kmirror run`, as a process under test.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

use super::config_file::ConfigFile;
use super::http;
use super::metrics::Metrics;
use super::process::Process;
use super::wait::eventually;

/// The listener opens before any cluster is asked, so this covers a busy machine only.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);

pub struct Daemon {
    process: Process,
    http: String,
}

impl Daemon {
    /// Starts a daemon on `config` and waits until it says where it listens.
    pub fn start(name: &str, config: &ConfigFile) -> Result<Self> {
        let log = config
            .directory()
            .join(format!("{name}-{}.log", started_before(config, name)?));
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
        command.args(["run", "-c"]).arg(config.path());
        let mut process = Process::spawn(name, &mut command, &log)?;
        let http = eventually(
            &format!("{name} says `http listening`"),
            LISTENS_WITHIN,
            || {
                if let Ok(Some(status)) = process.exited() {
                    panic!("{name} ended with {status}\n{}", process.tail());
                }
                listen_address(&process.output()).ok_or("no such line")
            },
        );
        Ok(Self { process, http })
    }

    /// Where `/metrics`, `/readyz` and `/status` are, `host:port`.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// All it has logged, JSON lines.
    pub fn log(&self) -> String {
        self.process.output()
    }

    pub fn metrics(&self) -> Result<Metrics> {
        let answer = http::get(&self.http, "/metrics")?;
        ensure!(
            answer.status == 200,
            "/metrics answers {}: {}",
            answer.status,
            answer.body
        );
        Metrics::parse(&answer.body)
    }

    /// `/status`, in the form of `kmirror status --json`.
    pub fn status(&self) -> Result<Value> {
        let answer = http::get(&self.http, "/status")?;
        ensure!(
            answer.status == 200,
            "/status answers {}: {}",
            answer.status,
            answer.body
        );
        serde_json::from_str(&answer.body).with_context(|| answer.body)
    }

    /// `/readyz`, whatever it answers.
    pub fn readyz(&self) -> Result<http::Answer> {
        http::get(&self.http, "/readyz")
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.process.resident_bytes()
    }

    /// Time that processors have spent on it.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process.cpu_time()
    }

    /// How many file descriptors it has open, sockets among them.
    pub fn open_files(&self) -> Result<usize> {
        self.process.open_files()
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.process.exited()
    }

    /// SIGKILL: it vanishes without a word to anyone.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// SIGTERM, and the exit status it drains to within `deadline`.
    #[track_caller]
    pub fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM)?;
        Ok(self.process.wait_exit(deadline))
    }

    /// SIGHUP: it reads its file again.
    pub fn reload(&mut self) -> Result<()> {
        self.process.signal(Signal::HUP)
    }

    /// SIGSTOP: it holds its connections and says nothing.
    pub fn pause(&mut self) -> Result<()> {
        self.process.freeze()
    }

    /// SIGCONT.
    pub fn resume(&mut self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }
}

/// How many logs of that name lie there already: each start gets its own.
fn started_before(config: &ConfigFile, name: &str) -> Result<usize> {
    let prefix = format!("{name}-");
    let mut count = 0;
    for entry in config.directory().read_dir()? {
        count += usize::from(entry?.file_name().to_string_lossy().starts_with(&prefix));
    }
    Ok(count)
}

fn listen_address(log: &str) -> Option<String> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // An event's fields stand under `fields`, or beside its time and level where the log is flattened.
    let fields = lines.map(|line| line.get("fields").cloned().unwrap_or(line));
    let mut said = fields.filter(|fields| fields["message"] == "http listening");
    said.find_map(|fields| Some(fields["address"].as_str()?.to_owned()))
}
