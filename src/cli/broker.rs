//! `kmirror broker`: one built-in cluster on fixed ports.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::Args;
use kmirror_broker::Cluster;

use super::signals::StopSignals;
use super::terminal::Terminal;
use super::{Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct BrokerArgs {
    /// Address of the first node; the others take the ports above it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9092")]
    listen: SocketAddr,
    /// How many nodes the cluster has
    #[arg(long, value_name = "N", default_value = "1")]
    nodes: NonZeroU16,
    /// Partitions of topics that clients create without saying how many
    #[arg(long, value_name = "N", default_value = "4")]
    partitions: NonZeroU16,
    /// Keep the data in this directory, and come back with it [default: in memory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Take commands that make it fail, one JSON object per line, on this loopback address; see broker/README.md
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// Draw what is random from this number, to repeat a run [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(super) async fn broker(args: BrokerArgs) -> Result<Exit, Failure> {
    let mut signals = StopSignals::catch()?;
    let terminal = Terminal::stdout();
    let mut builder = Cluster::builder()
        .nodes(args.nodes.get().into())
        .partitions(args.partitions.get().into())
        .listen(args.listen.to_string());
    if let Some(directory) = &args.data {
        builder = builder.data_dir(directory);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let cluster = builder.start().await.map_err(|error| refused(&error))?;
    terminal.say(format_args!(
        "bootstrap servers: {}",
        cluster.bootstrap_servers()
    ))?;
    match &args.data {
        Some(directory) => terminal.say(format_args!("data: {}", directory.display()))?,
        None => terminal.say(format_args!("data: in memory, gone when this command ends"))?,
    }
    if let Some(address) = args.control {
        let bound = cluster.serve_control(address).await.map_err(|error| {
            Failure::usage(format!(
                "cannot take commands on {address}: {error}; choose another --control"
            ))
        })?;
        terminal.say(format_args!("control: {bound}"))?;
        terminal.say(format_args!("seed: {}", cluster.seed()))?;
    }
    terminal.say(format_args!("stop with Ctrl-C"))?;
    signals.next().await;
    signals.unless_again(cluster.shutdown()).await;
    Ok(Exit::Clean)
}

/// What a cluster cannot start for is what the flags say.
fn refused(error: &kmirror_broker::StartError) -> Failure {
    use kmirror_broker::StartError;
    let remedy = match error {
        StartError::Listen { .. } => "choose a free address with --listen",
        StartError::DataDir { .. } => {
            "choose a directory with --data that no other broker uses and that can be written"
        }
        StartError::Config(_) => "see 'kmirror broker --help'",
    };
    Failure::usage(format!("{error}; {remedy}"))
}
