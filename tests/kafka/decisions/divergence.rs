//! The source topic is deleted and created anew under the same name (`on_divergence`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{DEADLINE, write};
use crate::clusters::{Clusters, copy_of};
use crate::standing::await_state;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

/// By default: so long after a topic was created anew, it is seen at the latest.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(2);
/// For that look itself, and for the partition's own questions to both clusters: less than a second on two idle cores, up to
/// three where twenty times as much as they can do waits for them.
const SLACK: Duration = Duration::from_secs(5);
/// A process that starts has a group to join before.
const STARTED_WITHIN: Duration = Duration::from_secs(15);
const PARTITIONS: i32 = 2;
/// Records of each partition before the topic is deleted.
const BEFORE: usize = 1_000;
const SHORTER: usize = 100;
const LONGER: usize = 3_000;

/// A topic that is mirrored to its end.
struct Scene {
    clusters: Arc<Clusters>,
    topic: &'static str,
    daemon: Daemon,
    // Dropped last: the daemon logs into its directory, and a failure shows that.
    config: ConfigFile,
}

impl Scene {
    fn start(topic: &'static str) -> Result<Self> {
        let clusters = Clusters::shared()?;
        clusters
            .source
            .client()
            .create_topic(topic, PARTITIONS, &[])?;
        write(&clusters, topic, 0, BEFORE)?;
        let config = clusters.config(&[topic]).write()?;
        let daemon = Daemon::start("kmirror", &config)?;
        clusters.await_caught_up(topic, DEADLINE);
        Ok(Self {
            clusters,
            topic,
            daemon,
            config,
        })
    }

    /// Gone when this returns. Created anew before that, it would take its first records into the old log.
    fn delete(&self) -> Result<()> {
        let mut source = self.clusters.source.client();
        source.delete_topic(self.topic)?;
        eventually("the topic is gone", DEADLINE, || {
            let topics = source.topics()?;
            let there = topics.iter().any(|topic| topic == self.topic);
            ensure!(!there, "it is there");
            Ok(())
        });
        Ok(())
    }

    /// Creates the topic anew, with other records than it had. Answers when it was there.
    fn create(&self, records: usize) -> Result<Instant> {
        let mut source = self.clusters.source.client();
        source.create_topic(self.topic, PARTITIONS, &[])?;
        let created = Instant::now();
        write(&self.clusters, self.topic, 10_000, records)?;
        Ok(created)
    }

    /// Waits until every partition stands still and says why, `within` that time since then.
    #[track_caller]
    fn await_told(&self, since: Instant, within: Duration) {
        for partition in 0..PARTITIONS {
            let place = (self.topic, partition);
            let left = within.saturating_sub(since.elapsed());
            let reason = await_state(&self.daemon, place, "diverged", left);
            assert!(reason.contains("created anew"), "{reason}");
        }
        println!("{}: told after {:?}", self.topic, since.elapsed());
    }

    /// The copy is as it was.
    #[track_caller]
    fn assert_copy_is_as_it_was(&self) -> Result<()> {
        let mut target = self.clusters.target.client();
        for partition in 0..PARTITIONS {
            let end = target.log_end(&copy_of(self.topic), partition)?;
            assert_eq!(end, BEFORE as i64, "partition {partition} of the copy");
        }
        Ok(())
    }
}

#[test]
fn a_topic_recreated_shorter_is_told_and_nothing_of_it_is_copied() -> Outcome {
    let scene = Scene::start("recreated-shorter")?;
    scene.delete()?;
    let created = scene.create(SHORTER)?;
    scene.await_told(created, DISCOVERY_INTERVAL + SLACK);
    scene.assert_copy_is_as_it_was()?;
    Ok(())
}

/// A consumer that comes to itself before the next look reads the new topic for that long.
#[test]
fn a_topic_recreated_longer_between_two_looks_is_told() -> Outcome {
    let mut scene = Scene::start("recreated-longer")?;
    scene.daemon.pause()?;
    scene.delete()?;
    scene.create(LONGER)?;
    scene.daemon.resume()?;
    scene.await_told(Instant::now(), DISCOVERY_INTERVAL + SLACK);
    Ok(())
}

#[test]
fn a_topic_recreated_after_it_was_seen_gone_is_told_and_nothing_of_it_is_copied() -> Outcome {
    let scene = Scene::start("recreated-later")?;
    scene.delete()?;
    await_state(&scene.daemon, (scene.topic, 0), "stopped", DEADLINE);
    let created = scene.create(LONGER)?;
    scene.await_told(created, DISCOVERY_INTERVAL + SLACK);
    scene.assert_copy_is_as_it_was()?;
    Ok(())
}

/// Kafka forgets the committed positions of a topic that is deleted, so it is not by them that it can be told.
#[test]
fn a_topic_recreated_while_the_mirror_is_down_is_told_and_nothing_of_it_is_copied() -> Outcome {
    let mut scene = Scene::start("recreated-unseen")?;
    scene.daemon.terminate(DEADLINE)?;
    scene.delete()?;
    scene.create(LONGER)?;
    let started = Instant::now();
    scene.daemon = Daemon::start("restarted", &scene.config)?;
    scene.await_told(started, STARTED_WITHIN);
    scene.assert_copy_is_as_it_was()?;
    Ok(())
}
