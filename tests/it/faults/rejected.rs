//! A record that the target refuses for good stops its own partition, exactly there, until the cause is gone.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, await_state, copy_of, metric};
use crate::support::codec::Codec;
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

fn small(count: usize) -> Vec<Record> {
    let keyed = |index| Record::at(now()).key(format!("{index}")).value("small");
    (0..count).map(keyed).collect()
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
    let config = sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
        .write()?;
    let records = [small(5), vec![refused], small(200)].concat();
    write(sites, 0, &records)?;
    let daemon = Daemon::start("daemon", &config)?;
    let told = await_state(&daemon, "orders", 0, "rejected");
    assert!(told.contains("offset 5"), "{told}");
    assert!(told.contains(reason), "{told}");
    write(sites, 1, &small(50))?;
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
    let large = Record::at(now()).key("large").value(vec![b'x'; 20_000]);
    let mend = [("max.message.bytes", "100000")];
    stops_exactly_there(&mut sites, large, "too large", &mend)
}

#[test]
fn a_record_without_a_key_waits_until_its_copy_is_not_compacted() -> Result<()> {
    let mut sites = sites(&[("cleanup.policy", "compact")])?;
    let keyless = Record::at(now()).value("keyless");
    stops_exactly_there(&mut sites, keyless, "", &[("cleanup.policy", "delete")])
}

#[test]
fn a_record_from_the_future_waits_until_the_limit_is_raised() -> Result<()> {
    let mut sites = sites(&[("message.timestamp.after.max.ms", "3600000")])?;
    let any_time = [("message.timestamp.after.max.ms", "9223372036854775807")];
    sites.source.client.set_topic_configs("orders", &any_time)?;
    let future = Record::at(now() + 7_200_000).key("future").value("early");
    let mend = [("message.timestamp.after.max.ms", "36000000")];
    stops_exactly_there(&mut sites, future, "timestamp", &mend)
}

#[test]
fn on_rejected_skip_leaves_out_just_that_record_and_counts_it() -> Result<()> {
    let mut sites = sites(&[("max.message.bytes", "10000")])?;
    let large = Record::at(now()).key("large").value(vec![b'x'; 20_000]);
    let records = [small(100), vec![large], small(100)].concat();
    write(&mut sites, 0, &records)?;
    let config = sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
        .set("on_rejected", "skip")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_eq!(sites.target.client.log_end(&copy_of("orders"), 0)?, 200);
    let skipped = daemon.metrics()?;
    let skipped = skipped.sum("kmirror_skipped_records_total", &[("cause", "rejected")]);
    assert_eq!(skipped, Some(1.0));
    let comparison = sites.compare("orders")?;
    assert_eq!(
        (comparison.lost, comparison.duplicated),
        (1, 0),
        "{comparison:#?}"
    );
    Ok(())
}

#[test]
fn a_limit_that_is_lowered_meanwhile_costs_no_record() -> Result<()> {
    let mut sites = sites(&[])?;
    let config = sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    write(&mut sites, 0, &small(10))?;
    sites.await_copied("orders");
    let lower = [("max.message.bytes", "10000")];
    sites
        .target
        .client
        .set_topic_configs(&copy_of("orders"), &lower)?;
    write(&mut sites, 0, &small(3_000))?;
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
    write(&mut sites, 0, &small(3_000))?;
    sites.await_committed("orders");
    let comparison = sites.compare("orders")?;
    assert_eq!(comparison.duplicated, before, "{comparison:#?}");
    Ok(())
}
