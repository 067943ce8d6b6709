//! `kmirror status`: every topic with its state, lag and reason, asked of the clusters themselves.

mod assemble;
mod observe;
mod table;

use std::time::{Duration, SystemTime};

use clap::Args;
use console::Term;

use super::clusters::Connections;
use super::signals::StopSignals;
use super::terminal::Terminal;
use super::{ConfigFile, Exit, Failure};
use crate::clusters;
use crate::config::Config;
use crate::status::Status;

/// Time between two pictures of `--watch`.
const REDRAW: Duration = Duration::from_secs(2);
/// Lines of a picture that are not rows of its table: verdict, header, the count of what is left out.
const LINES_AROUND_ROWS: usize = 4;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Print JSON instead of tables; with --watch one document per line
    #[arg(long)]
    json: bool,
    /// Look again every two seconds until interrupted
    #[arg(long)]
    watch: bool,
}

pub(super) async fn status(args: StatusArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    let connections = Connections::open(&config)?;
    let terminal = Terminal::stdout();
    if !args.watch {
        let look = look(&config, &connections).await?;
        print(&look.status, args.json, terminal)?;
        return look.outcome();
    }
    let mut signals = StopSignals::catch()?;
    tokio::select! {
        failure = watch(&config, &connections, args.json, terminal) => Err(failure),
        _ = signals.next() => Ok(Exit::Clean),
    }
}

/// Looks again and again; ends only by failing.
async fn watch(
    config: &Config,
    connections: &Connections,
    json: bool,
    terminal: Terminal,
) -> Failure {
    loop {
        let shown = look(config, connections).await;
        if let Err(failure) = shown.and_then(|look| show(look, json, terminal)) {
            return failure;
        }
        tokio::time::sleep(REDRAW).await;
    }
}

/// What was seen, and which clusters did not answer.
struct Look {
    status: Status,
    unreachable: Vec<clusters::Error>,
}

impl Look {
    fn outcome(self) -> Result<Exit, Failure> {
        let messages: Vec<_> = self.unreachable.iter().map(ToString::to_string).collect();
        match messages.is_empty() {
            true => Ok(Exit::Clean),
            false => Err(Failure {
                exit: Exit::Unreachable,
                message: messages.join("\n"),
            }),
        }
    }
}

/// Looks at all mirrors at once. A cluster that several mirrors share is reported once.
async fn look(config: &Config, connections: &Connections) -> Result<Look, Failure> {
    let sights: Vec<_> = config
        .mirrors
        .iter()
        .map(|mirror| {
            tokio::spawn(observe::observe(
                mirror.clone(),
                config.clusters[&mirror.source].clone(),
                connections.source(mirror).clone(),
                connections.target(mirror).clone(),
            ))
        })
        .collect();
    let mut look = Look {
        status: Status::default(),
        unreachable: Vec::new(),
    };
    for (mirror, sight) in config.mirrors.iter().zip(sights) {
        match sight.await.map_err(Failure::internal)? {
            Ok(sight) => {
                let seen = assemble::assemble(mirror, &sight, SystemTime::now());
                look.status.mirrors.push(seen);
            }
            Err(error) if look.unreachable.contains(&error) => {}
            Err(error) => look.unreachable.push(error),
        }
    }
    Ok(look)
}

fn print(status: &Status, json: bool, terminal: Terminal) -> Result<(), Failure> {
    if json {
        terminal.say(serde_json::to_string(status).map_err(Failure::internal)?)
    } else if status.mirrors.is_empty() {
        // No cluster answered, which is said elsewhere.
        Ok(())
    } else {
        terminal.say(picture(status, terminal, usize::MAX))
    }
}

/// One picture of `--watch`, drawn over the last one where someone watches.
fn show(look: Look, json: bool, terminal: Terminal) -> Result<(), Failure> {
    if json || !terminal.interactive {
        print(&look.status, json, terminal)?;
        if !json {
            terminal.say("")?;
        }
        look.unreachable
            .iter()
            .for_each(|error| eprintln!("kmirror: {error}"));
        return Ok(());
    }
    let screen = Term::stdout();
    let rows = usize::from(screen.size().0).saturating_sub(look.unreachable.len());
    let mirrors = look.status.mirrors.len().max(1);
    let most_rows = (rows / mirrors).saturating_sub(LINES_AROUND_ROWS).max(1);
    let mut picture = picture(&look.status, terminal, most_rows);
    for error in &look.unreachable {
        picture.push_str(&format!("\n{error}"));
    }
    let drawn = screen
        .clear_screen()
        .and_then(|()| screen.write_line(&picture));
    drawn.map_err(|error| Failure::internal(format!("cannot write to stdout: {error}")))
}

fn picture(status: &Status, terminal: Terminal, most_rows: usize) -> String {
    let mirrors = status.mirrors.iter();
    let pictures: Vec<_> = mirrors
        .map(|mirror| table::mirror(mirror, terminal, most_rows))
        .collect();
    pictures.join("\n\n")
}
