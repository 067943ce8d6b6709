//! One-shot commands of the real binary, and what they printed.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;

/// How a command ended and what it wrote.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end.
pub fn kmirror(arguments: &[&str]) -> Result<Ended> {
    ended(Command::new(env!("CARGO_BIN_EXE_kmirror")).args(arguments))
}

/// Runs a command on a configuration to its end.
pub fn kmirror_on(config: &Path, arguments: &[&str]) -> Result<Ended> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    ended(command.args(arguments).arg("-c").arg(config))
}

/// As `kmirror_on`, with variables added to the environment.
pub fn kmirror_in(
    environment: &[(&str, &str)],
    config: &Path,
    arguments: &[&str],
) -> Result<Ended> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    command.envs(environment.iter().copied());
    ended(command.args(arguments).arg("-c").arg(config))
}

fn ended(command: &mut Command) -> Result<Ended> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output()?;
    Ok(Ended {
        code: status.code(),
        stdout: String::from_utf8(stdout)?,
        stderr: String::from_utf8(stderr)?,
    })
}
