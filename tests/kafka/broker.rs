//! One real Apache Kafka broker as a process: started on free ports, stopped, killed, frozen, started again on its data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::properties::{self, Ports};
use crate::support::client::Client;
use crate::support::process::Process;
use crate::support::proxy::Proxy;
use crate::support::wait::eventually;
use crate::{jars, ports};

/// A start takes four seconds on an idle machine of two cores; others may be starting at the same time.
const READY_WITHIN: Duration = Duration::from_secs(180);
const STOPS_WITHIN: Duration = Duration::from_secs(60);
/// How often other ports are tried when somebody else was faster.
const PORT_ATTEMPTS: usize = 5;

/// A single-node cluster. Dropping it kills the process and removes the data.
pub struct KafkaBroker {
    name: &'static str,
    class_path: String,
    /// `None` while stopped. Dropped before the directory, so that a failure can show the log that lies in it.
    process: Option<Process>,
    directory: TempDir,
    certificates: Certificates,
    ports: Ports,
}

impl KafkaBroker {
    /// Formats storage and starts a broker that is ready for clients when this returns.
    pub fn start(name: &'static str) -> Result<Self> {
        let class_path = jars::class_path()?;
        let directory = tempfile::tempdir()?;
        let mut broker = Self {
            name,
            class_path,
            process: None,
            certificates: Certificates::write(directory.path())?,
            directory,
            ports: Ports::default(),
        };
        for _ in 0..PORT_ATTEMPTS {
            broker.ports = pick_ports()?;
            broker.format()?;
            if broker.launch()? {
                return Ok(broker);
            }
            fs::remove_dir_all(broker.data())?;
        }
        anyhow::bail!("{name}: {PORT_ATTEMPTS} sets of ports were all taken by others")
    }

    /// `host:port` for clients; the same after a restart.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.direct)
    }

    /// `host:port` for clients that say who they are, with SASL PLAIN.
    pub fn secured(&self) -> String {
        format!("127.0.0.1:{}", self.ports.secured)
    }

    /// `host:port` for clients that do so behind TLS, with [`KafkaBroker::certificates`] and SCRAM-SHA-512.
    pub fn encrypted(&self) -> String {
        format!("127.0.0.1:{}", self.ports.encrypted)
    }

    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// A way to the broker that can be disturbed: clients that start from its address stay behind it.
    pub fn proxy(&self) -> Result<Proxy> {
        Proxy::start(self.ports.proxy, self.ports.behind_proxy)
    }

    pub fn client(&self) -> Client {
        Client::new(self.bootstrap())
    }

    /// SIGTERM, and gone when this returns.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the broker runs")?;
        process.signal(Signal::TERM)?;
        process.wait_exit(STOPS_WITHIN);
        Ok(())
    }

    /// SIGKILL, and gone when this returns. What it had acknowledged is in the page cache and outlives it.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the broker runs")?.kill()
    }

    /// Starts a stopped or killed broker on its data and ports; ready for clients when this returns.
    pub fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the broker was not stopped");
        ensure!(self.launch()?, "one of its ports was taken meanwhile");
        Ok(())
    }

    /// Keeps all that a stopped broker holds: logs, metadata, and what groups have committed.
    pub fn snapshot(&self) -> Result<()> {
        ensure!(self.process.is_none(), "the broker was not stopped");
        copy(&self.data(), &self.directory.path().join("snapshot"))
    }

    /// Puts what [`KafkaBroker::snapshot`] kept in the place of what a stopped broker holds.
    pub fn restore(&self) -> Result<()> {
        ensure!(self.process.is_none(), "the broker was not stopped");
        fs::remove_dir_all(self.data())?;
        copy(&self.directory.path().join("snapshot"), &self.data())
    }

    /// SIGSTOP: connections stay open and nothing is answered.
    pub fn pause(&mut self) -> Result<()> {
        self.process.as_mut().context("the broker runs")?.freeze()
    }

    /// SIGCONT.
    pub fn resume(&mut self) -> Result<()> {
        self.process
            .as_mut()
            .context("the broker runs")?
            .signal(Signal::CONT)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn format(&self) -> Result<()> {
        let settings = self.directory.path().join("server.properties");
        let server = properties::server(&self.data(), &self.certificates, self.ports);
        fs::write(&settings, server)?;
        let (user, password) = properties::TRUSTED;
        let output = Command::new("java")
            .args([
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-cp",
                &self.class_path,
                "kafka.tools.StorageTool",
            ])
            .args(["format", "--standalone", "-t", &cluster_id()?, "-c"])
            .arg(&settings)
            .arg("--add-scram")
            .arg(format!("SCRAM-SHA-512=[name={user},password={password}]"))
            .output()
            .context("run java: the real-Kafka suite needs Java 17 on the PATH")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}: storage could not be formatted: {said}",
            self.name
        );
        Ok(())
    }

    /// Starts the process and waits until it is ready; `false` when it ended because a port was not free.
    fn launch(&mut self) -> Result<bool> {
        let mut command = Command::new("java");
        command
            .args([
                "-Xms256m",
                "-Xmx512m",
                "-Djava.net.preferIPv4Stack=true",
                "-cp",
                &self.class_path,
                "kafka.Kafka",
            ])
            .arg(self.directory.path().join("server.properties"));
        let mut process = Process::spawn(
            self.name,
            &mut command,
            &self.directory.path().join("broker.log"),
        )?;
        let ready = eventually(&format!("{} is ready", self.name), READY_WITHIN, || {
            self.look(&mut process)
        });
        self.process = ready.then_some(process);
        Ok(ready)
    }

    /// Ready is: this very process listens on the port, and its metadata names the broker as alive.
    fn look(&self, process: &mut Process) -> Result<bool> {
        if let Some(status) = process.exited()? {
            let taken = process.tail().contains("Address already in use");
            assert!(
                taken,
                "{} ended with {status}\n{}",
                self.name,
                process.tail()
            );
            return Ok(false);
        }
        ensure!(
            ports::is_owned_by(self.ports.direct, process.id())?,
            "it does not listen on port {}",
            self.ports.direct
        );
        let metadata = self.client().metadata(None)?;
        ensure!(!metadata.brokers.is_empty(), "metadata names no broker");
        Ok(true)
    }
}

/// Copies a directory to a place where there is nothing.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(copied.success(), "copying {}: {copied}", from.display());
    Ok(())
}

fn pick_ports() -> Result<Ports> {
    Ok(Ports {
        direct: ports::pick()?,
        controller: ports::pick()?,
        behind_proxy: ports::pick()?,
        proxy: ports::pick()?,
        secured: ports::pick()?,
        encrypted: ports::pick()?,
    })
}

/// 16 random bytes in URL-safe base64, as Kafka writes a cluster id. Hexadecimal digits are base64 digits too, and the
/// last of the 22 characters has two bits only.
fn cluster_id() -> Result<String> {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?.replace('-', "");
    Ok(format!("{}A", &random[..21]))
}
