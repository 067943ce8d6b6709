//! MirrorMaker 2 itself: kmirror goes on where it was killed, and it goes on where kmirror was stopped.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::clusters::{Clusters, copy_of};
use crate::jars;
use crate::load::Load;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::process::Process;
use crate::support::wait::eventually;

const TOPIC: &str = "orders";
const PROGRESS: &str = "mm2-offsets.source.internal";
/// Records a second: a kill finds some in flight.
const RATE: usize = 3_000;
/// MirrorMaker 2 takes some twenty seconds to start on a busy machine of two cores.
const DEADLINE: Duration = Duration::from_secs(120);
const DRAINS_WITHIN: Duration = Duration::from_secs(25);

/// MirrorMaker 2 in dedicated mode, as a process. Dropped, it is killed.
struct MirrorMaker {
    process: Process,
    _directory: TempDir,
}

impl MirrorMaker {
    fn start(name: &str, clusters: &Clusters) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("mm2.properties");
        fs::write(&file, properties(clusters))?;
        let mut command = Command::new("java");
        command
            .args(["-Xmx384m", "-XX:TieredStopAtLevel=1"])
            .args(["-Djava.net.preferIPv4Stack=true", "-cp"])
            .arg(jars::class_path()?)
            .arg("org.apache.kafka.connect.mirror.MirrorMaker")
            .arg(&file);
        let log = directory.path().join("mm2.log");
        Ok(Self {
            process: Process::spawn(name, &mut command, &log)?,
            _directory: directory,
        })
    }

    /// What it had read and not stored is on the target or not.
    fn kill(mut self) -> Result<()> {
        self.process.kill()
    }
}

fn properties(clusters: &Clusters) -> String {
    let (source, target) = (clusters.source.bootstrap(), clusters.target.bootstrap());
    let mut text = format!(
        "clusters = source, target\n\
         source.bootstrap.servers = {source}\n\
         target.bootstrap.servers = {target}\n\
         source->target.enabled = true\n\
         source->target.topics = {TOPIC}\n\
         # Without heartbeats nothing runs in the other direction.\n\
         emit.heartbeats.enabled = false\n\
         # A minute by default.\n\
         target.offset.flush.interval.ms = 2000\n\
         # Does not look through all jars for plugins.\n\
         plugin.discovery = service_load\n\
         target.plugin.discovery = service_load\n\
         replication.factor = 1\n"
    );
    for topic in [
        "offset-syncs.topic",
        "checkpoints.topic",
        "heartbeats.topic",
    ] {
        text += &format!("{topic}.replication.factor = 1\n");
    }
    for topic in ["offset", "config", "status"] {
        text += &format!("{topic}.storage.replication.factor = 1\n");
    }
    text
}

/// How many records the copy holds.
fn copied(clusters: &Clusters) -> Result<i64> {
    clusters.target.client().total_end(&copy_of(TOPIC))
}

#[test]
fn each_record_is_there_once_through_the_move_and_the_way_back() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, 3)?;
    let load = Load::typical(clusters.source.client(), TOPIC, RATE);

    let mirrormaker = MirrorMaker::start("MirrorMaker 2", &clusters)?;
    clusters.await_copied(TOPIC, 10_000, DEADLINE);
    let mut target = clusters.target.client();
    eventually("its progress is stored", DEADLINE, || {
        let stored = target.total_end(PROGRESS)?;
        ensure!(stored >= 3, "{stored} times");
        Ok(())
    });
    mirrormaker.kill()?;

    let config = clusters
        .config(&[TOPIC])
        .set("import_from", "mirrormaker2")
        .set("mm2_offset_syncs", "true")
        .set("isolation", "read_uncommitted")
        .write()?;
    let mut daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, copied(&clusters)? + 10_000, DEADLINE);
    assert_eq!(daemon.terminate(DRAINS_WITHIN)?.code(), Some(0));
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact_but_for_losses(), "so far: {found}");

    let before = copied(&clusters)?;
    let _mirrormaker = MirrorMaker::start("MirrorMaker 2 again", &clusters)?;
    clusters.await_copied(TOPIC, before + 5_000, DEADLINE);
    load.finish()?;
    let written = clusters.source.client().total_end(TOPIC)?;
    clusters.await_copied(TOPIC, written, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
