//! `kmirror translate`: where a group goes on on the target, asked of the clusters themselves.

mod observe;
mod table;

use clap::Args;
use serde::Serialize;

use super::clusters::Connections;
use super::terminal::Terminal;
use super::{ConfigFile, Exit, Failure};
use crate::config::{Config, Mirror};

#[derive(Debug, Args)]
pub(super) struct TranslateArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Consumer group on the source
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// Mirror to translate by; all of the file without it
    #[arg(long, value_name = "MIRROR")]
    mirror: Option<String>,
    /// Print JSON instead of tables: one document per mirror, each on a line
    #[arg(long)]
    json: bool,
}

/// Where one group goes on, by one mirror.
#[derive(Debug, Serialize)]
struct Translation {
    mirror: String,
    group: String,
    /// All that the group has committed on the source, by topic and partition.
    partitions: Vec<Row>,
}

/// One partition that the group has committed an offset for.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    source_topic: String,
    /// Absent where the topic is not mirrored.
    target_topic: Option<String>,
    partition: i32,
    source_offset: i64,
    /// Absent where there is no exact counterpart.
    target_offset: Option<i64>,
    exact: bool,
    /// Why there is none.
    reason: Option<String>,
}

/// Fails when a cluster does not answer.
pub(super) async fn translate(args: TranslateArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    let mirrors = mirrors(&config, args.mirror.as_deref())?;
    let connections = Connections::open(&config)?;
    let terminal = Terminal::stdout();
    let mut tables = Vec::new();
    for mirror in mirrors {
        let ends = observe::Ends {
            source: connections.source(mirror).clone(),
            target: connections.target(mirror).clone(),
            target_cluster: &config.clusters[&mirror.target],
        };
        let translation = Translation {
            mirror: mirror.name.clone(),
            group: args.group.clone(),
            partitions: observe::rows(mirror, &ends, &args.group).await?,
        };
        match args.json {
            true => {
                terminal.say(serde_json::to_string(&translation).map_err(Failure::internal)?)?;
            }
            false => tables.push(table::translation(&translation, &mirror.source, terminal)),
        }
    }
    if !args.json {
        terminal.say(tables.join("\n\n"))?;
    }
    Ok(Exit::Clean)
}

/// The mirror of that name, or all.
fn mirrors<'c>(config: &'c Config, name: Option<&str>) -> Result<Vec<&'c Mirror>, Failure> {
    let all = config.mirrors.iter();
    let Some(name) = name else {
        return Ok(all.collect());
    };
    let found: Vec<_> = all.clone().filter(|mirror| mirror.name == name).collect();
    if found.is_empty() {
        let names: Vec<_> = all.map(|mirror| mirror.name.as_str()).collect();
        let names = names.join(", ");
        let message =
            format!("--mirror {name}: no mirror of the file has this name; it has {names}");
        return Err(Failure::usage(message));
    }
    Ok(found)
}
