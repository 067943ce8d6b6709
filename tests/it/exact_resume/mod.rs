//! After a kill, whoever goes on finds out what is on the target already, whatever became of both logs meanwhile.

mod logs;
mod maps;

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, copy_of};
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::wait::eventually;
use crate::support::workload;

/// Records of the one partition before and after the kill.
const BEFORE: usize = 3_000;
const AFTER: usize = 1_000;

/// Writes records of every shape, `count` of them from number `first` on.
fn write(sites: &mut Sites, first: usize, count: usize) -> Result<()> {
    let records = workload::mixed(0, first + count).skip(first);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)
}

/// Commits and maps are not written between a partition's beginning and the daemon's end: what is on the target by then is
/// known to nobody.
fn config(sites: &Sites) -> Config {
    let config = sites.config(&["orders"]).set("commit_interval", "24h");
    config.client("session.timeout.ms", "6000")
}

fn sites(source: &[(&str, &str)], target: &[(&str, &str)]) -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, source)?;
    if !target.is_empty() {
        let copy = copy_of("orders");
        sites.target.client.create_topic(&copy, 1, target)?;
    }
    write(&mut sites, 0, BEFORE)?;
    Ok(sites)
}

/// Copies everything, and dies before anybody knows of it.
fn copy_and_die(sites: &mut Sites, config: &ConfigFile) -> Result<()> {
    let mut daemon = Daemon::start("killed", config)?;
    sites.await_copied("orders");
    daemon.kill()?;
    assert_eq!(sites.committed("orders", 0)?, Some(0));
    Ok(())
}

/// Has another daemon go on, and waits until what is written now has arrived.
fn go_on(sites: &mut Sites, config: &ConfigFile) -> Result<Daemon> {
    write(sites, BEFORE, AFTER)?;
    start_next(sites, config)
}

/// Starts another daemon, and waits until what is there by then has arrived.
fn start_next(sites: &mut Sites, config: &ConfigFile) -> Result<Daemon> {
    let daemon = Daemon::start("next", config)?;
    await_mirrored(sites, &daemon)?;
    Ok(daemon)
}

fn await_mirrored(sites: &mut Sites, daemon: &Daemon) -> Result<()> {
    sites.await_copied("orders");
    let end = sites.source.client.log_end("orders", 0)?;
    eventually("all is mirrored", SOON, || {
        let status = daemon.status()?;
        let position = &status["mirrors"][0]["topics"][0]["partitions"][0]["position"];
        ensure!(position.as_i64() == Some(end), "{position}");
        Ok(())
    });
    Ok(())
}

/// How often the daemon found that a copy is not what it thought.
fn errors(daemon: &Daemon, kind: &str) -> Result<f64> {
    let labels = [("stage", "offsets"), ("kind", kind)];
    let metrics = daemon.metrics()?;
    Ok(metrics.sum("kmirror_errors_total", &labels).unwrap_or(0.0))
}

/// As many records were ever written to the copy as to the source.
fn assert_none_repeated(sites: &mut Sites) -> Result<()> {
    let written = sites.source.client.log_end("orders", 0)?;
    let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
    assert_eq!(copied, written);
    Ok(())
}
