//! A topic that may not be described stops alone, with the ACL that is missing.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use super::await_topic;
use crate::harness::{Sites, copy_of};
use crate::support::daemon::Daemon;

#[test]
fn a_source_topic_that_may_not_be_described_stops_alone_until_the_acl_is_there() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 1, &[])?;
        sites.write(topic, 0, 10)?;
    }
    let rule = sites.source.on(Api::Metadata).topic("orders");
    let denied = rule.fail(ErrorCode::TopicAuthorizationFailed);
    let config = sites.config(&[".*"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("payments");
    let reason = await_topic(&daemon, "orders", "stopped");
    let words = "source does not allow DESCRIBE on topic orders; add an ACL for DESCRIBE on it";
    assert!(reason.contains(words), "{reason}");
    denied.remove();
    sites.await_copied("orders");
    Ok(())
}

#[test]
fn a_copy_that_may_not_be_described_stops_its_topic_alone() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in ["orders", "payments"] {
        sites.source.client.create_topic(topic, 1, &[])?;
        sites.target.client.create_topic(&copy_of(topic), 1, &[])?;
        sites.write(topic, 0, 10)?;
    }
    let rule = sites.target.on(Api::Metadata).topic(copy_of("orders"));
    rule.fail(ErrorCode::TopicAuthorizationFailed);
    let config = sites.config(&[".*"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("payments");
    let reason = await_topic(&daemon, "orders", "stopped");
    let words = "target does not allow DESCRIBE on topic source.orders";
    assert!(reason.contains(words), "{reason}");
    Ok(())
}
