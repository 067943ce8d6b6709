//! What the control loop leaves alone: copies that must be kept as they are, topics that run.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use super::{await_config, await_notice, await_topic};
use crate::harness::{Sites, await_state, copy_of};
use crate::support::daemon::Daemon;

#[test]
fn a_topic_that_was_created_anew_takes_no_config_from_the_copy_of_the_old_one() -> Result<()> {
    let mut sites = Sites::start()?;
    let configs = [("segment.bytes", "2000000")];
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 1, &configs)?;
        sites.write(topic, 0, 10)?;
    }
    let config = sites.config(&[".*"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    for topic in ["orders", "payments"] {
        sites.await_committed(topic);
    }
    sites.source.client.delete_topic("orders")?;
    sites.source.client.create_topic("orders", 1, &[])?;
    await_state(&daemon, "orders", 0, "diverged");
    // Both are asked about together: what happens to one was refrained from for the other.
    for value in ["3000000", "4000000"] {
        let (source, target) = (&mut sites.source.client, &mut sites.target.client);
        source.set_topic_configs("payments", &[("segment.bytes", value)])?;
        await_config(target, &copy_of("payments"), "segment.bytes", value);
    }
    let kept = sites
        .target
        .client
        .topic_config(&copy_of("orders"), "segment.bytes")?;
    assert_eq!(kept.as_deref(), Some("2000000"));
    Ok(())
}

#[test]
fn growth_that_is_refused_is_told_of_a_topic_that_runs_on() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    sites.write("orders", 0, 10)?;
    let rule = sites
        .target
        .on(Api::CreatePartitions)
        .topic(copy_of("orders"));
    let denied = rule.fail(ErrorCode::TopicAuthorizationFailed);
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.source.client.grow_topic("orders", 2)?;
    sites.write("orders", 10, 10)?;
    await_notice(
        &daemon,
        "orders",
        &["does not allow ALTER on topic source.orders"],
    );
    denied.remove();
    sites.await_copied("orders");
    await_topic(&daemon, "orders", "running");
    sites.assert_exact("orders")
}

#[test]
fn a_copy_is_not_created_while_the_source_does_not_tell_the_configs() -> Result<()> {
    let mut sites = Sites::start()?;
    let configs = [("segment.bytes", "2000000")];
    sites.source.client.create_topic("orders", 1, &configs)?;
    sites.write("orders", 0, 10)?;
    let silent = sites.source.on(Api::DescribeConfigs).drop_before();
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let reason = await_topic(&daemon, "orders", "stopped");
    assert!(reason.contains("does not tell the configs"), "{reason}");
    let topics = sites.target.client.topics()?;
    assert!(!topics.contains(&copy_of("orders")), "{topics:?}");
    silent.remove();
    sites.await_copied("orders");
    let value = sites
        .target
        .client
        .topic_config(&copy_of("orders"), "segment.bytes")?;
    assert_eq!(value.as_deref(), Some("2000000"));
    Ok(())
}
