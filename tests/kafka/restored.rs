//! The source is put back to an older snapshot of its data: the same topics under the same ids, a shorter log, and what
//! groups had committed by then.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::clusters::Clusters;
use crate::standing::await_state;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "orders";
/// Its last records are not in the snapshot.
const SHORTENED: i32 = 0;
/// All of it is in the snapshot.
const WHOLE: i32 = 1;
/// Records of each partition that the snapshot holds.
const KEPT: usize = 1_000;
/// Records that were written and mirrored after it.
const LOST: usize = 500;
/// Numbers of records that no other life of the log has.
const ANEW: usize = 50_000;
const DEADLINE: Duration = Duration::from_secs(120);

/// A mirrored topic of which there is an older snapshot.
struct Scene {
    clusters: Clusters,
    /// What was mirrored, and must be in the copy whatever becomes of the source.
    mirrored: Ledger,
    daemon: Daemon,
    // Dropped last: the daemon logs into its directory, and a failure shows that.
    config: ConfigFile,
}

impl Scene {
    fn start() -> Result<Self> {
        let clusters = Clusters::with_topic(TOPIC, 2)?;
        let config = clusters.config(&[TOPIC]).write()?;
        let daemon = Daemon::start("first", &config)?;
        let mut mirrored = Ledger::empty(2);
        for partition in [SHORTENED, WHOLE] {
            mirrored.extend(write(&clusters, partition, 0, KEPT)?);
        }
        clusters.await_caught_up(TOPIC, DEADLINE);
        let mut scene = Self {
            clusters,
            mirrored,
            daemon,
            config,
        };
        scene.daemon.terminate(DEADLINE)?;
        scene.clusters.source.stop()?;
        scene.clusters.source.snapshot()?;
        scene.start_source()?;
        scene.start_daemon()?;
        let lost = write(&scene.clusters, SHORTENED, KEPT, LOST)?;
        scene.mirrored.extend(lost);
        scene.clusters.await_caught_up(TOPIC, DEADLINE);
        Ok(scene)
    }

    /// Started, and its partitions led, when this returns.
    fn start_source(&mut self) -> Result<()> {
        self.clusters.source.restart()?;
        let mut source = self.clusters.source.client();
        eventually("the partitions are led again", DEADLINE, || {
            source.total_end(TOPIC)
        });
        Ok(())
    }

    fn restore(&mut self) -> Result<()> {
        self.clusters.source.stop()?;
        self.clusters.source.restore()?;
        self.start_source()?;
        let end = self.clusters.source.client().log_end(TOPIC, SHORTENED)?;
        assert_eq!(end, KEPT as i64, "what came after the snapshot is gone");
        Ok(())
    }

    fn start_daemon(&mut self) -> Result<()> {
        self.daemon = Daemon::start("later", &self.config)?;
        Ok(())
    }

    /// Waits until the shortened partition stands still, and says why in these words.
    #[track_caller]
    fn await_told(&self, words: &[&str]) {
        let reason = await_state(&self.daemon, (TOPIC, SHORTENED), "diverged", DEADLINE);
        for said in words {
            assert!(reason.contains(said), "{reason:?} does not say {said:?}");
        }
    }

    /// The other partition is copied on, and the shortened one keeps its copy and its position.
    #[track_caller]
    fn assert_only_the_other_is_copied_on(mut self) -> Result<()> {
        let more = write(&self.clusters, WHOLE, KEPT, LOST)?;
        self.mirrored.extend(more);
        let end = (KEPT + LOST) as i64;
        for partition in [WHOLE, SHORTENED] {
            let what = format!("partition {partition} is committed up to {end}");
            eventually(&what, DEADLINE, || {
                let committed = self.clusters.committed(TOPIC, partition)?;
                ensure!(committed == Some(end), "{committed:?}");
                Ok(())
            });
        }
        let found = self.clusters.compare_with(&self.mirrored, TOPIC)?;
        assert!(found.is_exact(), "{found}");
        Ok(())
    }
}

