//! Sets the demo's stage: two built-in clusters, the topics on the source, the mirror between them.

use std::path::Path;

use kmirror_broker::Cluster;

use super::score::Score;
use super::verifier::LogEnds;
use crate::cli::Failure;
use crate::config::{self, Config};
use crate::daemon::Daemon;

/// Names in the demo's configuration.
const SOURCE: &str = "paris";
const TARGET: &str = "dublin";

/// Both clusters and the mirror.
pub(super) struct Stage {
    pub(super) source: Cluster,
    pub(super) target: Cluster,
    pub(super) daemon: Daemon,
}

impl Stage {
    /// Starts everything. Each partition of a cluster keeps `retention_bytes`, so that a demo of days needs
    /// no more memory than one of minutes.
    pub(super) async fn set(score: &Score, retention_bytes: u64) -> Result<Self, Failure> {
        let source = cluster().await?;
        let target = cluster().await?;
        let retention = retention_bytes.to_string();
        for topic in score.topics() {
            let partitions = i32::try_from(topic.lanes.len()).map_err(Failure::usage)?;
            source
                .create_topic(&topic.name, partitions, &[("retention.bytes", &retention)])
                .map_err(Failure::internal)?;
        }
        let config = configuration(&source.bootstrap_servers(), &target.bootstrap_servers())?;
        let daemon = Daemon::start(config).await?;
        Ok(Self {
            source,
            target,
            daemon,
        })
    }

    /// Whether the mirror has created the copies of all topics.
    pub(super) fn has_copies(&self, score: &Score) -> bool {
        let mut topics = score.topics().iter();
        topics.all(|topic| self.target.log_end(&target_topic(&topic.name), 0).is_some())
    }
}

/// Ends of the target's logs.
pub(super) fn log_ends(target: &Cluster, score: &Score) -> LogEnds {
    let lanes = score.lanes();
    let end = lanes.map(|(place, _)| target.log_end(&target_topic(place.topic), place.partition));
    end.map(|end| end.unwrap_or(0)).collect()
}

/// Name of a topic's copy.
pub(super) fn target_topic(topic: &str) -> String {
    format!("{SOURCE}.{topic}")
}

async fn cluster() -> Result<Cluster, Failure> {
    Cluster::builder()
        // Retention is what bounds the memory here, so it must not wait for five minutes.
        .broker_config("log.retention.check.interval.ms", "1000")
        .start()
        .await
        .map_err(Failure::internal)
}

fn configuration(source: &str, target: &str) -> Result<Config, Failure> {
    let text = format!(
        "clusters:\n  {SOURCE}: {{ bootstrap_servers: '{source}' }}\n  {TARGET}: {{ bootstrap_servers: '{target}' }}\n\
         mirrors:\n  - {{ source: {SOURCE}, target: {TARGET}, discovery_interval: 1s }}\n\
         http: {{ listen: '127.0.0.1:0' }}\n"
    );
    config::parse(&text, &|_| None, Path::new("")).map_err(Failure::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_configuration_is_valid_and_names_copies_as_the_demo_does() {
        let config = configuration("127.0.0.1:1", "127.0.0.1:2").expect("valid");
        let mirror = &config.mirrors[0];
        assert_eq!(
            mirror.target_topic.render(&mirror.source, "orders"),
            target_topic("orders")
        );
    }
}
