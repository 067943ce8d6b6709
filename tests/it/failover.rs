//! The promise: a group that is moved to the target reads there exactly what it had not read, wherever it was.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::checkpoints;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::copied::Copied;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::positions::{self, Positions};
use crate::support::wait::eventually;
use crate::support::workload;

const PARTITIONS: i32 = 2;
/// Records of each partition before the kill, and after it.
const RECORDS: usize = 10_000;

/// Has groups commit positions in all partitions of `topic`.
fn commit_positions(site: &mut Site, topic: &str, prefix: &str) -> Result<Positions> {
    let partitions: Vec<_> = (0..PARTITIONS).map(|at| (topic, at)).collect();
    positions::commit(&mut site.client, prefix, &partitions)
}

/// # Panics
/// When a group that goes on where `moved` says does not read exactly what it had not read of the source.
#[track_caller]
fn assert_each_reads_on(
    positions: &Positions,
    copied: &[Copied],
    moved: impl Fn(&str, i32) -> Option<i64>,
) {
    for (group, place) in positions {
        for ((partition, offset), copied) in (0..PARTITIONS).zip(place).zip(copied) {
            let to = moved(group, partition).expect("the group was moved");
            copied.assert_reads_on(group, *offset, to);
        }
    }
}

/// Each partition of what was `written`, which is in the copy once.
#[track_caller]
fn each_once(written: &Ledger, copy: &Ledger) -> Vec<Copied> {
    let partitions = written.partitions.iter().zip(&copy.partitions);
    let copied = partitions.map(|(written, copy)| Copied::of_entries(written, copy));
    let copied: Vec<_> = copied.collect();
    copied.iter().for_each(Copied::assert_each_once);
    copied
}

/// Waits until the target's groups are where `positions` of the source's are, by count.
#[track_caller]
fn await_moved(sites: &Sites, topic: &str, positions: &Positions) {
    let (target, copy) = (sites.target.cluster(), copy_of(topic));
    eventually("all groups are moved", SOON, || {
        let groups = positions.keys();
        let places = groups.flat_map(|group| (0..PARTITIONS).map(move |at| (group, at)));
        let missing = places.filter(|(group, at)| target.committed(group, &copy, *at).is_none());
        let missing = missing.count();
        ensure!(missing == 0, "{missing} offsets are missing");
        Ok(())
    });
}

/// Mirrors `orders`, which holds records already, is killed in the middle, started again, and gets as many records more.
fn mirror_through_a_kill(sites: &mut Sites, file: &ConfigFile) -> Result<Daemon> {
    let mut first = Daemon::start("first", file)?;
    eventually("the copy has begun", SOON, || {
        let copied = sites.target.client.total_end(&copy_of("orders"))?;
        ensure!(copied > 0, "{copied} records");
        Ok(())
    });
    first.kill()?;
    let second = Daemon::start("second", file)?;
    sites.write("orders", RECORDS, RECORDS)?;
    sites.await_committed("orders");
    Ok(second)
}

#[test]
fn i5_each_group_of_a_plain_topic_reads_on_where_it_was() -> Result<()> {
    let mut sites = Sites::start()?;
    sites
        .source
        .client
        .create_topic("orders", PARTITIONS, &[])?;
    sites.write("orders", 0, RECORDS)?;
    let config = sites
        .config(&["orders"])
        .set("checkpoint_interval", "500ms");
    let _daemon = mirror_through_a_kill(&mut sites, &config.write()?)?;
    let positions = commit_positions(&mut sites.source, "orders", "group")?;
    await_moved(&sites, "orders", &positions);
    let source = Ledger::read(&mut sites.source.client, "orders")?;
    let copy = Ledger::read(&mut sites.target.client, &copy_of("orders"))?;
    assert_each_reads_on(&positions, &each_once(&source, &copy), |group, at| {
        let target = sites.target.cluster();
        target.committed(group, &copy_of("orders"), at)
    });
    Ok(())
}

/// Writes records with keys that come again at random, so that what a compaction leaves of them has gaps everywhere: enough
/// that most of the offset map is not in memory.
fn write_again_and_again(site: &mut Site) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(7);
    for partition in 0..PARTITIONS {
        let records = (0..6 * RECORDS).map(|index| {
            let key = random.usize(0..3 * RECORDS);
            workload::typical(partition, index).key(format!("key-{key}"))
        });
        let records: Vec<_> = records.collect();
        let mut writer = Writer::new(&mut site.client, "orders")?;
        writer.write_all(partition, records, 500, Codec::Lz4)?;
    }
    Ok(())
}

