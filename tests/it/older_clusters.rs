//! Clusters of older versions: what they cannot tell is not noticed, and all else is as with new ones.

use anyhow::{Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Site, Sites, await_state, copy_of};
use crate::lives::{self, await_copy_end, write};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// The newest versions that Kafka 2.7 knows: there are no topic ids yet (KIP-516).
const KAFKA_2_7: &[(Api, i16)] = &[
    (Api::Produce, 8),
    (Api::Fetch, 12),
    (Api::ListOffsets, 5),
    (Api::Metadata, 9),
    (Api::OffsetCommit, 8),
    (Api::OffsetFetch, 7),
    (Api::FindCoordinator, 3),
    (Api::JoinGroup, 7),
    (Api::LeaveGroup, 4),
    (Api::ListGroups, 4),
    (Api::ApiVersions, 3),
    (Api::CreateTopics, 6),
    (Api::DeleteTopics, 5),
    (Api::OffsetForLeaderEpoch, 3),
    (Api::DescribeAcls, 2),
    (Api::CreateAcls, 2),
    (Api::DeleteAcls, 2),
    (Api::DescribeConfigs, 3),
    (Api::AlterConfigs, 1),
    (Api::DescribeCluster, -1),
];

/// The newest versions that Kafka 2.0 knows: no client can ask for leader epochs yet (KIP-320), and what changes single
/// configs is not there (KIP-339).
const KAFKA_2_0: &[(Api, i16)] = &[
    (Api::Produce, 6),
    (Api::Fetch, 8),
    (Api::ListOffsets, 3),
    (Api::Metadata, 6),
    (Api::OffsetCommit, 4),
    (Api::OffsetFetch, 4),
    (Api::FindCoordinator, 2),
    (Api::JoinGroup, 3),
    (Api::Heartbeat, 2),
    (Api::LeaveGroup, 2),
    (Api::SyncGroup, 2),
    (Api::DescribeGroups, 2),
    (Api::ListGroups, 2),
    (Api::ApiVersions, 2),
    (Api::CreateTopics, 3),
    (Api::DeleteTopics, 2),
    (Api::DeleteRecords, 1),
    (Api::InitProducerId, 1),
    (Api::OffsetForLeaderEpoch, 1),
    (Api::DescribeAcls, 1),
    (Api::CreateAcls, 1),
    (Api::DeleteAcls, 1),
    (Api::DescribeConfigs, 2),
    (Api::AlterConfigs, 1),
    (Api::CreatePartitions, 1),
    (Api::DeleteGroups, 1),
    (Api::IncrementalAlterConfigs, -1),
    (Api::OffsetDelete, -1),
    (Api::DescribeCluster, -1),
];

/// Has a cluster know no more than an older one; the tests' own client asks it for no more.
fn make_older(site: &mut Site, newest: &[(Api, i16)]) -> Result<()> {
    for (api, highest) in newest {
        site.cluster().cap_versions(*api, *highest)?;
        site.client.cap(*api as i16, *highest);
    }
    Ok(())
}

/// As a mirror fares between clusters of that age: answers are lost, leaders move, and the process is killed.
fn exact_between_clusters_of(newest: &[(Api, i16)]) -> Result<()> {
    let mut sites = Sites::start()?;
    make_older(&mut sites.source, newest)?;
    make_older(&mut sites.target, newest)?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 1_000)?;
    // Before Kafka 2.4 there is no default to ask for (KIP-464).
    let config = sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .set("replication_factor", "1")
        .write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let lost = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let lost = lost.first(2).drop_after();
    sites.write("orders", 1_000, 1_000)?;
    sites.target.await_hits(&lost, 2);
    sites.await_committed("orders");
    sites.assert_exact("orders")?;
    // Written and not known of: the next process has to find it.
    let unknown = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let unknown = unknown.hold_after();
    sites.write("orders", 2_000, 500)?;
    sites.target.await_hits(&unknown, 1);
    daemon.kill()?;
    unknown.remove();
    let _daemon = Daemon::start("later", &config)?;
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")?;
    assert_asked_no_newer(&sites.source, newest);
    assert_asked_no_newer(&sites.target, newest);
    Ok(())
}

/// That the clusters were as old as the claim says.
#[track_caller]
fn assert_asked_no_newer(site: &Site, newest: &[(Api, i16)]) {
    for entry in site.cluster().journal() {
        let known = newest.iter().find(|(api, _)| *api == entry.api);
        let is_known = known.is_none_or(|(_, highest)| entry.version <= *highest);
        assert!(is_known || entry.api == Api::ApiVersions, "{entry:?}");
    }
}

#[test]
fn between_clusters_of_kafka_2_7_a_mirror_is_exact() -> Result<()> {
    exact_between_clusters_of(KAFKA_2_7)
}

#[test]
fn between_clusters_of_kafka_2_0_a_mirror_is_exact() -> Result<()> {
    exact_between_clusters_of(KAFKA_2_0)
}

