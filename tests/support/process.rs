//! A child process: signals by its id, resident memory, exit by a deadline; killed on drop, its log shown on failure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::wait::eventually;

/// A stop is taken at once by a thread that runs, and by one in a system call when that is interrupted.
const FREEZES_WITHIN: Duration = Duration::from_secs(20);

/// How much of a log a failure shows.
const TAIL_LINES: usize = 60;

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    exit: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with both outputs appended to `log`.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| log.display().to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {name}: {:?}", command.get_program()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            exit: None,
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All it has written so far.
    pub fn output(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The end of what it has written, for the message of a failure.
    pub fn tail(&self) -> String {
        let output = self.output();
        let lines: Vec<_> = output.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!(
            "--- end of the log of {} (process {})\n{}\n---",
            self.name,
            self.id(),
            tail.join("\n")
        )
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait()?;
        }
        Ok(self.exit)
    }

    /// Sends `signal`; to a process that has ended, nothing is sent.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exited()?.is_some() {
            return Ok(());
        }
        let id = i32::try_from(self.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a process id is positive")?;
        kill_process(id, signal).with_context(|| format!("signal {}", self.name))
    }

    /// SIGSTOP, and every thread of it stands still when this returns: until then one may answer yet.
    #[track_caller]
    pub fn freeze(&mut self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let tasks = format!("/proc/{}/task", self.id());
        eventually(
            &format!("{} stands still", self.name),
            FREEZES_WITHIN,
            || {
                for task in fs::read_dir(&tasks)? {
                    let stat = fs::read_to_string(task?.path().join("stat"))?;
                    // The state follows the name, which is in parentheses and may hold anything.
                    let state = stat
                        .rsplit(") ")
                        .next()
                        .and_then(|rest| rest.chars().next());
                    anyhow::ensure!(state == Some('T'), "a thread is in state {state:?}");
                }
                Ok(())
            },
        );
        Ok(())
    }

    /// Waits for it to end by itself.
    ///
    /// # Panics
    /// When it still runs after `deadline`.
    #[track_caller]
    pub fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("{} has ended", self.name);
        eventually(&what, deadline, || match self.exited() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) -> Result<()> {
        if self.exited()?.is_none() {
            self.child.kill()?;
            self.exit = Some(self.child.wait()?);
        }
        Ok(())
    }

    /// Resident memory in bytes (VmRSS).
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Time that processors have spent on it, all threads together.
    pub fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        // Behind the name, which may hold anything; utime and stime are the 14th and the 15th, in hundredths of a second.
        let (_, rest) = stat.rsplit_once(')').context("no name")?;
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// How many file descriptors it has open, sockets among them.
    pub fn open_files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.id()))?.count())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.tail());
        }
        // A process that was stopped takes SIGKILL too; an error here means it is gone already.
        let _ = self.kill();
    }
}
