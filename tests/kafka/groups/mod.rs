//! Groups on two real clusters: what Java's own client of MirrorMaker 2 is told of them, and which are left alone.

mod aggregated;
mod failover;
mod far_behind;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clusters::{Clusters, copy_of};
use crate::jars;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(120);
const TRANSLATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/kafka/groups/Translate.java"
);

/// Waits until somebody coordinates a group: a new broker has yet to make the topic for it.
#[track_caller]
fn await_coordinator(client: &mut Client, group: &str) {
    eventually(&format!("{group} is coordinated"), DEADLINE, || {
        client.group(group).map(drop)
    });
}

/// What the program says of groups of `source`, on the cluster at `bootstrap`.
fn translated_by_java(bootstrap: &str, groups: &[&str]) -> Result<String> {
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"])
        .args([&jars::class_path()?, TRANSLATE, bootstrap, "source"])
        .args(groups)
        .output()
        .context("run java: the real-Kafka suite needs a JDK of version 17")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn javas_remote_cluster_utils_are_told_the_exact_offsets() -> Outcome {
    let clusters = Clusters::shared()?;
    let topic = "translated";
    let mut source = clusters.source.client();
    source.create_topic(topic, 2, &[])?;
    for partition in 0..2 {
        let records = (0..500).map(|index| workload::typical(partition, index));
        Writer::new(&mut source, topic)?.write_all(partition, records, 50, Codec::Lz4)?;
    }
    // So that offsets differ on both sides.
    source.delete_records_before(topic, 0, 120)?;
    for group in ["java-behind", "java-level"] {
        await_coordinator(&mut source, group);
    }
    let offsets = [(topic, 0, 300), (topic, 1, 301)];
    source.commit_with("java-behind", &offsets, "beside it")?;
    source.commit_with("java-level", &[(topic, 0, 500)], "")?;
    let config = clusters.config(&[topic]);
    let config = config.set("checkpoint_interval", "500ms").write()?;
    let _daemon = Daemon::start("kmirror", &config)?;
    let mut target = clusters.target.client();
    eventually("both groups are moved", DEADLINE, || {
        let level = target.committed("java-level", &copy_of(topic), 0)?;
        let behind = target.committed("java-behind", &copy_of(topic), 1)?;
        ensure!(
            (level, behind) == (Some(380), Some(301)),
            "{level:?} {behind:?}"
        );
        Ok(())
    });
    let told = translated_by_java(
        &clusters.target.bootstrap(),
        &["java-behind", "java-level", "java-unknown"],
    )?;
    let expected = "java-behind source.translated 0 180 beside it\n\
                    java-behind source.translated 1 301 beside it\n\
                    java-level source.translated 0 380 \n";
    assert_eq!(told, expected);
    Ok(())
}

#[test]
fn a_group_that_is_active_on_the_target_is_left_alone_until_it_is_idle() -> Outcome {
    let clusters = Clusters::shared()?;
    let topic = "active";
    let mut source = clusters.source.client();
    source.create_topic(topic, 1, &[])?;
    let records = (0..100).map(|index| workload::typical(0, index));
    Writer::new(&mut source, topic)?.write_all(0, records, 50, Codec::Lz4)?;
    let mut target = clusters.target.client();
    await_coordinator(&mut target, "active-there");
    let member = target.join_group("active-there")?;
    for group in ["active-there", "idle-there"] {
        await_coordinator(&mut source, group);
        source.commit(group, topic, 0, 40)?;
    }
    let config = clusters.config(&[topic]);
    let config = config.set("checkpoint_interval", "500ms").write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(topic, DEADLINE);
    let mut await_moved = |group: &str| {
        eventually(&format!("{group} is moved"), DEADLINE, || {
            let moved = target.committed(group, &copy_of(topic), 0)?;
            ensure!(moved == Some(40), "{moved:?}");
            Ok(())
        })
    };
    await_moved("idle-there");
    eventually("the other one is counted", DEADLINE, || {
        let metrics = daemon.metrics()?;
        let name = "kmirror_group_offsets_refused_total";
        let active = metrics.sum(name, &[("reason", "active")]);
        ensure!(active == Some(1.0), "{active:?}");
        Ok(())
    });
    let mut other = clusters.target.client();
    assert_eq!(other.committed("active-there", &copy_of(topic), 0)?, None);
    other.leave_group("active-there", &member)?;
    await_moved("active-there");
    Ok(())
}
