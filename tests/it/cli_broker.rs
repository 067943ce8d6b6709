//! `kmirror broker` is a cluster to try things on by hand.

use std::process::Command;

use anyhow::Result;
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

/// The first of the addresses that it says.
#[track_caller]
fn bootstrap(broker: &Process) -> String {
    eventually("the broker says where it listens", SOON, || {
        let output = broker.output();
        let mut said = output
            .lines()
            .filter_map(|line| line.strip_prefix("bootstrap servers: "));
        let first = said.next().and_then(|servers| servers.split(',').next());
        first.map(str::to_owned).ok_or("no such line")
    })
}
