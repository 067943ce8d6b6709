//! The control loop: what it does with copies as their source topics come, grow and change, and with what it is refused.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::SOON;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

mod acls;
mod configs;
mod copies;
mod growth;
mod refusals;
mod safety;

/// A topic's entry in `/status`.
fn status_of(daemon: &Daemon, topic: &str) -> Result<Value> {
    let status = daemon.status()?;
    let topics = status["mirrors"][0]["topics"].as_array();
    let found = topics
        .into_iter()
        .flatten()
        .find(|one| one["source_topic"] == topic);
    found.cloned().context("the topic is not in the status")
}

/// Waits until a topic as a whole is in `state`; returns the reason.
#[track_caller]
fn await_topic(daemon: &Daemon, topic: &str, state: &str) -> String {
    eventually(&format!("{topic} is {state}"), SOON, || {
        let seen = status_of(daemon, topic)?;
        ensure!(seen["state"] == state, "{seen}");
        Ok(seen["reason"].as_str().unwrap_or_default().to_owned())
    })
}

/// Waits until something is said of a topic beside its state that holds all of `words`.
#[track_caller]
fn await_notice(daemon: &Daemon, topic: &str, words: &[&str]) {
    let what = format!("{topic} has a notice with {words:?}");
    eventually(&what, SOON, || {
        let seen = status_of(daemon, topic)?["notices"].to_string();
        ensure!(words.iter().all(|word| seen.contains(word)), "{seen}");
        Ok(())
    });
}

/// Waits until a config of a topic has this value.
#[track_caller]
pub fn await_config(client: &mut Client, topic: &str, name: &str, value: &str) {
    eventually(&format!("{name} of {topic} is {value}"), SOON, || {
        let seen = client.topic_config(topic, name)?;
        ensure!(seen.as_deref() == Some(value), "{seen:?}");
        Ok(())
    });
}

/// Waits until a topic has so many partitions.
#[track_caller]
fn await_partitions(client: &mut Client, topic: &str, partitions: i32) {
    eventually(&format!("{topic} has {partitions}"), SOON, || {
        let seen = client.partitions(topic)?;
        ensure!(seen == partitions, "{seen}");
        Ok(())
    });
}
