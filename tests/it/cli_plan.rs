//! `kmirror plan` tells what the control loop would do, and does nothing.

use anyhow::Result;
use kmirror_broker::Api;
use serde_json::{Value, json};

use crate::harness::{SOON, Sites, copy_of};
use crate::support::acls::{Operation, Permission};
use crate::support::cli::{Ended, kmirror_on};
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

fn plan(config: &Config, more: &[&str]) -> Result<Ended> {
    let arguments = [&["plan"], more].concat();
    kmirror_on(config.write()?.path(), &arguments)
}

fn mirror(ended: &Ended) -> Result<Value> {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout)?;
    Ok(document["mirrors"][0].clone())
}

/// A source and a target on which there is one thing of each kind to do.
fn differing() -> Result<Sites> {
    let mut sites = Sites::start()?;
    let source = &mut sites.source.client;
    source.create_topic("clicks", 1, &[("retention.ms", "1000000")])?;
    source.create_topic("orders", 3, &[("cleanup.policy", "compact")])?;
    source.create_topic(&"x".repeat(245), 1, &[])?;
    source.create_topic("same", 1, &[])?;
    source.create_topic("visits", 4, &[])?;
    source.create_topic("wide", 1, &[])?;
    source.add_acl("same", "User:alice", Permission::Allow, Operation::Read)?;
    let target = &mut sites.target.client;
    target.create_topic(&copy_of("clicks"), 1, &[("segment.bytes", "2000000")])?;
    target.create_topic(&copy_of("same"), 1, &[])?;
    target.create_topic(&copy_of("visits"), 2, &[])?;
    target.create_topic(&copy_of("wide"), 2, &[])?;
    Ok(sites)
}

#[test]
fn every_kind_of_action_is_in_the_document() -> Result<()> {
    let sites = differing()?;
    let config = sites.config(&[".*"]).set("sync_acls", "true");
    let seen = mirror(&plan(&config, &["--json"])?)?;
    let actions = seen["actions"].as_array().cloned().unwrap_or_default();
    let expected = [
        json!({"source_topic": "clicks", "target_topic": "source.clicks", "action": "alter",
               "set": {"retention.ms": "1000000"}, "reset": ["segment.bytes"]}),
        json!({"source_topic": "orders", "target_topic": "source.orders", "action": "create",
               "partitions": 3, "configs": {"cleanup.policy": "compact"}}),
        json!({"source_topic": "visits", "target_topic": "source.visits", "action": "grow",
               "from": 2, "to": 4}),
        json!({"source_topic": null, "target_topic": "source.same", "action": "acl",
               "principal": "User:alice", "host": "*", "permission": "ALLOW", "operation": "READ"}),
    ];
    for action in expected {
        assert!(actions.contains(&action), "{action} is not in {seen:#}");
    }
    let refused: Vec<_> = actions
        .iter()
        .filter(|action| action["action"] == "refuse")
        .collect();
    assert_eq!(refused.len(), 1, "{seen:#}");
    assert!(refused[0]["reason"].to_string().contains("249"), "{seen:#}");
    assert_eq!(actions.len(), 5, "{seen:#}");
    let notices = seen["notices"].to_string();
    assert!(
        notices.contains("wide: target topic source.wide has 2"),
        "{notices}"
    );
    Ok(())
}

#[test]
fn nothing_is_done() -> Result<()> {
    let sites = differing()?;
    let before = |api| sites.target.cluster().requests(api);
    let (grown, altered, acls) = (
        before(Api::CreatePartitions),
        before(Api::IncrementalAlterConfigs),
        before(Api::CreateAcls),
    );
    let ended = plan(&sites.config(&[".*"]).set("sync_acls", "true"), &[])?;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let title =
        "source-target: 6 topics, 1 to create, 1 to grow, 1 to alter, 1 to acl, 1 to refuse";
    assert!(ended.stdout.contains(title), "{}", ended.stdout);
    assert_eq!(before(Api::CreatePartitions), grown);
    assert_eq!(before(Api::IncrementalAlterConfigs), altered);
    assert_eq!(before(Api::CreateAcls), acls);
    let mut sites = sites;
    assert!(!sites.target.client.topics()?.contains(&copy_of("orders")));
    Ok(())
}

#[test]
fn once_the_loop_has_done_its_work_there_is_nothing_to_do() -> Result<()> {
    let sites = differing()?;
    let config = sites.config(&["clicks", "orders", "same", "visits"]);
    let config = config.set("sync_acls", "true");
    let file = config.write()?;
    let _daemon = Daemon::start("daemon", &file)?;
    eventually("the plan is empty", SOON, || {
        let ended = plan(&config, &[])?;
        let done = ended.stdout.trim() == "source-target: 4 topics, nothing to do";
        anyhow::ensure!(done, "{}{}", ended.stdout, ended.stderr);
        Ok(())
    });
    Ok(())
}

#[test]
fn what_the_target_would_not_create_is_refused_in_its_words() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = sites.config(&[".*"]).set("replication_factor", "3");
    let seen = mirror(&plan(&config, &["--json"])?)?;
    let reason = seen["actions"][0]["reason"].to_string();
    for words in ["1 broker", "set replication_factor"] {
        assert!(reason.contains(words), "{seen:#}");
    }
    Ok(())
}

#[test]
fn topics_that_share_a_copy_are_one_creation() -> Result<()> {
    let mut sites = Sites::start()?;
    for (topic, partitions) in [("orders", 2), ("payments", 5)] {
        sites.source.client.create_topic(topic, partitions, &[])?;
    }
    let config = sites
        .config(&["orders", "payments"])
        .set("target_topic", "all");
    let seen = mirror(&plan(&config, &["--json"])?)?;
    let expected = json!([{"source_topic": null, "target_topic": "all", "action": "create",
                           "partitions": 5, "configs": {}}]);
    assert_eq!(seen["actions"], expected);
    Ok(())
}

#[test]
fn a_shared_copy_grows_once_also_where_a_config_differs() -> Result<()> {
    let mut sites = Sites::start()?;
    let own = [("retention.ms", "1000000")];
    sites.source.client.create_topic("orders", 2, &own)?;
    sites.source.client.create_topic("payments", 5, &[])?;
    sites.target.client.create_topic("all", 1, &[])?;
    let config = sites
        .config(&["orders", "payments"])
        .set("target_topic", "all");
    let seen = mirror(&plan(&config, &["--json"])?)?;
    let expected = json!([
        {"source_topic": null, "target_topic": "all", "action": "grow", "from": 1, "to": 5},
        {"source_topic": "orders", "target_topic": "all", "action": "alter",
         "set": {"retention.ms": "1000000"}, "reset": []},
    ]);
    assert_eq!(seen["actions"], expected);
    Ok(())
}

#[test]
fn a_cluster_that_does_not_answer_has_its_own_exit_code() -> Result<()> {
    let sites = Sites::start()?;
    let config = Config::mirror(sites.source.bootstrap(), "127.0.0.1:1", &[".*"]);
    let ended = plan(&config, &[])?;
    assert_eq!(ended.code, Some(69), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("cluster target does not answer"),
        "{}",
        ended.stderr
    );
    Ok(())
}
