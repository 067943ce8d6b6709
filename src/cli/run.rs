//! `kmirror run`: the daemon, from its configuration to its drain.

use super::logging::{self, Logging};
use super::signals::{ReloadSignal, StopSignals};
use super::supervisor::Supervisor;
use super::{ConfigFile, Exit, Failure};
use crate::config::{self, Config};
use crate::daemon::{Daemon, DrainOutcome};

pub(super) async fn run(file: ConfigFile) -> Result<Exit, Failure> {
    let config = file.load()?;
    let log = logging::start(&config.log);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        file = %file.path.display(),
        mirrors = config.mirrors.len(),
        "kmirror starts"
    );
    notice(&config);
    let mut signals = StopSignals::catch()?;
    let mut reload_signal = ReloadSignal::catch()?;
    let mut supervisor = Supervisor::from_env();
    let mut daemon = Daemon::start(config).await?;
    supervisor.ready();
    tracing::info!("kmirror started");
    loop {
        tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal = signal.name(), "draining");
                break;
            }
            () = reload_signal.next() => reload(&file, &mut daemon, &log),
            () = supervisor.keep_alive() => {}
            panic = daemon.tend() => return Err(Failure::internal(format!("a mirror ended: {panic}"))),
        }
    }
    supervisor.stopping();
    let drained = supervisor.during(daemon.drain());
    match signals.unless_again(drained).await {
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

/// Reads the file again. What is wrong with it is logged, and nothing changes then.
fn reload(file: &ConfigFile, daemon: &mut Daemon, log: &Logging) {
    tracing::info!(file = %file.path.display(), "reading the configuration again");
    let config = match config::load(&file.path) {
        Ok(config) => config,
        Err(errors) => {
            for problem in errors.problems() {
                tracing::error!("{problem}");
            }
            return tracing::error!("the configuration is wrong, nothing was changed");
        }
    };
    let settings = config.log.clone();
    notice(&config);
    match daemon.reload(config) {
        Ok(()) => {
            log.follow(&settings);
            tracing::info!("the configuration is in effect");
        }
        Err(error) => tracing::error!(
            reason = format!("{error:#}"),
            "the configuration cannot be used, nothing was changed"
        ),
    }
}

fn notice(config: &Config) {
    for notice in config.notices() {
        tracing::warn!(key = notice.path, "{}", notice.text);
    }
}
