//! What a mistake is answered with: exit 64, every problem at once, each with its place and remedy, no secret in it.

use std::net::TcpListener;
use std::process::{Command, Output};

use anyhow::Result;

fn kmirror(verb: &[&str], config: &str) -> Result<Output> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("kmirror.yaml");
    std::fs::write(&path, config)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    Ok(command.args(verb).arg("-c").arg(&path).output()?)
}

#[test]
fn every_problem_of_a_file_is_told_at_once_without_its_secrets() -> Result<()> {
    let config = "
clusters:
  paris: { bootstrap_servers: 'p:1', sasl: { mechanism: SCRAM-SHA-999, username: me, password: hunter2 } }
mirrors:
  - { source: paris, target: dublin, topcis: ['('], discovery_interval: 5 }
";
    let output = kmirror(&["run"], config)?;
    assert_eq!(output.status.code(), Some(64));
    let errors = String::from_utf8(output.stderr)?;
    for place in [
        "clusters.paris.sasl.mechanism",
        "mirrors[0].target",
        "mirrors[0].topcis",
        "mirrors[0].discovery_interval",
    ] {
        assert!(errors.contains(place), "{place} is missing in:\n{errors}");
    }
    assert!(!errors.contains("hunter2"), "{errors}");
    Ok(())
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let config = format!(
        "clusters: {{ a: {{ bootstrap_servers: '127.0.0.1:1' }}, b: {{ bootstrap_servers: '127.0.0.1:2' }} }}
mirrors: [{{ source: a, target: b }}]
http: {{ listen: '{address}' }}"
    );
    let output = kmirror(&["run"], &config)?;
    assert_eq!(output.status.code(), Some(64));
    let errors = String::from_utf8(output.stderr)?;
    assert!(
        errors.contains("http.listen") && errors.contains("in use"),
        "{errors}"
    );
    Ok(())
}

#[test]
fn an_unknown_flag_is_wrong_usage() -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    let output = command.args(["run", "--frobnicate"]).output()?;
    assert_eq!(output.status.code(), Some(64));
    Ok(())
}
