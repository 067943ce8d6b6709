//! `kmirror run`: the daemon, from its configuration to its drain.

use super::signals::StopSignals;
use super::{ConfigFile, Exit, Failure, logging};
use crate::daemon::{Daemon, DrainOutcome};

pub(super) async fn run(file: ConfigFile) -> Result<Exit, Failure> {
    let config = file.load()?;
    logging::start(&config.log);
    for notice in config.notices() {
        tracing::warn!(key = notice.path, "{}", notice.text);
    }
    let mut signals = StopSignals::catch()?;
    let mut daemon = Daemon::start(config).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "kmirror started");
    tokio::select! {
        signal = signals.next() => tracing::info!(signal = signal.name(), "draining"),
        panic = daemon.failed() => return Err(Failure::internal(format!("a mirror ended: {panic}"))),
    }
    match signals.unless_again(daemon.drain()).await {
        DrainOutcome::Clean => {
            tracing::info!("drained");
            Ok(Exit::Clean)
        }
        DrainOutcome::DeadlinePassed => {
            tracing::error!(
                "drain_timeout passed; what the target had not acknowledged was not committed"
            );
            Ok(Exit::DrainDeadline)
        }
    }
}
