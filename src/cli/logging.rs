//! Sends events to stderr, as text for people or JSON for collectors.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::terminal;
use crate::config::{Log, LogFormat};

/// The running log.
pub(super) struct Logging(reload::Handle<EnvFilter, Registry>);

/// Starts the process's log. `RUST_LOG` wins over the configured level where it is set.
pub(super) fn start(log: &Log) -> Logging {
    let (filter, handle) = reload::Layer::new(filter(log));
    let events = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    // Started once per process, before anything else could have.
    let _ = match log.format {
        LogFormat::Text => registry
            .with(
                events
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal() && terminal::colours_wanted()),
            )
            .try_init(),
        LogFormat::Json => registry.with(events.json().flatten_event(true)).try_init(),
    };
    Logging(handle)
}

impl Logging {
    /// Takes the level over; the format stays what it was.
    pub(super) fn follow(&self, log: &Log) {
        self.0
            .reload(filter(log))
            .expect("the log lives as long as the process");
    }
}

fn filter(log: &Log) -> EnvFilter {
    EnvFilter::builder()
        .with_default_directive(LevelFilter::from_level(log.level).into())
        .from_env_lossy()
}
