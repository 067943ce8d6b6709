//! Waits for what a daemon says of itself: whether it is ready, which cluster is missing, how a partition stands.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A look at the clusters takes its `discovery_interval` and up to two time-outs of 5 s.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// A cluster that is down is known to be so: `/readyz` names it and `kmirror_cluster_up` is 0.
#[track_caller]
pub fn await_down(daemon: &Daemon, cluster: &str) {
    let what = format!("/readyz and kmirror_cluster_up say that {cluster} is down");
    let words = format!("cluster {cluster} does not answer");
    eventually(&what, NOTICED_WITHIN, || {
        let answer = daemon.readyz()?;
        let named = answer.status == 503 && answer.body.contains(&words);
        ensure!(named, "{answer:?}");
        let up = cluster_up(daemon, cluster)?;
        ensure!(up == 0.0, "kmirror_cluster_up is {up}");
        Ok(())
    });
}

/// All is said to be well again.
#[track_caller]
pub fn await_ready(daemon: &Daemon, deadline: Duration) {
    eventually("/readyz answers 200", deadline, || {
        let answer = daemon.readyz()?;
        ensure!(answer.status == 200, "{answer:?}");
        for cluster in ["source", "target"] {
            let up = cluster_up(daemon, cluster)?;
            ensure!(up == 1.0, "kmirror_cluster_up of {cluster} is {up}");
        }
        Ok(())
    });
}

fn cluster_up(daemon: &Daemon, cluster: &str) -> Result<f64> {
    let metrics = daemon.metrics()?;
    metrics
        .sum("kmirror_cluster_up", &[("cluster", cluster)])
        .with_context(|| format!("no kmirror_cluster_up of {cluster}"))
}

/// Waits until a partition stands in `state`, and returns the reason it gives.
#[track_caller]
pub fn await_state(
    daemon: &Daemon,
    (topic, partition): (&str, i32),
    state: &str,
    deadline: Duration,
) -> String {
    let what = format!("partition {partition} of {topic} is {state}");
    eventually(&what, deadline, || {
        let status = daemon.status()?;
        let found = find(&status, topic, partition).with_context(|| status.to_string())?;
        ensure!(found["state"] == state, "{found}");
        let reason = found["reason"].as_str().unwrap_or_default();
        Ok::<_, anyhow::Error>(reason.to_owned())
    })
}

/// The partition, or the topic where it stands still as a whole.
fn find<'a>(status: &'a Value, topic: &str, partition: i32) -> Option<&'a Value> {
    let topics = status["mirrors"][0]["topics"].as_array()?;
    let topic = topics.iter().find(|one| one["source_topic"] == topic)?;
    let partitions = topic["partitions"].as_array()?;
    if partitions.is_empty() {
        return Some(topic);
    }
    partitions.iter().find(|one| one["partition"] == partition)
}

/// `kmirror_skipped_records_total` of one cause, over the partitions of `topic`.
pub fn skipped(daemon: &Daemon, topic: &str, cause: &str) -> Result<f64> {
    let labels = [("topic", topic), ("cause", cause)];
    let skipped = daemon
        .metrics()?
        .sum("kmirror_skipped_records_total", &labels);
    Ok(skipped.unwrap_or(0.0))
}
