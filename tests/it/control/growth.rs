//! Copies grow with their source topics, and never shrink.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use super::{await_notice, await_partitions, await_topic};
use crate::harness::{Sites, copy_of};
use crate::support::daemon::Daemon;

#[test]
fn a_copy_grows_with_its_source_and_new_partitions_are_copied_from_their_beginning() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.source.client.grow_topic("orders", 5)?;
    sites.write("orders", 10, 10)?;
    await_partitions(&mut sites.target.client, &copy_of("orders"), 5);
    sites.await_copied("orders");
    sites.assert_exact("orders")?;
    await_topic(&daemon, "orders", "running");
    Ok(())
}

#[test]
fn a_copy_that_was_there_with_fewer_partitions_is_grown_first() -> Result<()> {
    let mut sites = Sites::start()?;
    for (topic, partitions) in [("orders", 3), ("payments", 4)] {
        sites.source.client.create_topic(topic, partitions, &[])?;
        sites.target.client.create_topic(&copy_of(topic), 1, &[])?;
        sites.write(topic, 0, 10)?;
    }
    let config = sites.config(&[".*"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    for topic in ["orders", "payments"] {
        sites.await_copied(topic);
        sites.assert_exact(topic)?;
    }
    let asked = sites.target.cluster().requests(Api::CreatePartitions);
    assert_eq!(asked, 1, "both by one request");
    Ok(())
}

#[test]
fn a_copy_with_more_partitions_is_left_and_reported_and_the_topic_runs() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let copy = copy_of("orders");
    sites.target.client.create_topic(&copy, 4, &[])?;
    sites.write("orders", 0, 10)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    await_notice(&daemon, "orders", &["4 partitions and the source 2"]);
    await_topic(&daemon, "orders", "running");
    assert_eq!(sites.target.client.partitions(&copy)?, 4);
    Ok(())
}

#[test]
fn without_sync_partitions_a_small_copy_is_refused_with_the_remedy() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let copy = copy_of("orders");
    sites.target.client.create_topic(&copy, 1, &[])?;
    let config = sites.config(&["orders"]).set("sync_partitions", "false");
    let config = config.write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let reason = await_topic(&daemon, "orders", "stopped");
    assert!(
        reason.contains("add partitions to source.orders"),
        "{reason}"
    );
    assert_eq!(sites.target.client.partitions(&copy)?, 1);
    Ok(())
}

#[test]
fn a_copy_that_may_not_grow_stops_its_topic_alone_until_the_acl_is_there() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 2, &[])?;
        sites.target.client.create_topic(&copy_of(topic), 1, &[])?;
        sites.write(topic, 0, 10)?;
    }
    let rule = sites
        .target
        .on(Api::CreatePartitions)
        .topic(copy_of("orders"));
    let denied = rule.fail(ErrorCode::TopicAuthorizationFailed);
    let config = sites.config(&[".*"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("payments");
    let reason = await_topic(&daemon, "orders", "stopped");
    assert!(
        reason.contains("does not allow ALTER on topic source.orders"),
        "{reason}"
    );
    denied.remove();
    sites.await_copied("orders");
    sites.assert_exact("orders")
}
