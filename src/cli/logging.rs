//! Sends events to stderr, as text for people or JSON for collectors.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use super::terminal;
use crate::config::{Log, LogFormat};

/// Starts the process's log. `RUST_LOG` wins over the configured level where it is set.
pub(super) fn start(log: &Log) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::from_level(log.level).into())
        .from_env_lossy();
    let events = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Started once per process, before anything else could have.
    let _ = match log.format {
        LogFormat::Text => events
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal() && terminal::colours_wanted())
            .try_init(),
        LogFormat::Json => events.json().flatten_event(true).try_init(),
    };
}
