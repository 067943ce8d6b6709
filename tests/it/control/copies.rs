//! Copies that are missing are created, many at a time.

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use super::await_topic;
use crate::harness::{SOON, Sites, copy_of};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// Moderate, since each topic has a consumer of its own.
const MANY: usize = 40;

#[test]
fn many_copies_are_created_by_one_request() -> Result<()> {
    let mut sites = Sites::start()?;
    let set = [("retention.ms", "86400000")];
    for number in 0..MANY {
        let topic = format!("orders-{number}");
        sites.source.client.create_topic(&topic, 2, &set)?;
    }
    let config = sites.config(&[".*"]).set("heartbeats", "off").write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    let target = &mut sites.target.client;
    eventually("all copies exist", SOON, || {
        let count = target.topics()?.len();
        ensure!(count == MANY, "{count}");
        Ok(())
    });
    for number in 0..MANY {
        let copy = copy_of(&format!("orders-{number}"));
        assert_eq!(target.partitions(&copy)?, 2);
        let retention = target.topic_config(&copy, "retention.ms")?;
        assert_eq!(retention.as_deref(), Some("86400000"), "{copy}");
    }
    assert_eq!(sites.target.cluster().requests(Api::CreateTopics), 1);
    Ok(())
}

#[test]
fn a_copy_that_may_not_be_created_stops_its_topic_alone_until_the_acl_is_there() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 1, &[])?;
        sites.write(topic, 0, 10)?;
    }
    let rule = sites.target.on(Api::CreateTopics).topic(copy_of("orders"));
    let denied = rule.fail(ErrorCode::TopicAuthorizationFailed);
    let config = sites.config(&[".*"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("payments");
    let reason = await_topic(&daemon, "orders", "stopped");
    let words = "target does not allow CREATE on topic source.orders; add an ACL for CREATE";
    assert!(reason.contains(words), "{reason}");
    let counted = daemon.metrics()?.sum(
        "kmirror_errors_total",
        &[("stage", "control"), ("kind", "Denied")],
    );
    assert!(counted >= Some(1.0), "{counted:?}");
    denied.remove();
    sites.await_copied("orders");
    await_topic(&daemon, "orders", "running");
    Ok(())
}

#[test]
fn a_replication_factor_beyond_the_brokers_is_told_with_the_remedy() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = sites.config(&["orders"]).set("replication_factor", "3");
    let config = config.write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let reason = await_topic(&daemon, "orders", "stopped");
    for words in ["1 broker", "set replication_factor"] {
        assert!(reason.contains(words), "{reason}");
    }
    Ok(())
}

#[test]
fn what_is_refused_is_tried_again_after_growing_delays_and_not_at_every_look() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let rule = sites.target.on(Api::CreateTopics);
    let denied = rule.fail(ErrorCode::PolicyViolation);
    let (source, target) = (sites.source.bootstrap(), sites.target.bootstrap());
    let config = Config::mirror(source, target, &["orders"]).set("discovery_interval", "10ms");
    let config = config.write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    // The delays grow by half each time, so that the tenth attempt is made after some seven seconds.
    sites.target.await_hits(&denied, 6);
    let looks = sites.target.cluster().requests(Api::Metadata);
    let attempts = sites.target.cluster().requests(Api::CreateTopics);
    assert!(looks > 5 * attempts, "{attempts} attempts in {looks} looks");
    Ok(())
}

#[test]
fn a_topic_that_vanished_stops_and_its_copy_stays() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.source.client.delete_topic("orders")?;
    let reason = await_topic(&daemon, "orders", "stopped");
    assert_eq!(reason, "the source topic is gone");
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, 10);
    assert_eq!(sites.target.cluster().requests(Api::DeleteTopics), 0);
    Ok(())
}
