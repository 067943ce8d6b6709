//! The configs of copies follow those of their source topics.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use super::{await_config, await_notice, await_topic, status_of};
use crate::harness::{SOON, Sites, copy_of};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// A mirror of `orders`, whose copy is there. The daemon logs beside its configuration.
fn orders(set: &[(&str, &str)]) -> Result<(Sites, Daemon, ConfigFile)> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, set)?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    Ok((sites, daemon, config))
}

#[test]
fn what_is_set_and_reset_at_the_source_is_set_and_reset_on_the_copy() -> Result<()> {
    let (mut sites, _daemon, _config) = orders(&[("retention.ms", "1000000")])?;
    let (source, target, copy) = (
        &mut sites.source.client,
        &mut sites.target.client,
        copy_of("orders"),
    );
    let inherited = target
        .topic_config(&copy, "segment.bytes")?
        .expect("it has one");
    source.set_topic_configs(
        "orders",
        &[("retention.ms", "2000000"), ("segment.bytes", "2000000")],
    )?;
    await_config(target, &copy, "retention.ms", "2000000");
    await_config(target, &copy, "segment.bytes", "2000000");
    source.reset_topic_configs("orders", &["segment.bytes"])?;
    await_config(target, &copy, "segment.bytes", &inherited);
    assert_eq!(
        target.topic_config(&copy, "retention.ms")?.as_deref(),
        Some("2000000")
    );
    Ok(())
}

#[test]
fn a_config_that_only_the_copy_has_is_reset_and_an_excluded_one_is_left() -> Result<()> {
    let mut sites = Sites::start()?;
    let copy = copy_of("orders");
    let own = [
        ("segment.bytes", "3000000"),
        ("min.insync.replicas", "2"),
        ("message.timestamp.type", "LogAppendTime"),
    ];
    let target = &mut sites.target.client;
    target.create_topic("inherits", 1, &[])?;
    let inherited = target
        .topic_config("inherits", "segment.bytes")?
        .expect("it has one");
    target.create_topic(&copy, 1, &own)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    let target = &mut sites.target.client;
    await_config(target, &copy, "segment.bytes", &inherited);
    for (name, value) in &own[1..] {
        let kept = target.topic_config(&copy, name)?;
        assert_eq!(kept.as_deref(), Some(*value), "{name}");
    }
    Ok(())
}

#[test]
fn without_sync_topic_configs_a_copy_keeps_its_own() -> Result<()> {
    let mut sites = Sites::start()?;
    let copy = copy_of("orders");
    sites
        .target
        .client
        .create_topic(&copy, 1, &[("segment.bytes", "3000000")])?;
    sites
        .source
        .client
        .create_topic("orders", 1, &[("retention.ms", "7000000")])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).set("sync_topic_configs", "false");
    let config = config.write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_eq!(
        sites
            .target
            .cluster()
            .requests(Api::IncrementalAlterConfigs),
        0
    );
    let kept = sites.target.client.topic_config(&copy, "segment.bytes")?;
    assert_eq!(kept.as_deref(), Some("3000000"));
    Ok(())
}

#[test]
fn of_several_configs_that_are_refused_together_each_is_tried_alone() -> Result<()> {
    let (mut sites, _daemon, _config) = orders(&[])?;
    let copy = copy_of("orders");
    let rule = sites.target.on(Api::IncrementalAlterConfigs);
    let refused = rule.topic(&copy).first(2).fail(ErrorCode::InvalidConfig);
    let both = [("retention.ms", "2000000"), ("segment.bytes", "2000000")];
    sites.source.client.set_topic_configs("orders", &both)?;
    // Both together, then the one alone, which is tried again later, and the other one.
    sites.target.await_hits(&refused, 2);
    let target = &mut sites.target.client;
    await_config(target, &copy, "retention.ms", "2000000");
    await_config(target, &copy, "segment.bytes", "2000000");
    Ok(())
}

#[test]
fn a_refused_config_is_reported_in_the_brokers_words_and_the_topic_runs() -> Result<()> {
    let (mut sites, daemon, _config) = orders(&[])?;
    let rule = sites.target.on(Api::IncrementalAlterConfigs);
    let refused = rule.fail(ErrorCode::PolicyViolation);
    sites
        .source
        .client
        .set_topic_configs("orders", &[("retention.ms", "2000000")])?;
    await_notice(
        &daemon,
        "orders",
        &[
            "retention.ms of target topic source.orders",
            "PolicyViolation",
        ],
    );
    sites.write("orders", 10, 10)?;
    sites.await_copied("orders");
    await_topic(&daemon, "orders", "running");
    let said = daemon
        .log()
        .matches("the copy does not follow in full")
        .count();
    assert_eq!(said, 1, "it is logged once");
    refused.remove();
    await_config(
        &mut sites.target.client,
        &copy_of("orders"),
        "retention.ms",
        "2000000",
    );
    eventually("the notice is gone", SOON, || {
        let seen = status_of(&daemon, "orders")?;
        anyhow::ensure!(seen["notices"].is_null(), "{seen}");
        Ok(())
    });
    Ok(())
}

#[test]
fn configs_that_may_not_be_read_are_reported_with_the_missing_right() -> Result<()> {
    let (mut sites, daemon, _config) = orders(&[])?;
    let rule = sites.source.on(Api::DescribeConfigs).topic("orders");
    rule.fail(ErrorCode::TopicAuthorizationFailed);
    await_notice(
        &daemon,
        "orders",
        &["source does not allow DESCRIBE_CONFIGS on topic orders"],
    );
    sites.write("orders", 10, 10)?;
    sites.await_copied("orders");
    Ok(())
}

#[test]
fn while_nothing_changes_only_the_source_is_asked() -> Result<()> {
    let (sites, _daemon, _config) = orders(&[("retention.ms", "1000000")])?;
    let asked = |site: &crate::harness::Site| site.cluster().requests(Api::DescribeConfigs);
    eventually("the source was asked ten times", SOON, || {
        let count = asked(&sites.source);
        anyhow::ensure!(count >= 10, "{count}");
        Ok(())
    });
    // What it takes when the topic starts, and what it has then.
    assert!(asked(&sites.target) <= 2, "{}", asked(&sites.target));
    assert_eq!(
        sites
            .target
            .cluster()
            .requests(Api::IncrementalAlterConfigs),
        0
    );
    Ok(())
}
