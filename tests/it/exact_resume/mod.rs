//! After a kill, whoever goes on finds out what is on the target already, whatever became of both logs meanwhile.

use anyhow::{Context, Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::support::cli::kmirror_on;
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const MAPS: &str = "__kmirror_offsets";

/// Records of the one partition before and after the kill.
const BEFORE: usize = 3_000;
const AFTER: usize = 1_000;

/// Writes records of every shape, `count` of them from number `first` on.
fn write(sites: &mut Sites, first: usize, count: usize) -> Result<()> {
    let records = workload::mixed(0, first + count).skip(first);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)
}

/// Commits and maps are not written between a partition's beginning and the daemon's end: what is on the target by then is
/// known to nobody.
fn config(sites: &Sites) -> Config {
    let config = sites.config(&["orders"]).set("commit_interval", "24h");
    config.client("session.timeout.ms", "6000")
}

fn sites(source: &[(&str, &str)], target: &[(&str, &str)]) -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, source)?;
    if !target.is_empty() {
        let copy = copy_of("orders");
        sites.target.client.create_topic(&copy, 1, target)?;
    }
    write(&mut sites, 0, BEFORE)?;
    Ok(sites)
}

/// Copies everything, and dies before anybody knows of it.
fn copy_and_die(sites: &mut Sites, config: &ConfigFile) -> Result<()> {
    let mut daemon = Daemon::start("killed", config)?;
    sites.await_copied("orders");
    daemon.kill()?;
    assert_eq!(sites.committed("orders", 0)?, Some(0));
    Ok(())
}

/// Has another daemon go on, and waits until what is written now has arrived.
fn go_on(sites: &mut Sites, config: &ConfigFile) -> Result<Daemon> {
    write(sites, BEFORE, AFTER)?;
    start_next(sites, config)
}

/// Starts another daemon, and waits until what is there by then has arrived.
fn start_next(sites: &mut Sites, config: &ConfigFile) -> Result<Daemon> {
    let daemon = Daemon::start("next", config)?;
    await_mirrored(sites, &daemon)?;
    Ok(daemon)
}

fn await_mirrored(sites: &mut Sites, daemon: &Daemon) -> Result<()> {
    sites.await_copied("orders");
    let end = sites.source.client.log_end("orders", 0)?;
    eventually("all is mirrored", SOON, || {
        let status = daemon.status()?;
        let position = &status["mirrors"][0]["topics"][0]["partitions"][0]["position"];
        ensure!(position.as_i64() == Some(end), "{position}");
        Ok(())
    });
    Ok(())
}

/// How often the daemon found that a copy is not what it thought.
fn errors(daemon: &Daemon, kind: &str) -> Result<f64> {
    let labels = [("stage", "offsets"), ("kind", kind)];
    let metrics = daemon.metrics()?;
    Ok(metrics.sum("kmirror_errors_total", &labels).unwrap_or(0.0))
}

/// As many records were ever written to the copy as to the source.
fn assert_none_repeated(sites: &mut Sites) -> Result<()> {
    let written = sites.source.client.log_end("orders", 0)?;
    let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
    assert_eq!(copied, written);
    Ok(())
}

#[test]
fn what_nobody_knew_of_is_found_whatever_its_shape() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    sites.assert_exact("orders")
}

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

/// A compacted topic, of which one of the two logs is cleaned between the kill and the next start.
fn compacted_meanwhile(compact: impl Fn(&Sites) -> Result<()>) -> Result<()> {
    let keyed = |number: usize| workload::typical(0, number);
    let mut sites = Sites::start()?;
    let compacted = [("cleanup.policy", "compact")];
    sites.source.client.create_topic("orders", 1, &compacted)?;
    let config = config(&sites).write()?;
    let records = (0..BEFORE).map(keyed);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)?;
    copy_and_die(&mut sites, &config)?;
    compact(&sites)?;
    let records = (BEFORE..BEFORE + AFTER).map(keyed);
    Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 200, Codec::Lz4)?;
    let daemon = Daemon::start("next", &config)?;
    sites.await_copied("orders");
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_in_a_copy_that_was_compacted() -> Result<()> {
    compacted_meanwhile(|sites| Ok(sites.target.cluster().compact(&copy_of("orders"))?))
}

