//! What the clusters know, and what must be concluded from it.

use std::path::Path;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;

use super::*;
use crate::clusters::TopicInfo;
use crate::config;
use crate::control::plan::plan_topics;
use crate::librdkafka::admin::group_members::{GroupDescription, GroupMember};
use crate::pipeline::Mark;

const NOW: Duration = Duration::from_secs(1_000);

fn mirror() -> Mirror {
    let text = "
clusters:
  paris: { bootstrap_servers: 'paris:9092' }
  dublin: { bootstrap_servers: 'dublin:9092' }
mirrors:
  - { source: paris, target: dublin }
";
    let config = config::parse(text, &|_| None, Path::new("")).expect("a valid configuration");
    config.mirrors[0].clone()
}

fn topic(name: &str) -> TopicInfo {
    TopicInfo {
        name: name.to_owned(),
        partitions: 1,
        id: None,
        leaderless: Vec::new(),
        error: None,
    }
}

fn at(topic: &str) -> TopicPartition {
    TopicPartition::new(topic, 0)
}

/// `orders` with one partition, 12 of 100 records behind, read by one member.
fn healthy() -> Sight {
    let member = GroupMember {
        client_id: "kmirror".to_owned(),
        host: "/127.0.0.1".to_owned(),
        assignment: vec![at("orders")],
    };
    let group = GroupDescription {
        rebalancing: false,
        members: vec![member],
    };
    Sight {
        plans: plan_topics(&mirror(), &[topic("orders")], &[topic("paris.orders")]),
        committed: [(at("orders"), Ok(Some(88)))].into(),
        marks: [].into(),
        source_starts: [(at("orders"), Ok(Some(0)))].into(),
        source_ends: [(at("orders"), Ok(Some(100)))].into(),
        target_ends: [(at("paris.orders"), Ok(Some(88)))].into(),
        groups: [("kmirror.paris-dublin.orders".to_owned(), Ok(group))].into(),
        oldest_uncopied: [(at("orders"), 999_600)].into(),
    }
}

fn seen(sight: &Sight) -> PartitionStatus {
    let status = assemble(&mirror(), sight, UNIX_EPOCH + NOW);
    status.topics[0].partitions[0].clone()
}

#[test]
fn a_partition_that_is_read_runs_with_its_lag_in_records_and_seconds() {
    let expected = PartitionStatus {
        position: Some(88),
        source_start: Some(0),
        source_end: Some(100),
        target_end: Some(88),
        lag_records: Some(12),
        lag_seconds: Some(0.4),
        ..PartitionStatus::new(0, State::Running)
    };
    assert_eq!(seen(&healthy()), expected);
}

#[test]
fn a_caught_up_partition_is_zero_seconds_behind() {
    let mut sight = healthy();
    sight.committed.insert(at("orders"), Ok(Some(100)));
    sight.oldest_uncopied.clear();
    let partition = seen(&sight);
    assert_eq!(
        (partition.lag_records, partition.lag_seconds),
        (Some(0), Some(0.0))
    );
}

#[test]
fn a_partition_that_stands_still_is_seen_by_what_is_committed_beside_its_position() {
    let mut sight = healthy();
    let reason = Some("the target refuses the record at offset 88".to_owned());
    let mark = Mark::new(None, State::Rejected, reason.clone());
    sight.marks.insert(at("orders"), mark);
    let partition = seen(&sight);
    assert_eq!(
        (partition.state, partition.reason),
        (State::Rejected, reason)
    );
}

#[test]
fn a_group_without_members_has_stopped() {
    let mut sight = healthy();
    for group in sight.groups.values_mut() {
        group.as_mut().expect("described").members.clear();
    }
    let partition = seen(&sight);
    assert_eq!(partition.state, State::Stopped);
    let reason = partition.reason.expect("a stopped partition says why");
    assert_eq!(reason, "no kmirror process is a member of the group");
}

#[test]
fn a_partition_that_no_member_has_is_starting() {
    let mut sight = healthy();
    for group in sight.groups.values_mut().flatten() {
        group.members[0].assignment.clear();
    }
    assert_eq!(seen(&sight).state, State::Starting);
}

#[test]
fn a_position_beyond_the_log_end_has_diverged_even_when_nobody_reads() {
    let mut sight = healthy();
    sight.committed.insert(at("orders"), Ok(Some(101)));
    for group in sight.groups.values_mut().flatten() {
        group.members.clear();
    }
    assert_eq!(seen(&sight).state, State::Diverged);
}

#[test]
fn before_the_first_commit_the_whole_log_lags() {
    let mut sight = healthy();
    sight.committed.insert(at("orders"), Ok(None));
    sight.source_starts.insert(at("orders"), Ok(Some(40)));
    let partition = seen(&sight);
    assert_eq!(
        (partition.position, partition.lag_records),
        (None, Some(60))
    );
}

#[test]
fn a_leader_that_does_not_answer_pauses_its_partition_with_the_words_of_the_cluster() {
    let mut sight = healthy();
    let failure = Failure {
        code: RDKafkaErrorCode::LeaderNotAvailable,
        message: "no leader".to_owned(),
    };
    sight.source_ends.insert(at("orders"), Err(failure));
    let partition = seen(&sight);
    assert_eq!(partition.state, State::Paused);
    assert!(
        partition
            .reason
            .is_some_and(|reason| reason.ends_with("no leader"))
    );
    assert_eq!(partition.lag_records, None);
}

#[test]
fn a_refused_topic_stands_still_with_the_plans_reason() {
    let mut sight = healthy();
    let narrow = TopicInfo {
        partitions: 0,
        ..topic("paris.orders")
    };
    let mut mirror = mirror();
    mirror.sync_partitions = false;
    sight.plans = plan_topics(&mirror, &[topic("orders")], &[narrow]);
    let status = assemble(&mirror, &sight, UNIX_EPOCH + NOW);
    assert_eq!(status.topics[0].state, State::Stopped);
    assert!(status.topics[0].reason.is_some());
}

#[test]
fn a_record_from_the_future_is_no_lag() {
    assert_eq!(age(2_000_000, UNIX_EPOCH + NOW), 0.0);
}
