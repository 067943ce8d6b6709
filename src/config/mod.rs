//! Reads, substitutes and validates the configuration.
//!
//! The text goes through these files in order: `yaml` (a tree), `substitute` (references in values), `read_daemon`,
//! `read_cluster` and `read_mirror` (typed values, by means of `keys`, `fields` and `scalar`), `conflicts` (mirrors against each
//! other), `neighbours` (what a mirror must know of the others). Problems are collected on the way, so that all of them show at once. What comes out is valid, and no other
//! room checks it again. Units are in the types: [`Duration`](std::time::Duration), bytes as `u64`, compiled regexes.

mod change;
mod choices;
mod circle;
mod cluster;
mod collision;
mod config_flow;
mod conflicts;
mod counterpart;
mod daemon;
pub(crate) mod defaults;
mod error;
mod fields;
mod heartbeat;
mod key;
mod keys;
mod mirror;
mod name_filter;
mod naming;
mod neighbours;
mod notice;
mod overlap;
mod properties;
mod read_cluster;
mod read_daemon;
mod read_mirror;
mod refused;
mod scalar;
mod secret;
mod servers;
mod shared_acls;
mod source;
mod start;
mod substitute;
mod suggest;
mod topic_name;
mod units;
mod yaml;

#[cfg(test)]
mod bad_input_tests;
#[cfg(test)]
mod conflicts_tests;
#[cfg(test)]
mod examples_tests;
#[cfg(test)]
mod secrecy_tests;

use std::path::Path;

pub use change::Change;
pub use choices::{
    Compression, ConsumerGroups, Heartbeats, ImportFrom, Isolation, LogFormat, OnDivergence, OnGap,
    OnRejected, Provenance, SaslMechanism,
};
pub use cluster::{Cluster, Sasl, Tls};
pub use counterpart::Counterpart;
pub use daemon::{Config, Log};
pub use error::{Errors, Problem};
pub use heartbeat::{HEARTBEATS_TOPIC, is_heartbeat_topic};
pub use key::KeyEntry;
pub use keys::{Mapping, reference};
pub use mirror::Mirror;
pub use name_filter::NameFilter;
pub use neighbours::Neighbours;
pub use notice::Notice;
pub use refused::{Refusal, refused_properties, refused_property};
pub use secret::Secret;
pub use start::Start;
pub use topic_name::{InvalidTopicName, MAX_TOPIC_NAME, TopicTemplate, validate_topic_name};

/// Reads the file at `path`, with references taken from the process's environment.
///
/// Relative paths inside the file begin at its own directory. A variable that is not valid Unicode counts as not set.
///
/// # Errors
///
/// Every problem of the file, or the one that keeps it from being read.
pub fn load(path: &Path) -> Result<Config, Errors> {
    let text = source::read(path).map_err(|error| {
        let what = format!("cannot be read ({error})");
        error::Problem::new(
            &path.display().to_string(),
            what,
            "create it, make it readable, or correct the path",
        )
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(&text, &|name| std::env::var(name).ok(), base)
}

/// Reads `text`, with `${NAME}` taken from `env`; relative paths begin at `base`.
///
/// # Errors
///
/// Every problem at once, or the first syntax error. No value that came through a reference is shown, nor any secret.
pub fn parse(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    base: &Path,
) -> Result<Config, Errors> {
    let tree = yaml::read(text)?;
    let problems = error::Problems::default();
    let tree = substitute::Substitution {
        env,
        base,
        problems: &problems,
    }
    .resolve(tree, "");
    let config = read_daemon::config(tree, base, &problems);
    problems.finish(config)
}
