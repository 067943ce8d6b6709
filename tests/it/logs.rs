//! What the log tells at night: each trouble once and its end once, each line with its facts, no secret at any level.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ErrorCode};
use serde_json::{Map, Value};

use crate::harness::{SOON, Site, Sites, await_cluster_up, group_of};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::doorman::Doorman;
use crate::support::wait::eventually;

/// The lines so far.
fn lines(daemon: &Daemon) -> Result<Vec<Map<String, Value>>> {
    let log = daemon.log();
    let lines = log.lines().map(|line| {
        let line = serde_json::from_str(line);
        line.context("a line that is no object")
    });
    lines.collect()
}

fn says(line: &Map<String, Value>, level: &str, message: &str) -> bool {
    line["level"] == level && line["message"] == message
}

/// Waits until a line about `cluster` says so.
#[track_caller]
fn await_line_of(daemon: &Daemon, cluster: &str, level: &str, message: &str) -> Map<String, Value> {
    eventually(&format!("{level} {message}, of {cluster}"), SOON, || {
        let found = lines(daemon)?.into_iter();
        let mut found =
            found.filter(|line| says(line, level, message) && line["cluster"] == cluster);
        found.next().context("no such line")
    })
}

/// How often the mirror's control loop has failed.
fn failures(daemon: &Daemon) -> Result<f64> {
    let metrics = daemon.metrics()?;
    let of_control = [("stage", "control")];
    Ok(metrics
        .sum("kmirror_errors_total", &of_control)
        .unwrap_or(0.0))
}

/// Warnings and errors that were said more than once in these lines.
fn repeated(lines: &[Map<String, Value>]) -> Vec<String> {
    let mut times = BTreeMap::new();
    for line in lines {
        if line["level"] == "WARN" || line["level"] == "ERROR" {
            let mut line = line.clone();
            line.remove("timestamp");
            // Tells how long it took.
            line.remove("reason");
            *times.entry(Value::Object(line).to_string()).or_insert(0) += 1;
        }
    }
    let times = times.into_iter();
    let often = times.filter(|(_, times)| *times > 1);
    often
        .map(|(line, times)| format!("{times} times {line}"))
        .collect()
}

/// Takes one side away for a good while, and looks at what is said until it is back.
fn outage_of(side: fn(&mut Sites) -> &mut Site, name: &str) -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 2, &[])?;
        sites.write(topic, 0, 100)?;
    }
    let config = sites
        .config(&["orders", "payments"])
        .client("session.timeout.ms", "2000")
        .client("heartbeat.interval.ms", "500")
        .set("checkpoint_interval", "200ms")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    sites.await_committed("payments");
    side(&mut sites).stop_node(0)?;
    await_cluster_up(&daemon, name, 0.0);
    let before = failures(&daemon)?;
    eventually("it was asked again and again", SOON, || {
        let failed = failures(&daemon)? - before;
        ensure!(failed >= 3.0, "{failed} times");
        Ok(())
    });
    let meanwhile = lines(&daemon)?;
    let healed = meanwhile
        .iter()
        .find(|line| says(line, "INFO", "the offsets of all groups are followed"));
    ensure!(healed.is_none(), "{healed:?}");
    side(&mut sites).start_node(0)?;
    await_line_of(&daemon, name, "WARN", "cluster answers again");
    sites.write("orders", 100, 100)?;
    sites.await_committed("orders");
    let all = lines(&daemon)?;
    let often = repeated(&all);
    ensure!(often.is_empty(), "{often:#?}\n{}", daemon.log());
    let down = await_line_of(&daemon, name, "ERROR", "cluster does not answer, retrying");
    ensure!(down["mirror"] == "source-target", "{down:?}");
    Ok(())
}

#[test]
fn an_outage_of_the_source_is_told_once_and_its_end_once() -> Result<()> {
    outage_of(|sites| &mut sites.source, "source")
}

#[test]
fn an_outage_of_the_target_is_told_once_and_its_end_once() -> Result<()> {
    outage_of(|sites| &mut sites.target, "target")
}