#[test]
fn it_is_found_on_a_source_that_was_compacted() -> Result<()> {
    compacted_meanwhile(|sites| Ok(sites.source.cluster().compact("orders")?))
}

#[test]
fn it_is_found_in_a_copy_with_times_of_its_own() -> Result<()> {
    let mut sites = sites(&[], &[("message.timestamp.type", "LogAppendTime")])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_behind_the_header_that_tells_the_origin() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites)
        .set("provenance", "header")
        .set("target_topic", "\"source.{topic}\"");
    let config = config.write()?;
    copy_and_die(&mut sites, &config)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn a_copy_that_somebody_else_wrote_to_is_told_and_nothing_is_lost() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let foreign = [Record::at(1).key("foreign")];
    sites
        .target
        .client
        .produce(&copy_of("orders"), 0, &foreign, Codec::None)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 1.0);
    let comparison = sites.compare("orders")?;
    assert_eq!(
        (comparison.lost, comparison.reordered),
        (0, 0),
        "{comparison:#?}"
    );
    assert_eq!(
        (comparison.duplicated, comparison.foreign),
        (BEFORE, 1),
        "{comparison:#?}"
    );
    Ok(())
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
fn a_leader_that_moved_meanwhile_is_not_taken_for_a_log_that_was_cut_back() -> Result<()> {
    let mut sites = Sites::of(2)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    write(&mut sites, 0, BEFORE)?;
    let saved = sites.config(&["orders"]).set("commit_interval", "50ms");
    let saved = saved.client("session.timeout.ms", "6000").write()?;
    let mut daemon = Daemon::start("saves", &saved)?;
    sites.await_committed("orders");
    daemon.kill()?;
    let leader = sites
        .source
        .cluster()
        .leader("orders", 0)
        .context("a leader")?;
    sites
        .source
        .cluster()
        .move_leader("orders", 0, 1 - leader)?;
    sites.source.client.forget_leaders("orders");
    write(&mut sites, BEFORE, AFTER)?;
    let unsaved = config(&sites).write()?;
    let mut daemon = Daemon::start("saves nothing", &unsaved)?;
    sites.await_copied("orders");
    daemon.kill()?;
    let mut daemon = Daemon::start("finds it", &unsaved)?;
    await_state(&daemon, "orders", 0, "running");
    daemon.kill()?;
    let _daemon = Daemon::start("goes on", &saved)?;
    write(&mut sites, BEFORE + AFTER, AFTER)?;
    sites.await_committed("orders");
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

#[test]
fn it_is_found_although_the_source_has_deleted_a_part_of_it() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let deleted = BEFORE as i64 / 3;
    sites
        .source
        .cluster()
        .delete_records("orders", 0, deleted)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn it_is_found_in_a_copy_of_which_a_part_was_deleted() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    let (target, deleted) = (sites.target.cluster(), BEFORE as i64 / 3);
    target.delete_records(&copy_of("orders"), 0, deleted)?;
    let daemon = go_on(&mut sites, &config)?;
    assert_eq!(errors(&daemon, "Unmatched")?, 0.0);
    assert_none_repeated(&mut sites)
}

#[test]
fn where_the_source_has_deleted_what_was_written_it_is_told() -> Result<()> {
    let mut sites = sites(&[], &[])?;
    let config = config(&sites).write()?;
    copy_and_die(&mut sites, &config)?;
    write(&mut sites, BEFORE, AFTER)?;
    let deleted = (BEFORE + AFTER / 2) as i64;
    sites
        .source
        .cluster()
        .delete_records("orders", 0, deleted)?;
    let daemon = Daemon::start("next", &config)?;
    let left = AFTER as i64 / 2;
    eventually("what is left is copied", SOON, || {
        let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
        ensure!(copied == BEFORE as i64 + left, "{copied}");
        Ok(())
    });
    assert_eq!(errors(&daemon, "Unmatched")?, 1.0);
    Ok(())
}