/// Writes typical records number `first..first + count` to a partition, and answers what was written.
fn write(clusters: &Clusters, partition: i32, first: usize, count: usize) -> Result<Ledger> {
    let mut source = clusters.source.client();
    let mut writer = Writer::new(&mut source, TOPIC)?;
    let records = (first..first + count).map(|index| workload::typical(partition, index));
    writer.write_all(partition, records, 100, Codec::Lz4)?;
    Ok(writer.written)
}

/// What a process knows that outlives the restoration, the next one knows as well.
#[test]
fn a_source_restored_while_the_mirror_is_frozen_is_told_and_nothing_of_it_is_copied() -> Outcome {
    let mut scene = Scene::start()?;
    scene.daemon.pause()?;
    scene.restore()?;
    scene.daemon.resume()?;
    scene.await_told(&["the source log ends at 1000, before position 1500"]);
    write(&scene.clusters, SHORTENED, ANEW, 100)?;
    scene.daemon.terminate(DEADLINE)?;
    scene.start_daemon()?;
    scene.await_told(&["the source log ends at 1100, before position 1500"]);
    scene.assert_only_the_other_is_copied_on()?;
    Ok(())
}

/// Its consumers take the epochs that the source tells now for outdated, and new ones take over.
#[test]
fn a_source_restored_under_a_running_mirror_is_told_and_what_it_kept_is_copied_on() -> Outcome {
    let mut scene = Scene::start()?;
    scene.restore()?;
    scene.await_told(&["the source log ends at 1000, before position 1500"]);
    scene.assert_only_the_other_is_copied_on()?;
    Ok(())
}

/// The group's position is as old as the snapshot: only the mirror knows better.
#[test]
fn a_source_restored_while_the_mirror_is_down_is_told_and_nothing_of_it_is_copied() -> Outcome {
    let mut scene = Scene::start()?;
    scene.daemon.terminate(DEADLINE)?;
    scene.restore()?;
    let committed = eventually("the group's coordinator answers", DEADLINE, || {
        scene.clusters.committed(TOPIC, SHORTENED)
    });
    assert_eq!(committed, Some(KEPT as i64), "commits are restored, too");
    write(&scene.clusters, SHORTENED, ANEW, 100)?;
    scene.start_daemon()?;
    scene.await_told(&["the source log ends at 1100, before position 1500"]);
    scene.assert_only_the_other_is_copied_on()?;
    Ok(())
}

/// The leader epochs tell, as each start of the source counts them on: here it started once more than in the life that was
/// lost, so that no record of the new one has an epoch of that.
#[test]
fn a_restored_source_that_outgrew_its_past_in_a_later_epoch_is_told_and_nothing_of_it_is_copied()
-> Outcome {
    let mut scene = Scene::start()?;
    scene.daemon.terminate(DEADLINE)?;
    scene.restore()?;
    scene.clusters.source.stop()?;
    scene.start_source()?;
    write(&scene.clusters, SHORTENED, ANEW, LOST + 400)?;
    scene.start_daemon()?;
    scene.await_told(&["the source log was cut back to offset 1000, before position 1500"]);
    scene.assert_only_the_other_is_copied_on()?;
    Ok(())
}

/// It has the same leader epochs in both lives: the newest record that was copied tells them apart.
#[test]
fn a_restored_source_that_outgrew_its_past_in_the_same_epoch_is_told_and_nothing_of_it_is_copied()
-> Outcome {
    let mut scene = Scene::start()?;
    scene.daemon.terminate(DEADLINE)?;
    scene.restore()?;
    write(&scene.clusters, SHORTENED, ANEW, LOST + 400)?;
    scene.start_daemon()?;
    scene.await_told(&["another record at offset 1499", "before position 1500"]);
    scene.assert_only_the_other_is_copied_on()?;
    Ok(())
}
