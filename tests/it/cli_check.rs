//! `kmirror check --connect` finds what would go wrong before the first record is copied.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use crate::harness::Sites;
use crate::support::cli::{Ended, kmirror_on};
use crate::support::config_file::Config;

fn check(config: Config) -> Result<Ended> {
    kmirror_on(config.write()?.path(), &["check", "--connect"])
}

#[track_caller]
fn assert_problem(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let mut problems = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("problem: "));
    let found = problems.any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no problem with {words:?} in:\n{}", ended.stdout);
}

#[test]
fn topics_are_listed_with_the_names_of_their_copies_and_nothing_is_created() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 3, &[])?;
    sites.source.client.create_topic("visits", 1, &[])?;
    sites.target.client.create_topic("source.visits", 1, &[])?;
    let ended = check(sites.config(&[".*"]))?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let rows: Vec<Vec<_>> = ended
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let created = ["orders", "3", "source.orders", "created", "and", "mirrored"];
    assert!(rows.contains(&created.to_vec()), "{}", ended.stdout);
    let mirrored = ["visits", "1", "source.visits", "mirrored"];
    assert!(rows.contains(&mirrored.to_vec()), "{}", ended.stdout);
    assert_eq!(sites.target.client.topics()?, ["source.visits"]);
    Ok(())
}

#[test]
fn a_copy_whose_name_would_be_too_long_is_refused_with_the_reason() -> Result<()> {
    let mut sites = Sites::start()?;
    let long = "x".repeat(245);
    sites.source.client.create_topic(&long, 1, &[])?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let ended = check(sites.config(&[".*"]))?;
    assert_problem(&ended, &[&long, "249"]);
    assert!(ended.stdout.contains("source.orders"));
    Ok(())
}

#[test]
fn a_replication_factor_that_the_target_cannot_give_is_told_in_its_words() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let ended = check(sites.config(&[".*"]).set("replication_factor", "3"))?;
    assert_problem(&ended, &["source.orders cannot be created", "1 broker"]);
    assert!(sites.target.client.topics()?.is_empty());
    Ok(())
}

#[test]
fn a_copy_that_takes_smaller_batches_than_its_source_is_told_with_the_remedy() -> Result<()> {
    let mut sites = Sites::start()?;
    let large = [("max.message.bytes", "8000000")];
    sites.source.client.create_topic("orders", 1, &large)?;
    sites.target.client.create_topic("source.orders", 1, &[])?;
    let alone = sites.config(&[".*"]).set("sync_topic_configs", "false");
    let ended = check(alone)?;
    assert_problem(&ended, &["set max.message.bytes=8000000 on source.orders"]);
    let ended = check(sites.config(&[".*"]))?;
    assert_eq!(
        ended.code,
        Some(0),
        "the copy will follow: {}",
        ended.stdout
    );
    Ok(())
}

#[test]
fn a_topic_of_its_own_that_it_may_not_create_is_told_with_the_acl() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let faults = sites.target.cluster().faults();
    let creation = faults.on(Api::CreateTopics).topic("__kmirror_offsets");
    let denied = creation.fail(ErrorCode::TopicAuthorizationFailed);
    let map = "topic __kmirror_offsets on target: ";
    let ended = check(sites.config(&[".*"]))?;
    assert_problem(&ended, &[map, "add an ACL for CREATE on it"]);
    denied.remove();
    let ended = check(sites.config(&[".*"]))?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let ended = check(sites.config(&[".*"]).set("create_topics", "false"))?;
    let by_hand = "create it with cleanup.policy=compact and partitions=8";
    assert_problem(&ended, &[map, by_hand]);
    Ok(())
}

#[test]
fn a_group_whose_offsets_may_not_be_read_is_told_with_the_acl() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    for group in ["billing", "open", "left-out"] {
        sites.source.client.commit(group, "orders", 0, 0)?;
    }
    let faults = sites.source.cluster().faults();
    for group in ["billing", "left-out"] {
        let reading = faults.on(Api::OffsetFetch).group(group);
        reading.fail(ErrorCode::GroupAuthorizationFailed);
    }
    let config = sites.config(&[".*"]).set("exclude_groups", "[left-out]");
    let ended = check(config)?;
    let words = "group billing on source: DESCRIBE is not allowed; add an ACL for DESCRIBE on it";
    assert_problem(&ended, &[words]);
    assert!(
        ended.stdout.ends_with("1 problem to solve\n"),
        "{}",
        ended.stdout
    );
    Ok(())
}

#[test]
fn a_coordinator_that_is_loading_is_waited_for() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let faults = sites.source.cluster().faults();
    let describing = faults.on(Api::DescribeGroups).first(3);
    let loading = describing.fail(ErrorCode::CoordinatorLoadInProgress);
    let ended = check(sites.config(&[".*"]))?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(loading.hits(), 3);
    Ok(())
}

#[test]
fn a_pattern_that_selects_nothing_is_a_problem() -> Result<()> {
    let sites = Sites::start()?;
    let ended = check(sites.config(&["nothing"]))?;
    assert_problem(&ended, &["no topic of source is selected"]);
    Ok(())
}

#[test]
fn very_many_topics_are_advised_to_share_a_group() -> Result<()> {
    let mut sites = Sites::start()?;
    for topic in 0..=200 {
        let name = format!("orders-{topic}");
        sites.source.client.create_topic(&name, 1, &[])?;
        sites
            .target
            .client
            .create_topic(&format!("source.{name}"), 1, &[])?;
    }
    let ended = check(sites.config(&[".*"]))?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let advice =
        "note: source-target: 201 topics with a consumer group each; consumer_groups: shared";
    assert!(ended.stderr.contains(advice), "{}", ended.stderr);
    let shared = check(sites.config(&[".*"]).set("consumer_groups", "shared"))?;
    assert!(!shared.stderr.contains("note: "), "{}", shared.stderr);
    Ok(())
}

#[test]
fn without_connect_no_cluster_is_asked() -> Result<()> {
    let config = Config::mirror("127.0.0.1:1", "127.0.0.1:2", &[".*"]).write()?;
    let ended = kmirror_on(config.path(), &["check"])?;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("valid, 2 clusters and 1 mirror"));
    Ok(())
}
