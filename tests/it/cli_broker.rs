//! `kmirror broker` is a cluster to try things on by hand.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::harness::SOON;
use crate::support::client::Client;
use crate::support::process::Process;
use crate::support::wait::eventually;

#[test]
fn a_broker_by_hand_says_where_it_listens_and_comes_back_with_its_data() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let start = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
        command.args([
            "broker",
            "--listen",
            "127.0.0.1:0",
            "--nodes",
            "2",
            "--data",
        ]);
        Process::spawn(name, command.arg(&data), &directory.path().join(name))
    };
    let mut first = start("first")?;
    Client::new(bootstrap(&first)).create_topic("orders", 2, &[])?;
    first.signal(Signal::TERM)?;
    assert_eq!(first.wait_exit(SOON).code(), Some(0), "{}", first.tail());
    let second = start("second")?;
    assert_eq!(Client::new(bootstrap(&second)).topics()?, ["orders"]);
    Ok(())
}

#[test]
fn a_broker_by_hand_can_be_made_to_fail_by_lines_of_json() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    command.args(["broker", "--listen", "127.0.0.1:0", "--seed", "7"]);
    command.args(["--control", "127.0.0.1:0"]);
    let broker = Process::spawn("broker", &mut command, &directory.path().join("broker"))?;
    let mut socket = TcpStream::connect(said(&broker, "control: "))?;
    socket.write_all(b"{\"op\":\"seed\"}\n{\"op\":\"sed\"}\n")?;
    socket.shutdown(Shutdown::Write)?;
    let mut answers = String::new();
    socket.read_to_string(&mut answers)?;
    let mut answers = answers
        .lines()
        .map(serde_json::from_str::<serde_json::Value>);
    let first = answers.next().context("an answer")??;
    assert_eq!((&first["ok"], &first["seed"]), (&true.into(), &7.into()));
    let second = answers.next().context("an answer")??;
    assert!(
        second["error"].to_string().contains("did you mean"),
        "{second}"
    );
    Ok(())
}

#[test]
fn commands_are_taken_on_the_loopback_only() -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    command.args([
        "broker",
        "--listen",
        "127.0.0.1:0",
        "--control",
        "0.0.0.0:0",
    ]);
    let refused = command.output()?;
    assert_eq!(refused.status.code(), Some(64));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("use 127.0.0.1:"), "{said}");
    Ok(())
}

/// The first of the addresses that it says.
#[track_caller]
fn bootstrap(broker: &Process) -> String {
    let servers = said(broker, "bootstrap servers: ");
    servers.split(',').next().unwrap_or_default().to_owned()
}

/// What it says behind `label`.
#[track_caller]
fn said(broker: &Process, label: &str) -> String {
    eventually(&format!("the broker says \"{label}\""), SOON, || {
        let output = broker.output();
        let mut said = output.lines().filter_map(|line| line.strip_prefix(label));
        said.next().map(str::to_owned).ok_or("no such line")
    })
}