#[test]
fn every_line_has_its_facts_beside_its_message_and_those_of_what_it_belongs_to() -> Result<()> {
    let (_sites, _config, daemon) = Sites::mirrored(1, 10)?;
    let assigned = lines(&daemon)?.into_iter();
    let mut assigned = assigned.filter(|line| says(line, "INFO", "partitions assigned"));
    let line = assigned.next().context("no partition was assigned")?;
    let group = group_of("orders");
    for (name, value) in [
        ("mirror", "source-target"),
        ("group", &group),
        ("partitions", "orders/0"),
    ] {
        ensure!(line[name] == value, "{name}: {line:?}");
    }
    ensure!(line.values().all(|value| !value.is_object()), "{line:?}");
    Ok(())
}

#[test]
fn commits_that_are_refused_are_told_once_and_that_they_are_taken_again() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = sites.config(&["orders"]).set("commit_interval", "100ms");
    let config = config.write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let commits = sites.source.on(Api::OffsetCommit).first(5);
    let refused = commits.fail(ErrorCode::GroupAuthorizationFailed);
    sites.write("orders", 0, 100)?;
    sites.source.await_hits(&refused, 5);
    sites.await_committed("orders");
    eventually("it is told", SOON, || {
        let all = lines(&daemon)?;
        let times = |message| {
            all.iter()
                .filter(|line| says(line, "WARN", message))
                .count()
        };
        let told = [
            times("commit refused, trying again"),
            times("commits are taken again"),
        ];
        ensure!(told == [1, 1], "{told:?}");
        Ok(())
    });
    Ok(())
}

#[test]
fn a_rebalance_that_adds_no_partition_is_no_line() -> Result<()> {
    let (mut sites, _config, daemon) = Sites::mirrored(1, 10)?;
    let group = group_of("orders");
    let joins = sites.source.cluster().requests(Api::JoinGroup);
    sites.source.cluster().force_rebalance(&group)?;
    eventually("it has joined again", SOON, || {
        let again = sites.source.cluster().requests(Api::JoinGroup);
        ensure!(again > joins, "{again} after {joins}");
        Ok(())
    });
    sites.write("orders", 10, 10)?;
    sites.await_committed("orders");
    let all = lines(&daemon)?.into_iter();
    let assigned = all.filter(|line| says(line, "INFO", "partitions assigned"));
    let assigned: Vec<_> = assigned.map(|line| line["partitions"].clone()).collect();
    ensure!(assigned == ["orders/0"], "{assigned:?}");
    Ok(())
}

#[test]
fn no_secret_is_in_the_log_at_any_level() -> Result<()> {
    const SECRETS: [&str; 3] = ["hunter2", "open-sesame", "swordfish"];
    let [plain, scram] = [Doorman::start()?, Doorman::start()?];
    let secrets = tempfile::NamedTempFile::new()?;
    std::fs::write(secrets.path(), SECRETS[2])?;
    let config = ConfigFile::of(&format!(
        "clusters:
  source:
    bootstrap_servers: '{}'
    sasl: {{ mechanism: PLAIN, username: me, password: {} }}
    client: {{ debug: all, client.rack: '${{file:{}}}' }}
  target:
    bootstrap_servers: '{}'
    sasl: {{ mechanism: SCRAM-SHA-256, username: me, password: {} }}
    client: {{ debug: all }}
mirrors: [{{ source: source, target: target }}]
http: {{ listen: '127.0.0.1:0' }}
log: {{ format: json, level: trace }}
",
        plain.address(),
        SECRETS[0],
        secrets.path().display(),
        scram.address(),
        SECRETS[1],
    ))?;
    let mut daemon = Daemon::start("daemon", &config)?;
    for cluster in ["source", "target"] {
        // Among all that librdkafka says it is found at the first question, which takes five seconds.
        let line = await_line_of(
            &daemon,
            cluster,
            "ERROR",
            "cluster does not answer, retrying",
        );
        let reason = line["reason"].as_str().unwrap_or_default();
        ensure!(
            reason.contains("these credentials are not known"),
            "{reason}"
        );
    }
    ensure!(daemon.terminate(SOON)?.success());
    let log = daemon.log();
    ensure!(log.contains("\"level\":\"TRACE\""), "not at every level");
    for secret in SECRETS {
        let line = log.lines().find(|line| line.contains(secret));
        ensure!(line.is_none(), "{line:?}");
    }
    Ok(())
}
