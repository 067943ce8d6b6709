//! What a supervisor such as systemd is told (sd_notify): ready, alive, stopping.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::harness::{SOON, Sites};
use crate::support::process::Process;

/// Listens as systemd does.
fn supervisor(address: &SocketAddr) -> Result<UnixDatagram> {
    let socket = UnixDatagram::bind_addr(address)?;
    socket.set_read_timeout(Some(SOON))?;
    Ok(socket)
}

fn told(socket: &UnixDatagram) -> Result<String> {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).context("nothing more is told")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// A daemon with this environment.
fn daemon(sites: &Sites, environment: &BTreeMap<&str, &str>) -> Result<(Process, impl Sized)> {
    let config = sites.config(&["orders"]).write()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    command
        .args(["run", "-c"])
        .arg(config.path())
        .envs(environment);
    let log = config.directory().join("daemon.log");
    Ok((Process::spawn("daemon", &mut command, &log)?, config))
}

#[test]
fn systemd_is_told_when_the_daemon_is_ready_alive_and_stopping() -> Result<()> {
    let sites = Sites::start()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = supervisor(&SocketAddr::from_pathname(&path)?)?;
    let path = path.to_string_lossy();
    let environment = BTreeMap::from([("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "200000")]);
    let (mut process, _config) = daemon(&sites, &environment)?;
    assert_eq!(told(&socket)?, "READY=1");
    for _ in 0..5 {
        assert_eq!(told(&socket)?, "WATCHDOG=1");
    }
    process.signal(Signal::TERM)?;
    let mut last = told(&socket)?;
    while last == "WATCHDOG=1" {
        last = told(&socket)?;
    }
    assert_eq!(last, "STOPPING=1");
    ensure!(process.wait_exit(SOON).success());
    Ok(())
}

#[test]
fn a_supervisor_with_an_abstract_address_and_no_watchdog_hears_of_both_ends_only() -> Result<()> {
    let sites = Sites::start()?;
    let name = format!("kmirror-test-{}", std::process::id());
    let socket = supervisor(&SocketAddr::from_abstract_name(&name)?)?;
    let address = format!("@{name}");
    // A watchdog of another process is none of ours.
    let environment = BTreeMap::from([
        ("NOTIFY_SOCKET", &*address),
        ("WATCHDOG_USEC", "10000"),
        ("WATCHDOG_PID", "1"),
    ]);
    let (mut process, _config) = daemon(&sites, &environment)?;
    assert_eq!(told(&socket)?, "READY=1");
    process.signal(Signal::TERM)?;
    assert_eq!(told(&socket)?, "STOPPING=1");
    ensure!(process.wait_exit(SOON).success());
    Ok(())
}

#[test]
fn a_supervisor_that_is_not_there_is_done_without() -> Result<()> {
    let sites = Sites::start()?;
    let environment = BTreeMap::from([("NOTIFY_SOCKET", "/nowhere/at/all")]);
    let (mut process, _config) = daemon(&sites, &environment)?;
    crate::support::wait::eventually("it starts all the same", SOON, || {
        let output = process.output();
        ensure!(output.contains("kmirror started"), "{output}");
        Ok(())
    });
    process.signal(Signal::TERM)?;
    ensure!(process.wait_exit(SOON).success());
    Ok(())
}
