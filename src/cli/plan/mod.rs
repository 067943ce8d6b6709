//! `kmirror plan`: what the control loop would do with the copies now, without doing it.

mod deed;
mod table;

use clap::Args;
use serde::Serialize;

use super::clusters::Connections;
use super::terminal::Terminal;
use super::{ConfigFile, Exit, Failure};
use crate::config::Mirror;
use crate::control::preview::{Preview, preview};
use deed::Deed;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// What would be done for each mirror, in the order of the configuration.
#[derive(Debug, Serialize)]
struct Plans {
    mirrors: Vec<MirrorPlan>,
}

/// What would be done for one mirror.
#[derive(Debug, Serialize)]
struct MirrorPlan {
    name: String,
    source: String,
    target: String,
    /// Source topics that are selected.
    topics: usize,
    actions: Vec<Deed>,
    /// What stays as it is though it is not as at the source.
    notices: Vec<String>,
}

impl MirrorPlan {
    fn new(mirror: &Mirror, preview: Preview) -> Self {
        let noted = preview.topics.iter().flat_map(|topic| {
            let name = &topic.plan.names.source_topic;
            topic.notices.iter().map(move |it| format!("{name}: {it}"))
        });
        let notices = noted.chain(preview.acl_trouble.clone()).collect();
        Self {
            name: mirror.name.clone(),
            source: mirror.source.clone(),
            target: mirror.target.clone(),
            topics: preview.topics.len(),
            notices,
            actions: deed::of(preview),
        }
    }
}

/// Fails when a cluster does not answer.
pub(super) async fn plan(args: PlanArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    let connections = Connections::open(&config)?;
    let terminal = Terminal::stdout();
    let mut plans = Plans {
        mirrors: Vec::new(),
    };
    for mirror in &config.mirrors {
        let (source, target) = (connections.source(mirror), connections.target(mirror));
        let seen = preview(mirror, source, target).await?;
        plans.mirrors.push(MirrorPlan::new(mirror, seen));
    }
    if args.json {
        terminal.say(serde_json::to_string(&plans).map_err(Failure::internal)?)?;
        return Ok(Exit::Clean);
    }
    let tables = plans
        .mirrors
        .iter()
        .map(|mirror| table::mirror(mirror, terminal));
    terminal.say(tables.collect::<Vec<_>>().join("\n\n"))?;
    Ok(Exit::Clean)
}
