//! A write comes later than its process lives, or owns the partition: it is refused once the next process has written, and
//! found where that has only looked.

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode, Fault};

use super::await_refused;
use crate::harness::{SOON, Sites, await_state, copy_of, group_of};
use crate::support::codec::Codec;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

/// Who writes records, and who raises fences.
const PRODUCER: &str = "kmirror-source-target";
const FENCE: &str = "kmirror-source-target-fence";

const FEW: usize = 100;

/// A process with a write under way.
struct Late {
    sites: Sites,
    config: ConfigFile,
    process: Daemon,
    /// Holds the write on the target, where it stays when its process dies.
    write: Fault,
}

fn config(sites: &Sites) -> Config {
    let config = sites.config(&["orders"]).set("commit_interval", "100ms");
    config.client("session.timeout.ms", "6000")
}

/// Copies [`FEW`] records, and has the target hold the next.
fn late() -> Result<Late> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let config = config(&sites).write()?;
    let process = Daemon::start("first", &config)?;
    sites.write("orders", 0, FEW)?;
    sites.await_committed("orders");
    let produce = sites.target.cluster().faults().on(Api::Produce);
    let produce = produce.client(PRODUCER).topic(copy_of("orders")).nth(1);
    let write = produce.hold_before_even_if_gone();
    sites.write("orders", FEW, FEW)?;
    eventually("a write is held", SOON, || {
        ensure!(write.held() == 1, "{write}");
        Ok(())
    });
    Ok(Late {
        sites,
        config,
        process,
        write,
    })
}

/// Copies [`FEW`] records of a topic with these configs by a process that is killed then.
fn copied_and_killed(
    topic: &[(&str, &str)],
    with: impl Fn(Config) -> Config,
) -> Result<(Sites, ConfigFile)> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, topic)?;
    let config = with(config(&sites)).write()?;
    let mut first = Daemon::start("first", &config)?;
    go_on(&mut sites, 0)?;
    first.kill()?;
    Ok((sites, config))
}

/// How often a fence was asked for.
fn fences(sites: &Sites) -> usize {
    let asked = sites.target.cluster().journal().into_iter();
    asked
        .filter(|entry| entry.api == Api::Produce && entry.client_id == FENCE)
        .count()
}

/// Waits until the copy holds more than so many records.
#[track_caller]
fn await_end_beyond(sites: &Sites, records: usize) {
    eventually("the late write is there", SOON, || {
        let end = sites.target.cluster().log_end(&copy_of("orders"), 0);
        ensure!(end > Some(records as i64), "{end:?}");
        Ok(())
    });
}

