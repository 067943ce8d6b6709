//! `kmirror translate` tells where a group goes on, from the clusters alone.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::harness::{SOON, Sites, copy_of};
use crate::support::cli::{Ended, kmirror_on};
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;

fn translate(file: &ConfigFile, more: &[&str]) -> Result<Ended> {
    let arguments = [&["translate", "--group", "billing"], more].concat();
    kmirror_on(file.path(), &arguments)
}

fn document(file: &ConfigFile) -> Result<Value> {
    let ended = translate(file, &["--json"])?;
    ensure!(ended.code == Some(0), "{}", ended.stderr);
    Ok(serde_json::from_str(&ended.stdout)?)
}

/// Where the group is at `source_offset` in partition 0, and at `target_offset` there.
fn row(topic: &str, source_offset: i64, target_offset: i64) -> Value {
    json!({"source_topic": topic, "target_topic": copy_of(topic), "partition": 0, "source_offset": source_offset,
           "target_offset": target_offset, "exact": true, "reason": null})
}

/// A topic of a hundred records, of which the source has deleted forty, copied by a daemon that has ended.
fn copied() -> Result<(Sites, ConfigFile)> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "visits"] {
        sites.source.client.create_topic(topic, 1, &[])?;
    }
    sites.write("visits", 0, 10)?;
    sites.write("orders", 0, 100)?;
    sites.source.client.delete_records_before("orders", 0, 40)?;
    let config = sites.config(&["orders"]).set("heartbeats", "'off'");
    let file = config.write()?;
    let mut daemon = Daemon::start("daemon", &file)?;
    sites.await_committed("orders");
    let ended = daemon.terminate(SOON)?;
    assert_eq!(ended.code(), Some(0));
    Ok((sites, file))
}

#[test]
fn offsets_are_told_with_the_daemon_down_each_exact_or_with_the_reason_why_not() -> Result<()> {
    let (mut sites, file) = copied()?;
    let source = &mut sites.source.client;
    for (committed, counterpart) in [(100, 60), (70, 30), (40, 0), (12, 0)] {
        source.commit("billing", "orders", 0, committed)?;
        let expected = json!({"mirror": "source-target", "group": "billing",
                              "partitions": [row("orders", committed, counterpart)]});
        assert_eq!(document(&file)?, expected);
    }
    source.commit("billing", "visits", 0, 5)?;
    sites.write("orders", 100, 10)?;
    let source = &mut sites.source.client;
    source.commit("billing", "orders", 0, 105)?;
    let rows = document(&file)?["partitions"].clone();
    let why = |row: usize, words: &str| {
        let row = &rows[row];
        assert_eq!(row["target_offset"], Value::Null, "{row}");
        assert_eq!(row["exact"], false, "{row}");
        assert!(row["reason"].to_string().contains(words), "{row}");
    };
    why(0, "not mirrored yet: the mirror has come to 100");
    why(1, "mirror source-target does not select it");
    assert_eq!(rows[1]["target_topic"], Value::Null);
    let table = translate(&file, &["--mirror", "source-target"])?;
    let title = "source-target: group billing, 2 offsets, 0 with an exact counterpart";
    assert_eq!(table.stdout.lines().next(), Some(title), "{}", table.stdout);
    Ok(())
}

#[test]
fn of_what_the_target_has_deleted_it_is_told_that_it_is_lost() -> Result<()> {
    let (mut sites, file) = copied()?;
    let target = &mut sites.target.client;
    target.delete_records_before(&copy_of("orders"), 0, 50)?;
    let source = &mut sites.source.client;
    source.commit("billing", "orders", 0, 90)?;
    assert_eq!(document(&file)?["partitions"][0], row("orders", 90, 50));
    source.commit("billing", "orders", 0, 70)?;
    let lost = document(&file)?["partitions"][0].clone();
    assert_eq!(lost["target_offset"], 50, "{lost}");
    assert_eq!(lost["exact"], false, "{lost}");
    let reason = lost["reason"].to_string();
    let words = "the target has deleted what it has not read from 30 on";
    assert!(reason.contains(words), "{reason}");
    Ok(())
}

#[test]
fn nothing_is_told_of_a_copy_that_was_created_anew() -> Result<()> {
    let (mut sites, file) = copied()?;
    sites.source.client.commit("billing", "orders", 0, 70)?;
    let copy = copy_of("orders");
    let target = &mut sites.target.client;
    target.delete_topic(&copy)?;
    let gone = document(&file)?["partitions"][0].clone();
    assert!(
        gone["reason"]
            .to_string()
            .contains("not in source.orders yet"),
        "{gone}"
    );
    target.create_topic(&copy, 1, &[])?;
    let anew = document(&file)?["partitions"][0].clone();
    assert_eq!(anew["target_offset"], Value::Null, "{anew}");
    assert!(
        anew["reason"]
            .to_string()
            .contains("nothing of the partition"),
        "{anew}"
    );
    Ok(())
}

#[test]
fn before_the_first_start_there_is_no_offset_and_nothing_is_created() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let file = sites.config(&["orders"]).write()?;
    let nothing = translate(&file, &[])?;
    assert_eq!(nothing.code, Some(0), "{}", nothing.stderr);
    let words = "source-target: group billing has committed nothing on source";
    assert_eq!(nothing.stdout.trim(), words);
    sites.source.client.commit("billing", "orders", 0, 5)?;
    let row = document(&file)?["partitions"][0].clone();
    assert_eq!(row["target_offset"], Value::Null, "{row}");
    assert!(sites.target.client.topics()?.is_empty());
    Ok(())
}

#[test]
fn what_is_wrong_has_its_exit_code() -> Result<()> {
    let sites = Sites::start()?;
    let file = sites.config(&["orders"]).write()?;
    let unknown = translate(&file, &["--mirror", "elsewhere"])?;
    assert_eq!(unknown.code, Some(64), "{}", unknown.stdout);
    assert!(
        unknown.stderr.contains("it has source-target"),
        "{}",
        unknown.stderr
    );
    let down = Config::mirror(sites.source.bootstrap(), "127.0.0.1:1", &["orders"]).write()?;
    let ended = translate(&down, &[])?;
    assert_eq!(ended.code, Some(69), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("cluster target does not answer"),
        "{}",
        ended.stderr
    );
    Ok(())
}
