//! Sends events to stderr, as text for people or JSON for collectors.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, util::SubscriberInitExt};

use super::log_line::Lines;
use super::terminal;
use crate::config::Log;

/// The running log.
pub(super) struct Logging(reload::Handle<EnvFilter, Registry>);

/// Starts the process's log. `RUST_LOG` wins over the configured level where it is set.
pub(super) fn start(log: &Log) -> Logging {
    let (filter, handle) = reload::Layer::new(filter(log));
    let lines = Lines {
        format: log.format,
        coloured: std::io::stderr().is_terminal() && terminal::colours_wanted(),
    };
    let registry = tracing_subscriber::registry().with(filter).with(lines);
    // Started once per process, before anything else could have.
    let _ = registry.try_init();
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