/// Writes more, and waits until it is copied.
fn go_on(sites: &mut Sites, first: usize) -> Result<()> {
    sites.write("orders", first, FEW)?;
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn a_write_that_comes_after_those_of_the_next_process_is_refused() -> Result<()> {
    let mut late = late()?;
    late.process.kill()?;
    let _next = Daemon::start("next", &late.config)?;
    late.sites.await_committed("orders");
    assert_eq!(fences(&late.sites), 1);
    late.write.release();
    await_refused(&late.sites);
    go_on(&mut late.sites, 2 * FEW)?;
    late.sites.assert_exact("orders")
}

#[test]
fn a_write_that_comes_between_the_look_and_the_first_record_is_found() -> Result<()> {
    let mut late = late()?;
    late.process.kill()?;
    let sites = &mut late.sites;
    let reading = sites.source.on(Api::Fetch).topic("orders");
    let reading = reading.hold_before();
    let next = Daemon::start("next", &late.config)?;
    // It has looked by then: reading begins where the look ended.
    eventually("the next process reads", SOON, || {
        ensure!(reading.held() > 0, "not yet");
        Ok(())
    });
    late.write.release();
    await_end_beyond(sites, FEW);
    reading.release();
    sites.await_committed("orders");
    let log = next.log();
    assert!(log.contains("looking back at the copy once more"), "{log}");
    go_on(sites, 2 * FEW)?;
    sites.assert_exact("orders")
}

#[test]
fn a_write_that_comes_just_before_it_is_shut_out_costs_one_record_and_is_told() -> Result<()> {
    let mut late = late()?;
    late.process.kill()?;
    let sites = &mut late.sites;
    let raised = sites.target.cluster().faults().on(Api::Produce);
    let fence = raised.client(FENCE).nth(1).hold_before();
    let next = Daemon::start("next", &late.config)?;
    eventually("the fence is about to be raised", SOON, || {
        ensure!(fence.held() == 1, "{fence}");
        Ok(())
    });
    late.write.release();
    await_end_beyond(sites, FEW);
    fence.release();
    sites.await_committed("orders");
    go_on(sites, 2 * FEW)?;
    let comparison = sites.assert_exact_but_for_replays("orders")?;
    assert_eq!(comparison.duplicated, 1, "{}", next.log());
    let labels = [("stage", "offsets"), ("kind", "Foreign")];
    let told = next.metrics()?.sum("kmirror_errors_total", &labels);
    assert_eq!(told, Some(1.0));
    Ok(())
}

#[test]
fn a_fence_whose_answer_is_lost_is_raised_once() -> Result<()> {
    let mut late = late()?;
    late.process.kill()?;
    let sites = &mut late.sites;
    let raised = sites.target.cluster().faults().on(Api::Produce);
    let unanswered = raised.client(FENCE).nth(1).drop_after();
    let _next = Daemon::start("next", &late.config)?;
    sites.await_committed("orders");
    assert_eq!(unanswered.hits(), 1);
    assert_eq!(fences(sites), 2);
    late.write.release();
    await_refused(sites);
    sites.assert_exact("orders")
}

#[test]
fn a_fence_that_meets_no_leader_waits_for_one_and_says_so() -> Result<()> {
    let mut late = late()?;
    late.process.kill()?;
    let sites = &mut late.sites;
    let faults = sites.target.cluster().faults();
    let asked = faults.on(Api::Fetch).client(FENCE);
    let no_leader = asked.fail(ErrorCode::NotLeaderOrFollower);
    for refusal in [ErrorCode::NotLeaderOrFollower, ErrorCode::NotEnoughReplicas] {
        let raised = faults.on(Api::Produce).client(FENCE);
        raised.nth(1).fail(refusal);
    }
    let next = Daemon::start("next", &late.config)?;
    eventually("it is told", SOON, || {
        let told = next.log();
        ensure!(told.contains("the first record waits"), "not yet");
        Ok(())
    });
    no_leader.remove();
    sites.await_committed("orders");
    late.write.release();
    await_refused(sites);
    sites.assert_exact("orders")
}

#[test]
fn a_partition_that_was_given_back_needs_no_fence() -> Result<()> {
    let (mut sites, config, mut first) = Sites::mirrored(4, FEW)?;
    assert!(first.terminate(SOON)?.success());
    let second = Daemon::start("second", &config)?;
    go_on(&mut sites, FEW)?;
    // Another one takes some of the partitions, and gives them back.
    let mut third = Daemon::start("third", &config)?;
    eventually("it has some", SOON, || {
        let status = third.status()?;
        let partitions = status["mirrors"][0]["topics"][0]["partitions"].as_array();
        ensure!(partitions.is_some_and(|all| !all.is_empty()), "{status}");
        Ok(())
    });
    go_on(&mut sites, 2 * FEW)?;
    assert!(third.terminate(SOON)?.success());
    go_on(&mut sites, 3 * FEW)?;
    assert_eq!(fences(&sites), 0);
    drop(second);
    sites.assert_exact("orders")
}

#[test]
fn a_partition_that_comes_back_to_its_own_process_needs_no_fence() -> Result<()> {
    let (mut sites, _config, daemon) = Sites::mirrored(2, FEW)?;
    sites.source.cluster().expire_members(&group_of("orders"))?;
    eventually("it has lost its partitions", SOON, || {
        ensure!(daemon.log().contains("partitions lost"), "not yet");
        Ok(())
    });
    go_on(&mut sites, FEW)?;
    assert_eq!(fences(&sites), 0);
    sites.assert_exact("orders")
}

#[test]
fn partitions_that_change_hands_within_a_process_stay_exact() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 8, &[])?;
    let config = config(&sites).set("consumer_groups", "shared");
    let config = config.set("consumers", "4").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.write("orders", 0, FEW)?;
    sites.await_copied("orders");
    for round in 1..4 {
        sites
            .source
            .cluster()
            .expire_members("kmirror.source-target")?;
        eventually("partitions are lost once more", SOON, || {
            let lost = daemon.log().matches("partitions lost").count();
            ensure!(lost >= round, "{lost} times");
            Ok(())
        });
        sites.write("orders", round * FEW, FEW)?;
        sites.await_copied("orders");
    }
    println!("{} fences", fences(&sites));
    sites.assert_exact("orders")
}

#[test]
fn a_record_that_only_its_compression_makes_small_enough_arrives_all_the_same() -> Result<()> {
    let small = [("max.message.bytes", "20000")];
    let (mut sites, config) = copied_and_killed(&small, |it| it.set("compression", "lz4"))?;
    let large = Record::at(workload::BASE_TIMESTAMP).value(vec![b'x'; 50_000]);
    let large = vec![large; 10];
    Writer::new(&mut sites.source.client, "orders")?.write(0, &large, Codec::Lz4)?;
    let next = Daemon::start("next", &config)?;
    sites.await_committed("orders");
    go_on(&mut sites, FEW)?;
    // One that can be raised by no record is given up, or this process would shut itself out.
    assert_eq!(fences(&sites), 1);
    assert!(!next.log().contains("\"WARN\"") && !next.log().contains("\"ERROR\""));
    sites.assert_exact("orders")
}

#[test]
fn a_record_that_is_refused_holds_its_partition_as_any_other() -> Result<()> {
    let (mut sites, config) = copied_and_killed(&[], |it| it)?;
    let raised = sites.target.cluster().faults().on(Api::Produce);
    let refused = raised.client(FENCE).fail(ErrorCode::InvalidTimestamp);
    sites.write("orders", FEW, FEW)?;
    let next = Daemon::start("next", &config)?;
    let told = await_state(&next, "orders", 0, "rejected");
    assert!(
        told.contains(&format!("the record at offset {FEW}")),
        "{told}"
    );
    refused.remove();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn the_record_that_raises_the_fence_tells_its_origin_as_the_others_do() -> Result<()> {
    let (mut sites, config) = copied_and_killed(&[], |it| {
        let stamping = it.set("provenance", "header");
        stamping.set("target_topic", "\"{source}.{topic}\"")
    })?;
    sites.write("orders", FEW, 1)?;
    let _next = Daemon::start("next", &config)?;
    sites.await_committed("orders");
    assert_eq!(fences(&sites), 1);
    let (mut stamped, end) = (0, FEW as i64 + 1);
    let read = &mut sites.target.client;
    read.read(&copy_of("orders"), 0, 0..end, |stored| {
        let last = stored.record.headers.last();
        stamped += i64::from(last.is_some_and(|header| &header.key[..] == b"kmirror.source"));
    })?;
    assert_eq!(stamped, end);
    Ok(())
}
