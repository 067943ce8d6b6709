//! A record that the target refuses for good stops its own partition, exactly there, until the cause is gone.

use std::ops::Range;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::harness::{SOON, Sites, await_state, copy_of, metric};
use crate::support::codec::Codec;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// A source topic of two partitions and a copy with these configs.
fn sites(copy_configs: &[(&str, &str)]) -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let copy = copy_of("orders");
    sites.target.client.create_topic(&copy, 2, copy_configs)?;
    Ok(sites)
}

/// A mirror that leaves the copy's configs alone, and sends records as large as they are.
fn config(sites: &Sites) -> Config {
    sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
}

/// Records that any topic takes, no two alike.
fn small(numbers: Range<usize>) -> Vec<Record> {
    let keyed = |number| Record::at(now()).key(format!("{number}")).value("small");
    numbers.map(keyed).collect()
}

/// What a topic takes that wants no record of more than an hour ahead.
const AN_HOUR_AHEAD: (&str, &str) = ("message.timestamp.after.max.ms", "3600000");
/// What a topic takes that wants a key in each record.
const COMPACTED: (&str, &str) = ("cleanup.policy", "compact");

/// The broker's words for a record that is too large.
const TOO_LARGE: &str = "Message size too large";
/// For one that lacks what the topic asks for.
const NOT_VALID: &str = "Broker failed to validate record";
/// For one of a time that the topic does not take.
const BAD_TIME: &str = "Invalid timestamp";

fn large() -> Record {
    Record::at(now()).key("large").value(vec![b'x'; 20_000])
}

fn keyless() -> Record {
    Record::at(now()).value("keyless")
}

/// Of two hours ahead.
fn early() -> Record {
    Record::at(now() + 7_200_000).key("early").value("early")
}

/// Lets the source take records of any time.
fn take_any_time(sites: &mut Sites) -> Result<()> {
    let any_time = [("message.timestamp.after.max.ms", "9223372036854775807")];
    sites.source.client.set_topic_configs("orders", &any_time)
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("the time fits")
}

fn write(sites: &mut Sites, partition: i32, records: &[Record]) -> Result<()> {
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    writer.write(partition, records, Codec::None)
}

/// Puts `refused` between others and checks that its partition stops before it, alone; `mend` takes the cause away, and
/// everything arrives once.
fn stops_exactly_there(
    sites: &mut Sites,
    refused: Record,
    reason: &str,
    mend: &[(&str, &str)],
) -> Result<()> {
    let config = config(sites).write()?;
    let records = [small(0..5), vec![refused], small(5..205)].concat();
    write(sites, 0, &records)?;
    let daemon = Daemon::start("daemon", &config)?;
    let told = await_state(&daemon, "orders", 0, "rejected");
    assert!(told.contains("offset 5"), "{told}");
    assert!(told.contains(reason), "{told}");
    write(sites, 1, &small(0..50))?;
    let copy = copy_of("orders");
    eventually("the other partition runs on", SOON, || {
        let copied = sites.target.client.log_end(&copy, 1)?;
        ensure!(copied == 50, "{copied}");
        Ok(())
    });
    // What was copied of it is acknowledged a moment later.
    eventually("only the refused one and those behind it lag", SOON, || {
        let lag = metric(&daemon, "kmirror_lag_records", "orders")?;
        ensure!(lag == 201.0, "{lag}");
        Ok(())
    });
    assert_eq!(sites.target.client.log_end(&copy, 0)?, 5);
    sites.target.client.set_topic_configs(&copy, mend)?;
    sites.await_committed("orders");
    await_state(&daemon, "orders", 0, "running");
    sites.assert_exact("orders")
}

#[test]
fn i9_a_record_that_is_too_large_stops_its_partition_until_the_limit_is_raised() -> Result<()> {
    let mut sites = sites(&[("max.message.bytes", "10000")])?;
    let mend = [("max.message.bytes", "100000")];
    stops_exactly_there(&mut sites, large(), TOO_LARGE, &mend)
}

#[test]
fn a_record_without_a_key_waits_until_its_copy_is_not_compacted() -> Result<()> {
    let mut sites = sites(&[COMPACTED])?;
    let mend = [("cleanup.policy", "delete")];
    stops_exactly_there(&mut sites, keyless(), NOT_VALID, &mend)
}

#[test]
fn a_record_from_the_future_waits_until_the_limit_is_raised() -> Result<()> {
    let mut sites = sites(&[AN_HOUR_AHEAD])?;
    take_any_time(&mut sites)?;
    let mend = [("message.timestamp.after.max.ms", "36000000")];
    stops_exactly_there(&mut sites, early(), BAD_TIME, &mend)
}

