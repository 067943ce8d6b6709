//! `kmirror status` asks the clusters, so it tells the truth with and without a daemon.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::harness::{SOON, Sites, copy_of};
use crate::support::cli::kmirror_on;
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;

fn status(config: &ConfigFile) -> Result<Value> {
    let ended = kmirror_on(config.path(), &["status", "--json"])?;
    ensure!(ended.code == Some(0), "{}", ended.stderr);
    Ok(serde_json::from_str(&ended.stdout)?)
}

#[test]
fn a_running_mirror_is_seen_running_and_caught_up() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let topic = eventually("the status is that of a mirror at rest", SOON, || {
        let status = status(&config)?;
        ensure!(status["mirrors"][0]["state"] == "running", "{status}");
        Ok(status["mirrors"][0]["topics"][0].clone())
    });
    assert_eq!(topic["target_topic"], "source.orders");
    assert_eq!(topic["group"], "kmirror.source-target.orders");
    assert_eq!(topic["lag_records"], 0);
    assert_eq!(topic["lag_seconds"], 0.0);
    let expected = serde_json::json!({
        "partition": 1, "state": "running", "reason": null, "position": 100, "source_start": 0,
        "source_end": 100, "target_end": 100, "lag_records": 0, "lag_seconds": 0.0,
    });
    assert_eq!(topic["partitions"][1], expected);
    let table = kmirror_on(config.path(), &["status"])?;
    let verdict = table.stdout.lines().next();
    assert_eq!(
        verdict,
        Some("source-target: running, 1 topic, nothing behind")
    );
    Ok(())
}

#[test]
fn a_partition_that_stands_still_is_told_by_the_clusters_with_its_reason() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let narrow = [("max.message.bytes", "1000")];
    sites
        .target
        .client
        .create_topic(&copy_of("orders"), 2, &narrow)?;
    let large = Record::at(1).key("large").value(vec![b'x'; 2_000]);
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    writer.write(1, &[large], Codec::None)?;
    let config = sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
        .write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    eventually("the status says rejected, and why", SOON, || {
        let status = status(&config)?;
        let partition = &status["mirrors"][0]["topics"][0]["partitions"][1];
        ensure!(partition["state"] == "rejected", "{status}");
        let reason = partition["reason"].as_str().unwrap_or_default();
        ensure!(reason.contains("offset 0"), "{status}");
        Ok(())
    });
    Ok(())
}

#[test]
fn with_the_daemon_down_the_lag_is_told_in_records_and_seconds() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    daemon.terminate(SOON)?;
    sites.write("orders", 100, 50)?;
    let status = status(&config)?;
    let topic = &status["mirrors"][0]["topics"][0];
    assert_eq!(topic["state"], "stopped");
    assert_eq!(
        topic["reason"],
        "no kmirror process is a member of the group"
    );
    assert_eq!(topic["lag_records"], 100);
    assert!(
        topic["lag_seconds"].as_f64().is_some_and(|lag| lag > 0.0),
        "{topic}"
    );
    assert_eq!(topic["partitions"][0]["position"], 100);
    let table = kmirror_on(config.path(), &["status"])?;
    assert!(
        table
            .stdout
            .starts_with("source-target: NOT SAFE: 1 of 1 topic"),
        "{}",
        table.stdout
    );
    Ok(())
}

#[test]
fn before_the_first_record_was_copied_the_whole_log_lags() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let status = status(&config)?;
    let topic = &status["mirrors"][0]["topics"][0];
    assert_eq!(topic["lag_records"], 10);
    assert!(topic["lag_seconds"].is_number(), "{topic}");
    assert_eq!(topic["partitions"][0]["position"], Value::Null);
    Ok(())
}

#[test]
fn a_cluster_that_does_not_answer_is_named_with_its_own_exit_code() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.target.stop();
    let config = sites.config(&["orders"]).write()?;
    let ended = kmirror_on(config.path(), &["status"])?;
    assert_eq!(ended.code, Some(69));
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let named = format!(
        "cluster target does not answer at {}",
        sites.target.bootstrap()
    );
    assert!(ended.stderr.contains(&named), "{}", ended.stderr);
    Ok(())
}

#[test]
fn a_cluster_that_never_answers_is_given_up_in_bounded_time() -> Result<()> {
    let silent = [
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    ];
    let addresses = silent
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<Vec<_>, _>>()?;
    let (source, target) = (addresses[0].to_string(), addresses[1].to_string());
    let config = Config::mirror(&source, &target, &[".*"]).write()?;
    let started = Instant::now();
    assert_eq!(kmirror_on(config.path(), &["status"])?.code, Some(69));
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}
