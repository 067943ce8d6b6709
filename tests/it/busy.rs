//! Busy partitions among many idle ones that share a group's consumers.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::Api;

use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::shared::{GROUP, await_committed};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

/// Idle topics of two partitions beside the busy one.
const IDLE: usize = 60;

/// Far more than the 64 KiB that are prefetched of one partition among so many.
const BURST: usize = 12_000;

/// A mirror with little memory whose topics are all copied and, but for what is written later, idle.
fn at_rest(partitions: i32) -> Result<(Sites, ConfigFile, Daemon)> {
    let mut sites = Sites::start()?;
    let client = &mut sites.source.client;
    client.create_topic("busy", partitions, &[])?;
    for number in 0..IDLE {
        client.create_topic(&format!("idle-{number}"), 2, &[])?;
    }
    sites.write("busy", 0, 10)?;
    let config = sites.config(&[".*"]).set("consumer_groups", "shared");
    let config = config
        .set("consumers", "1")
        .top("memory", "16MiB")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_committed(&mut sites, "busy");
    Ok((sites, config, daemon))
}

/// How many fetches asked for the busy topic apart from the others, and how many together with them.
fn fetches(sites: &Sites) -> (usize, usize) {
    let asked = sites.source.cluster().journal().into_iter();
    let of_it = asked.filter(|entry| {
        let mut topics = entry.topics.iter();
        entry.api == Api::Fetch && topics.any(|(topic, _)| topic == "busy")
    });
    let apart = format!("{GROUP}-busy");
    let (apart, together): (Vec<_>, Vec<_>) = of_it.partition(|entry| entry.client_id == apart);
    (apart.len(), together.len())
}

/// Waits until the busy topic is read together with the others again.
#[track_caller]
fn await_returned(sites: &Sites) {
    let (_, before) = fetches(sites);
    eventually("it is read with the others again", SOON, || {
        let (_, together) = fetches(sites);
        ensure!(together > before + 1, "{together} fetches");
        Ok(())
    });
}

#[test]
fn a_backlog_is_read_apart_from_the_idle_partitions() -> Result<()> {
    let (mut sites, _config, _daemon) = at_rest(1)?;
    await_returned(&sites);
    let (apart_before, together_before) = fetches(&sites);
    sites.write("busy", 10, BURST)?;
    await_committed(&mut sites, "busy");
    let (apart, together) = fetches(&sites);
    // One that brings the first records, and those that were sent before it was given up.
    let together = together - together_before;
    assert!(together < 16, "{together} fetches of all partitions");
    assert!(apart > apart_before, "it was not read apart");
    sites.assert_exact("busy")
}

#[test]
fn a_partition_that_is_busy_again_and_again_arrives_exactly() -> Result<()> {
    let (mut sites, _config, _daemon) = at_rest(3)?;
    let mut next = 10;
    let mut write = |sites: &mut Sites, count| {
        sites.write("busy", next, count)?;
        next += count;
        await_committed(sites, "busy");
        anyhow::Ok(())
    };
    write(&mut sites, BURST / 3)?;
    // Quiet after five seconds, it is on its way back for six more; these come before, then, and then again.
    for pause in [3, 6, 7, 8] {
        std::thread::sleep(Duration::from_secs(pause));
        write(&mut sites, 1)?;
    }
    await_returned(&sites);
    write(&mut sites, BURST / 3)?;
    sites.assert_exact("busy")
}

#[test]
fn busy_partitions_change_hands_without_loss_or_repetition() -> Result<()> {
    let (mut sites, config, mut first) = at_rest(3)?;
    sites.write("busy", 10, BURST)?;
    let mut second = Daemon::start("second", &config)?;
    sites.write("busy", 10 + BURST, BURST)?;
    eventually("the second has joined", SOON, || {
        let members = sites.source.client.group(GROUP)?.members.len();
        ensure!(members == 2, "{members} members");
        Ok(())
    });
    assert!(first.terminate(SOON)?.success());
    sites.write("busy", 10 + 2 * BURST, BURST)?;
    eventually("the second has some of it", SOON, || {
        let copied = sites.target.client.total_end(&copy_of("busy"))?;
        ensure!(copied > 3 * 2 * BURST as i64, "{copied} records");
        Ok(())
    });
    second.kill()?;
    let _third = Daemon::start("third", &config)?;
    await_committed(&mut sites, "busy");
    sites.assert_exact("busy")
}

#[test]
fn a_log_that_is_cut_back_while_it_is_read_apart_stops_its_partition() -> Result<()> {
    let (mut sites, _config, daemon) = at_rest(1)?;
    sites.write("busy", 10, BURST)?;
    await_committed(&mut sites, "busy");
    let (apart, _) = fetches(&sites);
    assert!(apart > 0, "it was not read apart");
    let source = sites.source.cluster();
    source.truncate("busy", 0, 80)?;
    sites.write("busy", 10 + BURST, 2 * BURST)?;
    let reason = await_state(&daemon, "busy", 0, "diverged");
    assert!(reason.contains("cut back"), "{reason}");
    let copied = sites.target.client.total_end(&copy_of("busy"))?;
    assert_eq!(copied, 10 + BURST as i64);
    Ok(())
}
