//! `kmirror completions`: the script that completes commands and flags in a shell.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell to write it for
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kmirror", &mut script);
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Failure::internal(format!("cannot write to stdout: {error}")))?;
    Ok(Exit::Clean)
}
