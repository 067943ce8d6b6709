//! Whatever became of the maps that say where each record is.

use anyhow::{Context, Result, ensure};
use kmirror_broker::Api;

use super::{
    AFTER, BEFORE, assert_none_repeated, await_mirrored, config, copy_and_die, errors, go_on,
    sites, start_next, write,
};
use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::support::cli::kmirror_on;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const MAPS: &str = "__kmirror_offsets";

/// How often the maps were asked for and answered on one node of the target.
fn map_reads(sites: &Sites, node: i32) -> usize {
    let asked = sites.target.cluster().journal().into_iter();
    asked
        .filter(|entry| entry.api == Api::Fetch && entry.node == node && entry.answered.is_some())
        .filter(|entry| entry.topics.iter().any(|(topic, _)| topic == MAPS))
        .count()
}

#[test]
fn a_part_of_the_maps_that_does_not_come_is_waited_for_while_others_are_written() -> Result<()> {
    let mut sites = Sites::of(2)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    write(&mut sites, 0, BEFORE)?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let maps = 0..sites.target.client.partitions(MAPS)?;
    let written = |partition: &i32| sites.target.cluster().log_end(MAPS, *partition) > Some(0);
    let own = maps.clone().find(written).context("a map is stored")?;
    for partition in maps {
        let node = i32::from(partition == own);
        sites.target.cluster().move_leader(MAPS, partition, node)?;
    }
    sites.target.client.forget_leaders(MAPS);
    let faults = sites.target.cluster().faults();
    let fetch = faults.on(Api::Fetch).client("kmirror-offsets-*").node(1);
    let kept_back = fetch.topic(MAPS).hold_before();
    let daemon = Daemon::start("next", &config)?;
    eventually("the map is asked for", SOON, || {
        ensure!(kept_back.held() > 0, "not yet");
        Ok(())
    });
    // The end of another part is told again each time.
    let noise = [Record::at(workload::BASE_TIMESTAMP).key("noise")];
    for _ in 0..10 {
        let before = map_reads(&sites, 0);
        Writer::new(&mut sites.target.client, MAPS)?.write((own + 1) % 8, &noise, Codec::Lz4)?;
        eventually("it is read to its end", SOON, || {
            let reads = map_reads(&sites, 0) - before;
            ensure!(reads > 2, "{reads}");
            Ok(())
        });
    }
    kept_back.release();
    await_mirrored(&mut sites, &daemon)?;
    sites.assert_exact("orders")
}

/// The newest chunk of the map, and where its record is written.
fn newest_chunk(sites: &mut Sites) -> Result<(i32, Record)> {
    let client = &mut sites.target.client;
    let mut found = None;
    for partition in 0..client.partitions(MAPS)? {
        let end = client.log_end(MAPS, partition)?;
        client.read(MAPS, partition, 0..end, |stored| {
            if stored
                .record
                .key
                .as_deref()
                .is_some_and(|key| key.starts_with(b"[\"source-target\",\"orders\""))
            {
                found = Some((partition, stored.record));
            }
        })?;
    }
    found.context("no chunk")
}

/// Puts another value in the place of the newest chunk's.
fn spoil(sites: &mut Sites, spoil: impl Fn(&[u8]) -> Vec<u8>) -> Result<Record> {
    let (partition, mut chunk) = newest_chunk(sites)?;
    let value = spoil(chunk.value.as_deref().context("a value")?);
    chunk.value = Some(value.into());
    sites
        .target
        .client
        .produce(MAPS, partition, &[chunk.clone()], Codec::None)?;
    Ok(chunk)
}

#[test]
fn a_map_of_a_newer_version_stops_its_partition_and_is_not_overwritten() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let newer = spoil(&mut sites, |value| [&[0, 9], &value[2..]].concat())?;
    let mut daemon = Daemon::start("older", &config)?;
    let told = await_state(&daemon, "orders", 0, "paused");
    assert!(
        told.contains("version 9") && told.contains("upgrade"),
        "{told}"
    );
    assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    let (_, chunk) = newest_chunk(&mut sites)?;
    assert_eq!((chunk.key, chunk.value), (newer.key, newer.value));
    assert_none_repeated(&mut sites)
}

#[test]
fn a_map_that_is_torn_is_told_and_nothing_is_lost() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    spoil(&mut sites, |value| value[..value.len() / 2].to_vec())?;
    let daemon = go_on(&mut sites, &config)?;
    assert!(
        daemon
            .log()
            .contains("a chunk of the offset map is damaged")
    );
    sites.assert_exact_but_for_replays("orders").map(drop)
}

