//! Watches a copy grow, so as to know how many records the last moments before a fault carried.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::clusters::{Clusters, copy_of};
use crate::support::wait::eventually;

/// The mirror commits once per `commit_interval`, by default.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// For the commit's own way there and back, and for how coarsely the copy is looked at, on a machine with all to do.
const SLACK: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(90);

/// When the copy held how many records.
pub struct Carried {
    seen: Vec<(Instant, i64)>,
}

impl Carried {
    /// Watches until the copy of `topic` holds `records`, and long enough to know a whole commit interval.
    #[track_caller]
    pub fn watch(clusters: &Clusters, topic: &str, records: i64) -> Self {
        let mut target = clusters.target.client();
        let mut seen = Vec::new();
        eventually(
            &format!("{records} records of {topic} are copied"),
            DEADLINE,
            || {
                let copied = target.total_end(&copy_of(topic))?;
                seen.push((Instant::now(), copied));
                ensure!(copied >= records, "{copied} are");
                ensure!(
                    seen[0].0.elapsed() > COMMIT_INTERVAL + SLACK,
                    "not watched for long enough"
                );
                Ok(())
            },
        );
        Self { seen }
    }

    /// How many records the copy gained from one commit interval (and the slack) before `fault` until now: those after
    /// the last commit, which a restart may replay (I1).
    pub fn at_risk(&self, clusters: &Clusters, topic: &str, fault: Instant) -> Result<usize> {
        let since = fault - COMMIT_INTERVAL - SLACK;
        let before = self
            .seen
            .iter()
            .rev()
            .find(|(at, _)| *at <= since)
            .map_or(0, |(_, copied)| *copied);
        let now = clusters.target.client().total_end(&copy_of(topic))?;
        Ok(usize::try_from(now - before)?)
    }
}