#[test]
fn a_target_of_kafka_2_0_is_written_to_once_a_replication_factor_is_set() -> Result<()> {
    let mut sites = Sites::start()?;
    make_older(&mut sites.target, KAFKA_2_0)?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    eventually("the topic is refused, with the reason", SOON, || {
        let topic = daemon.status()?["mirrors"][0]["topics"][0].clone();
        let reason = topic["reason"].as_str().unwrap_or_default();
        ensure!(reason.contains("replication"), "{topic}");
        Ok(())
    });
    Ok(())
}

/// A source of that age with a topic of one partition, of which the first 100 records are copied.
fn copied(newest: &[(Api, i16)]) -> Result<(Sites, ConfigFile, Daemon)> {
    let mut sites = Sites::start()?;
    make_older(&mut sites.source, newest)?;
    lives::copied(sites, 100, None)
}

fn recreate(sites: &Sites) -> Result<()> {
    Ok(sites.source.cluster().recreate_topic("orders")?)
}

#[test]
fn without_topic_ids_a_topic_made_anew_is_noticed_while_it_is_shorter() -> Result<()> {
    let (mut sites, _config, daemon) = copied(KAFKA_2_7)?;
    recreate(&sites)?;
    write(&mut sites, "second", 30)?;
    await_state(&daemon, "orders", 0, "diverged");
    write(&mut sites, "second", 300)?;
    await_state(&daemon, "orders", 0, "diverged");
    await_copy_end(&mut sites, 100);
    Ok(())
}

#[test]
fn without_topic_ids_a_topic_made_anew_that_is_longer_is_noticed_when_a_process_begins()
-> Result<()> {
    let (mut sites, config, mut daemon) = copied(KAFKA_2_7)?;
    daemon.terminate(SOON)?;
    recreate(&sites)?;
    write(&mut sites, "second", 300)?;
    // With the topic, the source forgets what the group has committed for it.
    let daemon = Daemon::start("later", &config)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("another record at offset 99"), "{reason}");
    await_copy_end(&mut sites, 100);
    Ok(())
}

#[test]
fn without_topic_ids_a_topic_made_anew_that_is_longer_is_gone_on_with_by_a_process_that_runs()
-> Result<()> {
    let (mut sites, _config, mut daemon) = copied(KAFKA_2_7)?;
    // Nothing is asked of it while it is short.
    daemon.pause()?;
    eventually("no fetch of it waits any more", SOON, || {
        let asked = sites.source.cluster().journal().into_iter();
        let mut fetches = asked.filter(|entry| entry.api == Api::Fetch);
        ensure!(fetches.all(|entry| entry.answered.is_some()), "one does");
        Ok(())
    });
    recreate(&sites)?;
    write(&mut sites, "second", 300)?;
    daemon.resume()?;
    await_copy_end(&mut sites, 300);
    await_state(&daemon, "orders", 0, "running");
    Ok(())
}

/// While no process runs, the log of a source without leader epochs is cut back to 80 of its 100 records, and `more` come.
fn cut_back_meanwhile(more: usize) -> Result<(Sites, ConfigFile, Daemon)> {
    let (mut sites, config, mut daemon) = copied(KAFKA_2_0)?;
    daemon.terminate(SOON)?;
    sites.source.cluster().truncate("orders", 0, 80)?;
    write(&mut sites, "second", more)?;
    let daemon = Daemon::start("later", &config)?;
    Ok((sites, config, daemon))
}

#[test]
fn without_leader_epochs_a_log_that_was_cut_back_is_noticed_while_it_is_shorter() -> Result<()> {
    let (mut sites, _config, daemon) = cut_back_meanwhile(10)?;
    await_state(&daemon, "orders", 0, "diverged");
    await_copy_end(&mut sites, 100);
    Ok(())
}

#[test]
fn without_leader_epochs_a_log_that_was_cut_back_and_has_grown_since_is_noticed_when_a_process_begins()
-> Result<()> {
    let (mut sites, _config, daemon) = cut_back_meanwhile(500)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("another record at offset 99"), "{reason}");
    await_copy_end(&mut sites, 100);
    Ok(())
}

#[test]
fn without_topic_ids_a_copy_that_was_deleted_is_made_anew_and_its_loss_is_told() -> Result<()> {
    let mut sites = Sites::start()?;
    make_older(&mut sites.target, KAFKA_2_7)?;
    let (mut sites, _config, daemon) = lives::copied(sites, 100, None)?;
    sites.target.cluster().delete_topic(&copy_of("orders"))?;
    write(&mut sites, "second", 50)?;
    eventually("the loss is told", SOON, || {
        let log = daemon.log();
        let told = log.contains("the copy has lost records that it had taken");
        ensure!(told, "not yet");
        Ok(())
    });
    sites.await_committed("orders");
    // What was known to be written to the old copy does not tell what the new one holds: the 50 may stand there twice.
    let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
    assert!((50..=100).contains(&copied), "{copied}");
    Ok(())
}