#[test]
fn a_map_that_was_compacted_is_as_good_as_before() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "50ms")
        .write()?;
    for round in 0..3 {
        let mut daemon = Daemon::start("killed", &config)?;
        write(&mut sites, BEFORE + round * AFTER, AFTER)?;
        sites.await_committed("orders");
        daemon.kill()?;
        sites.target.cluster().compact(MAPS)?;
    }
    sites.assert_exact("orders")
}

#[test]
fn a_partition_in_step_costs_one_chunk_however_often_it_changes_hands() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = sites.config(&["orders"]).write()?;
    for round in 0..4 {
        let mut daemon = Daemon::start("daemon", &config)?;
        write(&mut sites, BEFORE + round * AFTER, AFTER)?;
        sites.await_committed("orders");
        assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    }
    sites.target.cluster().compact(MAPS)?;
    let (_, chunk) = newest_chunk(&mut sites)?;
    let value = chunk.value.context("a value")?;
    assert!(value.len() < 100, "{} bytes", value.len());
    sites.assert_exact("orders")
}

#[test]
fn a_map_whose_topic_was_deleted_is_written_anew() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    sites.target.client.delete_topic(MAPS)?;
    write(&mut sites, BEFORE, AFTER)?;
    sites.await_committed("orders");
    let (_, chunk) = newest_chunk(&mut sites)?;
    assert!(chunk.value.is_some());
    sites.assert_exact("orders")
}

#[test]
fn a_map_that_is_behind_the_commit_is_looked_behind_all_the_same() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, BEFORE)?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("first", &config)?;
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    let (_, older) = newest_chunk(&mut sites)?;
    sites.write("orders", BEFORE, AFTER)?;
    let mut daemon = Daemon::start("second", &config)?;
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    // What the second has saved is gone; what a third wrote before it died was never saved.
    let (partition, newer) = newest_chunk(&mut sites)?;
    let lost = Record {
        value: None,
        ..newer
    };
    let client = &mut sites.target.client;
    client.produce(MAPS, partition, &[lost, older], Codec::None)?;
    sites.write("orders", BEFORE + AFTER, AFTER)?;
    let unsaved = (BEFORE + AFTER..BEFORE + 2 * AFTER).map(|index| workload::typical(0, index));
    let copy = copy_of("orders");
    Writer::new(&mut sites.target.client, &copy)?.write_all(0, unsaved, 200, Codec::Lz4)?;
    sites.write("orders", BEFORE + 2 * AFTER, AFTER)?;
    let daemon = start_next(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    sites.assert_exact("orders")
}

/// Writes a chunk under the key of a later turn, as a process does that took it before it lost the partition.
fn write_late(sites: &mut Sites, chunk: Record) -> Result<()> {
    let (partition, newest) = newest_chunk(sites)?;
    let key = newest.key.context("a key")?;
    let mut key: Vec<serde_json::Value> = serde_json::from_slice(&key)?;
    let turn = key[3].as_u64().context("a turn")?;
    key[3] = (turn + 1).into();
    let late = Record {
        key: Some(serde_json::to_vec(&key)?.into()),
        ..chunk
    };
    let client = &mut sites.target.client;
    client.produce(MAPS, partition, &[late], Codec::None)?;
    Ok(())
}

#[test]
fn a_map_that_comes_late_from_who_lost_the_partition_hides_nothing() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let saved = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("first", &saved)?;
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    let (_, older) = newest_chunk(&mut sites)?;
    write(&mut sites, BEFORE, AFTER)?;
    let mut daemon = Daemon::start("second", &saved)?;
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    write_late(&mut sites, older)?;
    let read = (BEFORE + AFTER / 2) as i64;
    sites.source.client.commit("billing", "orders", 0, read)?;
    let translated = kmirror_on(saved.path(), &["translate", "--group", "billing", "--json"])?;
    let document: serde_json::Value = serde_json::from_str(&translated.stdout)?;
    assert_eq!(document["partitions"][0]["target_offset"], read);
    write(&mut sites, BEFORE + AFTER, AFTER)?;
    let daemon = start_next(&mut sites, &saved)?;
    let log = daemon.log();
    assert!(!log.contains("the copy holds more than was known"), "{log}");
    sites.assert_exact("orders")
}
