//! Reads what the system accounts to a process: CPU time and peak memory (Linux, /proc).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Ticks per second of the times in /proc, fixed by the kernel's interface (USER_HZ).
const TICKS: f64 = 100.0;

/// User and system time so far.
pub fn cpu(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let field = |index: usize| -> Result<f64> {
        let text = fields
            .split_whitespace()
            .nth(index)
            .context("stat is too short")?;
        Ok(text.parse()?)
    };
    Ok(Duration::from_secs_f64((field(11)? + field(12)?) / TICKS))
}

/// Largest resident set so far, in MiB.
pub fn peak_mib(process: u32) -> Result<f64> {
    memory_mib(process, "VmHWM")
}

/// Resident set now, in MiB.
pub fn resident_mib(process: u32) -> Result<f64> {
    memory_mib(process, "VmRSS")
}

fn memory_mib(process: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("no {name}"))?;
    let kib = line.trim_matches([':', ' ', '\t', 'k', 'B']);
    Ok(kib.parse::<f64>()? / 1024.0)
}
