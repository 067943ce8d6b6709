//! Groups are failed over between two real clusters: each reads exactly what it had not read, and Java's own client of
//! MirrorMaker 2 is told the same offsets.

use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clusters::{Clusters, copy_of};
use crate::jars;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(120);
const TRANSLATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/kafka/groups/Translate.java"
);

/// Groups at random positions, beside those at the start and at the end.
const GROUPS: usize = 200;
/// Records before the kill, and after it.
const RECORDS: usize = 20_000;

const PLAIN: &str = "failover-plain";
const COMPACTED: &str = "failover-compacted";

/// Cleaned within seconds: a segment holds the records of one second, by their timestamps.
const CLEANED_SOON: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "1000"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

/// Writes to partition 0, with keys that come again at random, numbered from `first`.
fn write(client: &mut Client, topic: &str, first: usize) -> Result<Ledger> {
    let mut random = fastrand::Rng::with_seed(first as u64);
    let records = (first..first + RECORDS).map(|index| {
        let key = random.usize(0..RECORDS / 2);
        workload::typical(0, index).key(format!("key-{key}"))
    });
    let records: Vec<_> = records.collect();
    let mut writer = Writer::new(client, topic)?;
    writer.write_all(0, records, 200, Codec::Lz4)?;
    Ok(writer.written)
}

/// Waits until somebody coordinates a group: a new broker has yet to make the topic for it.
#[track_caller]
fn await_coordinator(client: &mut Client, group: &str) {
    eventually(&format!("{group} is coordinated"), DEADLINE, || {
        client.group(group).map(drop)
    });
}

/// Where groups stand in both topics.
fn commit_positions(source: &mut Client) -> Result<BTreeMap<String, [i64; 2]>> {
    let mut random = fastrand::Rng::with_seed(42);
    let ends = [source.log_end(PLAIN, 0)?, source.log_end(COMPACTED, 0)?];
    let mut positions = BTreeMap::new();
    for number in 0..GROUPS + 2 {
        let place = ends.map(|end| match number {
            0 => 0,
            1 => end,
            _ => random.i64(0..=end),
        });
        let group = format!("failover-{number}");
        let offsets = [(PLAIN, 0, place[0]), (COMPACTED, 0, place[1])];
        source.commit_with(&group, &offsets, "")?;
        positions.insert(group, place);
    }
    Ok(positions)
}

/// # Panics
/// When a group at `position` on the source that goes on at `moved` would not read exactly what it had not read.
#[track_caller]
fn assert_reads_on(who: &str, copy: &[(i64, i64)], position: i64, moved: i64) {
    let (read, unread): (Vec<_>, Vec<_>) = copy.iter().partition(|(at, _)| *at < moved);
    let lost = read.iter().filter(|(_, from)| *from >= position).count();
    let repeated = unread.iter().filter(|(_, from)| *from < position).count();
    assert_eq!(
        (lost, repeated),
        (0, 0),
        "{who} at {position} went on at {moved}"
    );
}

/// Offset of each record of a copy, and that of its original.
fn origins(written: &Ledger, copy: &Ledger) -> Vec<(i64, i64)> {
    let originals = written.partitions[0].iter();
    let originals: HashMap<_, _> = originals.map(|one| (one.content, one.offset)).collect();
    let copies = copy.partitions[0].iter();
    copies
        .map(|one| (one.offset, originals[&one.content]))
        .collect()
}

#[test]
fn i5_each_group_reads_on_where_it_was_after_a_kill_in_midstream() -> Outcome {
    let clusters = Clusters::shared()?;
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    source.create_topic(PLAIN, 1, &[])?;
    source.create_topic(COMPACTED, 1, &CLEANED_SOON)?;
    let mut written = [PLAIN, COMPACTED].map(|_| Ledger::empty(1));
    for (topic, written) in [PLAIN, COMPACTED].into_iter().zip(&mut written) {
        written.extend(write(&mut source, topic, 0)?);
    }
    eventually("the source is compacted", DEADLINE, || {
        let left = Ledger::read(&mut source, COMPACTED)?.records();
        ensure!(left < RECORDS * 3 / 4, "{left} records are left");
        Ok(())
    });

    let config = clusters.config(&[PLAIN, COMPACTED]);
    let config = config.set("checkpoint_interval", "1s").write()?;
    let mut daemon = Daemon::start("killed", &config)?;
    clusters.await_copied(PLAIN, 1, DEADLINE);
    clusters.await_copied(COMPACTED, 1, DEADLINE);
    daemon.kill()?;
    let _daemon = Daemon::start("restarted", &config)?;
    for (topic, written) in [PLAIN, COMPACTED].into_iter().zip(&mut written) {
        written.extend(write(&mut source, topic, RECORDS)?);
        clusters.await_caught_up(topic, DEADLINE);
    }

    let positions = commit_positions(&mut source)?;
    let mut moved = BTreeMap::new();
    for who in positions.keys() {
        let place = eventually(&format!("{who} is moved"), DEADLINE, || {
            let plain = target
                .committed(who, &copy_of(PLAIN), 0)?
                .context("not yet")?;
            let compacted = target.committed(who, &copy_of(COMPACTED), 0)?;
            anyhow::Ok([plain, compacted.context("not yet")?])
        });
        moved.insert(who, place);
    }
    for (number, topic) in [PLAIN, COMPACTED].into_iter().enumerate() {
        let copy = Ledger::read(&mut target, &copy_of(topic))?;
        let copy = origins(&written[number], &copy);
        for (who, position) in &positions {
            assert_reads_on(who, &copy, position[number], moved[who][number]);
        }
    }
    Ok(())
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