/// Waits until everything is committed, and checks that of all records just that at `offset` of partition 0 has no copy,
/// and that it was told and counted.
fn assert_only_left_out(
    sites: &mut Sites,
    daemon: &Daemon,
    offset: i64,
    reason: &str,
) -> Result<()> {
    sites.await_committed("orders");
    let told = daemon.log();
    let told = told.lines().filter(|line| line.contains("record skipped"));
    let told: Vec<Value> = told.map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [told] = &told[..] else {
        panic!("not told once: {told:#?}");
    };
    let place = (&told["topic"], &told["partition"], &told["offset"]);
    assert_eq!(place, (&"orders".into(), &0.into(), &offset.into()));
    let why = told["code"].as_str().unwrap_or_default();
    assert!(why.contains(reason), "{told}");
    let metrics = daemon.metrics()?;
    let skipped = |labels: &[_]| metrics.sum("kmirror_skipped_records_total", labels);
    assert_eq!(skipped(&[("cause", "rejected")]), Some(1.0));
    assert_eq!(skipped(&[]), Some(1.0), "for whatever cause");
    assert_eq!(await_state(daemon, "orders", 0, "running"), "");
    let found = sites.compare("orders")?;
    assert!(found.is_exact_but_for_losses(), "{found:#?}");
    assert_eq!(found.lost, 1, "{found:#?}");
    let lost = found
        .first
        .first()
        .map(|it| (it.partition, it.source_offset));
    assert_eq!(lost, Some((0, Some(offset))), "{found:#?}");
    Ok(())
}

/// Puts `refused` between others and checks that it alone is left out.
fn leaves_out_just_that_one(sites: &mut Sites, refused: Record, reason: &str) -> Result<()> {
    let records = [small(0..100), vec![refused], small(100..200)].concat();
    write(sites, 0, &records)?;
    write(sites, 1, &small(0..50))?;
    let config = config(sites).set("on_rejected", "skip").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    assert_only_left_out(sites, &daemon, 100, reason)
}

#[test]
fn on_rejected_skip_leaves_out_just_that_record_and_counts_it() -> Result<()> {
    let mut sites = sites(&[("max.message.bytes", "10000")])?;
    leaves_out_just_that_one(&mut sites, large(), TOO_LARGE)
}

#[test]
fn on_rejected_skip_leaves_out_just_a_record_without_a_key() -> Result<()> {
    let mut sites = sites(&[COMPACTED])?;
    leaves_out_just_that_one(&mut sites, keyless(), NOT_VALID)
}

#[test]
fn on_rejected_skip_leaves_out_just_a_record_from_the_future() -> Result<()> {
    let mut sites = sites(&[AN_HOUR_AHEAD])?;
    take_any_time(&mut sites)?;
    leaves_out_just_that_one(&mut sites, early(), BAD_TIME)
}

/// Has the copy take a config that kmirror does not know of, so that it sends `refused` in one batch with others, which the
/// target refuses as a whole; checks that it alone is left out.
fn is_found_in_its_batch(
    sites: &mut Sites,
    limit: (&str, &str),
    refused: Record,
    reason: &str,
) -> Result<()> {
    let config = config(sites).set("on_rejected", "skip");
    // Looks at the clusters once, when it starts.
    let config = config.set("discovery_interval", "1h").write()?;
    write(sites, 0, &small(0..10))?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let copy = copy_of("orders");
    sites.target.client.set_topic_configs(&copy, &[limit])?;
    // Behind it is nothing in flight yet, which would be written before it.
    write(sites, 0, &[small(10..60), vec![refused]].concat())?;
    sites.await_committed("orders");
    let together = "sending its records one by one";
    assert!(daemon.log().contains(together), "{}", daemon.log());
    write(sites, 0, &small(60..100))?;
    assert_only_left_out(sites, &daemon, 60, reason)
}

#[test]
fn a_record_without_a_key_is_found_in_a_batch_that_is_refused_as_a_whole() -> Result<()> {
    is_found_in_its_batch(&mut sites(&[])?, COMPACTED, keyless(), NOT_VALID)
}

#[test]
fn a_record_from_the_future_is_found_in_a_batch_that_is_refused_as_a_whole() -> Result<()> {
    let mut sites = sites(&[("message.timestamp.after.max.ms", "36000000")])?;
    take_any_time(&mut sites)?;
    is_found_in_its_batch(&mut sites, AN_HOUR_AHEAD, early(), BAD_TIME)
}

#[test]
fn a_limit_that_is_lowered_meanwhile_costs_no_record() -> Result<()> {
    let mut sites = sites(&[])?;
    let config = config(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    write(&mut sites, 0, &small(0..10))?;
    sites.await_copied("orders");
    let lower = [("max.message.bytes", "10000")];
    sites
        .target
        .client
        .set_topic_configs(&copy_of("orders"), &lower)?;
    write(&mut sites, 0, &small(10..1_010))?;
    sites.await_committed("orders");
    await_state(&daemon, "orders", 0, "running");
    // Batches behind the refused one had been in flight: those that were small enough are there twice.
    let comparison = sites.compare("orders")?;
    assert_eq!(
        (comparison.lost, comparison.altered),
        (0, 0),
        "{comparison:#?}"
    );
    // By now the limit is known, and what follows is cut to it.
    let before = comparison.duplicated;
    write(&mut sites, 0, &small(1_010..2_010))?;
    sites.await_committed("orders");
    let comparison = sites.compare("orders")?;
    assert_eq!(comparison.duplicated, before, "{comparison:#?}");
    Ok(())
}
