//! The command line: verbs, flags, and how each command ends.

mod broker;
mod check;
mod clusters;
mod completions;
mod demo;
mod exit;
mod import;
mod log_line;
mod logging;
mod plan;
mod run;
mod signals;
mod status;
mod supervisor;
mod terminal;
mod translate;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config};
use exit::{Exit, Failure};

/// Copies topics from one Kafka cluster to another, continuously: every record, in order, at the same
/// partition, with exact knowledge of where each record went.
#[derive(Debug, Parser)]
#[command(name = "kmirror", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes: 0 clean; 1 the verdict is bad; 64 wrong usage or configuration; 69 a cluster does not \
answer; 70 internal fault; 75 drain deadline passed.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Mirror until told to stop
    ///
    /// The daemon. A cluster that does not answer is retried while /readyz says so. SIGTERM and SIGINT
    /// drain: reading stops, what is in flight is acknowledged and committed, within drain_timeout; a
    /// second signal ends at once. SIGHUP reads the file again: what it changes is changed, the rest goes on.
    Run(ConfigFile),
    /// Show a mirror at work: two built-in clusters, a load and a verdict
    Demo(demo::DemoArgs),
    /// Validate a configuration, and with --connect everything it needs of the clusters
    Check(check::CheckArgs),
    /// Print what a mirror would create, grow and alter on its target now, without doing it
    Plan(plan::PlanArgs),
    /// Show what is copied, how far behind, what stands still and why
    ///
    /// Asks the clusters, not the daemon, so it works with the daemon down.
    Status(status::StatusArgs),
    /// Print where a consumer group goes on on the target
    ///
    /// For each partition the offset there from which the group reads exactly what it has not read, or the reason why there is
    /// none. Asks the clusters, not the daemon, so it works with the daemon down.
    Translate(translate::TranslateArgs),
    /// Print the configuration that does what a deployment of MirrorMaker 2 did
    ///
    /// Reads the file that connect-mirror-maker.sh is given, or the configuration of a MirrorSourceConnector. Settings
    /// without counterpart are listed with the reason; secrets become references to environment variables.
    Import(import::ImportArgs),
    /// Run one built-in cluster, for trying things by hand
    Broker(broker::BrokerArgs),
    /// Print a script that completes kmirror's commands in a shell
    Completions(completions::CompletionsArgs),
}

/// The file that clusters and mirrors are described in.
#[derive(Debug, Args)]
struct ConfigFile {
    /// Configuration (YAML)
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    path: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, Failure> {
        Ok(config::load(&self.path)?)
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => dispatch(cli.verb),
        Err(error) => match usage::outcome(error) {
            usage::Outcome::Text(text) => print(&text, Exit::Clean),
            usage::Outcome::MissingCommand(help) => print(&help, Exit::Usage),
            usage::Outcome::Wrong(failure) => Err(failure),
        },
    };
    ended
        .unwrap_or_else(|failure| {
            for line in failure.message.lines() {
                eprintln!("kmirror: {line}");
            }
            failure.exit
        })
        .into()
}

/// clap chooses stdout for what was asked for and stderr for what was not.
fn print(text: &clap::Error, exit: Exit) -> Result<Exit, Failure> {
    text.print().map_err(Failure::internal)?;
    Ok(exit)
}

fn dispatch(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Run(file) => block_on(run::run(file)),
        Verb::Demo(args) => block_on(demo::demo(args)),
        Verb::Check(args) => block_on(check::check(args)),
        Verb::Plan(args) => block_on(plan::plan(args)),
        Verb::Status(args) => block_on(status::status(args)),
        Verb::Translate(args) => block_on(translate::translate(args)),
        Verb::Import(args) => import::import(&args),
        Verb::Broker(args) => block_on(broker::broker(args)),
        Verb::Completions(args) => completions::completions(&args),
    }
}

fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start the runtime: {error}")))?;
    let ended = runtime.block_on(command);
    // A client that waits for a dead broker must not hold the process up.
    runtime.shutdown_background();
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
