//! `kmirror check`: whether a configuration is right, and whether the clusters are as it needs them.

mod cluster;
mod groups;
mod limits;
mod mirror;
mod own_topics;
mod rights;

use clap::Args;

use super::clusters::Connections;
use super::terminal::{Terminal, Tone, counted};
use super::{ConfigFile, Exit, Failure};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Also reach the clusters: rights, limits, and the topics that would be mirrored and under what name
    #[arg(long)]
    connect: bool,
}

/// What stands in the way, one sentence each.
type Problems = Vec<String>;

pub(super) async fn check(args: CheckArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    let terminal = Terminal::stdout();
    terminal.say(format_args!(
        "{}: {}",
        args.config.path.display(),
        summary(&config)
    ))?;
    for notice in config.notices() {
        terminal.say(format_args!(
            "{} {notice}",
            terminal.paint(Tone::Waiting, "note:")
        ))?;
    }
    if !args.connect {
        return Ok(Exit::Clean);
    }
    let problems = connect(&config, terminal).await?;
    for problem in &problems {
        terminal.say(format_args!(
            "{} {problem}",
            terminal.paint(Tone::Bad, "problem:")
        ))?;
    }
    if problems.is_empty() {
        terminal.say(format_args!(
            "{}",
            terminal.paint(Tone::Good, "ready to run")
        ))?;
        Ok(Exit::Clean)
    } else {
        let verdict = format!("{} to solve", counted(problems.len(), "problem"));
        terminal.say(format_args!("{}", terminal.paint(Tone::Bad, &verdict)))?;
        Ok(Exit::BadVerdict)
    }
}

fn summary(config: &Config) -> String {
    let mirrors = config.mirrors.iter().map(|mirror| {
        let template = mirror.target_topic.as_str();
        format!(
            "\n  {}: {} to {}, topics named {template}",
            mirror.name, mirror.source, mirror.target
        )
    });
    format!(
        "valid, {} and {}{}",
        counted(config.clusters.len(), "cluster"),
        counted(config.mirrors.len(), "mirror"),
        mirrors.collect::<String>()
    )
}

/// Examines clusters and mirrors, one after the other, so that what is printed stays in order.
async fn connect(config: &Config, terminal: Terminal) -> Result<Problems, Failure> {
    let connections = Connections::open(config)?;
    let mut problems = Problems::new();
    let mut down = Vec::new();
    for inspector in connections.all() {
        match cluster::examine(inspector).await {
            Ok(found) => {
                terminal.say(format_args!("{}", found.line))?;
                problems.extend(found.problems);
            }
            Err(error) => down.push(error.to_string()),
        }
    }
    if !down.is_empty() {
        return Err(Failure {
            exit: Exit::Unreachable,
            message: down.join("\n"),
        });
    }
    for mirror in &config.mirrors {
        let found = mirror::examine(mirror, &connections, terminal).await?;
        terminal.say(format_args!("{}", found.table))?;
        if let Some(advice) = &found.advice {
            eprintln!("note: {}: {advice}", mirror.name);
        }
        let name = |problem| format!("{}: {problem}", mirror.name);
        problems.extend(found.problems.into_iter().map(name));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    #[test]
    fn the_summary_names_each_mirror_and_its_template() {
        let text = "
clusters:
  paris: { bootstrap_servers: 'paris:9092' }
  dublin: { bootstrap_servers: 'dublin:9092' }
mirrors:
  - { source: paris, target: dublin }
";
        let config = config::parse(text, &|_| None, Path::new("")).expect("a valid configuration");
        assert_eq!(
            summary(&config),
            "valid, 2 clusters and 1 mirror\n  \
             paris-dublin: paris to dublin, topics named {source}.{topic}"
        );
    }
}