#[test]
fn i5_each_group_of_a_compacted_topic_reads_on_where_it_was() -> Result<()> {
    let mut sites = Sites::start()?;
    let compacted = [("cleanup.policy", "compact")];
    let source = &mut sites.source.client;
    source.create_topic("orders", PARTITIONS, &compacted)?;
    write_again_and_again(&mut sites.source)?;
    sites.source.cluster().compact("orders")?;
    let config = sites
        .config(&["orders"])
        .set("checkpoint_interval", "500ms");
    let _daemon = mirror_through_a_kill(&mut sites, &config.write()?)?;
    let positions = commit_positions(&mut sites.source, "orders", "group")?;
    await_moved(&sites, "orders", &positions);
    // As it was copied, and then with both logs compacted: they hold the same records in the same order, so that the same
    // are left of them.
    for _ in 0..2 {
        let source = Ledger::read(&mut sites.source.client, "orders")?;
        let copy = Ledger::read(&mut sites.target.client, &copy_of("orders"))?;
        assert_each_reads_on(&positions, &each_once(&source, &copy), |group, at| {
            let target = sites.target.cluster();
            target.committed(group, &copy_of("orders"), at)
        });
        sites.source.cluster().compact("orders")?;
        sites.target.cluster().compact(&copy_of("orders"))?;
    }
    Ok(())
}

/// Records of the copy that are in `source`, too.
fn those_of(source: &Ledger, copy: &Ledger) -> Ledger {
    let partitions = source.partitions.iter().zip(&copy.partitions);
    let own = partitions.map(|(source, copy)| {
        let known: BTreeSet<_> = source.iter().map(|entry| entry.content).collect();
        let own = copy.iter().filter(|entry| known.contains(&entry.content));
        own.copied().collect()
    });
    Ledger {
        partitions: own.collect(),
    }
}

#[test]
fn i5_each_group_of_two_sources_of_one_topic_reads_on_where_it_was() -> Result<()> {
    let mut first = Sites::start()?;
    let mut second = Site::start(1)?;
    let mut yaml = "clusters:\n".to_owned();
    let sites = [("first", &first.source), ("second", &second)];
    for (name, site) in sites.into_iter().chain([("target", &first.target)]) {
        yaml += &format!(
            "  {name}: {{ bootstrap_servers: {:?} }}\n",
            site.bootstrap()
        );
    }
    let keys = "target: target, topics: [orders], target_topic: 'all.{topic}', heartbeats: 'off', \
                discovery_interval: 500ms, checkpoint_interval: 500ms";
    yaml +=
        &format!("mirrors:\n  - {{ source: first, {keys} }}\n  - {{ source: second, {keys} }}\n");
    yaml += "http: { listen: '127.0.0.1:0' }\nlog: { format: json }\n";
    let file = ConfigFile::of(&yaml)?;
    for site in [&mut first.source, &mut second] {
        site.client.create_topic("orders", PARTITIONS, &[])?;
    }
    let mut daemon = Daemon::start("first", &file)?;
    // In turns, so that the records of both stand between each other.
    for round in 0..10 {
        write(&mut first.source, round * 100)?;
        write(&mut second, 1_000_000 + round * 100)?;
        await_committed(&mut first.source, "first");
        await_committed(&mut second, "second");
        // Nothing is in flight: what is would be repeated, since nobody could tell it from the other's records.
        if round == 4 {
            daemon.kill()?;
            daemon = Daemon::start("second", &file)?;
        }
    }
    let copy = Ledger::read(&mut first.target.client, "all.orders")?;
    for (site, name) in [(&mut first.source, "first"), (&mut second, "second")] {
        let positions = commit_positions(site, "orders", name)?;
        let topic = format!("{name}.checkpoints.internal");
        let target = &mut first.target.client;
        let told = eventually("all groups are published", SOON, || {
            let told = checkpoints::read(target, &topic).context("none")?;
            let missing = positions.len() * PARTITIONS as usize - told.len();
            ensure!(missing == 0, "{missing} are missing");
            Ok(told)
        });
        let source = Ledger::read(&mut site.client, "orders")?;
        let own = those_of(&source, &copy);
        assert_each_reads_on(&positions, &each_once(&source, &own), |group, at| {
            let key = (group.to_owned(), "all.orders".to_owned(), at);
            told.get(&key).map(|one| one.downstream)
        });
    }
    Ok(())
}

fn write(site: &mut Site, first: usize) -> Result<()> {
    for partition in 0..PARTITIONS {
        let records = (first..first + 100).map(|index| workload::typical(partition, index));
        let mut writer = Writer::new(&mut site.client, "orders")?;
        writer.write_all(partition, records, 7, Codec::Lz4)?;
    }
    Ok(())
}

#[track_caller]
fn await_committed(site: &mut Site, source: &str) {
    let group = format!("kmirror.{source}-target.orders");
    eventually(&format!("{source} is committed"), SOON, || {
        let lag = site.client.group_lag(&group, "orders")?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
}
