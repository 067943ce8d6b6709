//! The target knows nothing of a producer: it takes any first sequence (KIP-360), so that only the order of sending says
//! which of several writes comes first.

use std::ops::Range;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode, Fault};

use crate::harness::{SOON, Sites, copy_of, metric};
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::wait::eventually;
use crate::support::workload;

/// Few enough that librdkafka sends more behind them before they are acknowledged.
const FEW: usize = 2;
const MANY: usize = 500;

/// Three partitions on one node, so that all writes go over one connection.
fn orders() -> Result<Sites> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 3, &[])?;
    Ok(sites)
}

fn write(sites: &mut Sites, partition: i32, indices: Range<usize>) -> Result<()> {
    let records: Vec<_> = indices
        .map(|index| workload::typical(partition, index))
        .collect();
    Writer::new(&mut sites.source.client, "orders")?.write(partition, &records, Codec::Lz4)
}

/// Keeps the target from reading on, on the connection that all writes go over.
fn hold(sites: &mut Sites) -> Result<Fault> {
    let produce = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let held = produce.partition(1).nth(1).hold_before();
    write(sites, 1, 0..1)?;
    eventually("a write is held", SOON, || {
        ensure!(held.held() == 1, "{held}");
        Ok(())
    });
    Ok(held)
}

#[track_caller]
fn await_in_flight(daemon: &Daemon, records: usize) {
    eventually(&format!("{records} records are in flight"), SOON, || {
        let in_flight = metric(daemon, "kmirror_inflight_records", "orders")?;
        ensure!(in_flight == records as f64, "{in_flight}");
        Ok(())
    });
}

/// Has a write of [`FEW`] records refused once, while [`MANY`] more wait on the source. So many are in flight then: `first`
/// of the few, `then` of the others.
fn refuse_with_more_behind(
    sites: &mut Sites,
    daemon: &Daemon,
    (first, then): (usize, usize),
    refusal: ErrorCode,
) -> Result<()> {
    let held = hold(sites)?;
    let produce = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let refused = produce.partition(0).nth(1).fail(refusal);
    write(sites, 0, MANY..MANY + FEW)?;
    await_in_flight(daemon, 1 + first);
    write(sites, 0, MANY + FEW..MANY + FEW + MANY)?;
    // What is read after them is in flight, so that they were read.
    write(sites, 2, 0..1)?;
    await_in_flight(daemon, 1 + first + then + 1);
    if then > 0 {
        let sent = format!("Produce MessageSet with {then} message(s)");
        eventually("they are sent", SOON, || {
            ensure!(daemon.log().contains(&sent), "not yet");
            Ok(())
        });
    }
    held.release();
    sites.target.await_hits(&refused, 1);
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn a_first_write_that_is_refused_for_a_while_is_still_the_first() -> Result<()> {
    for refusal in [ErrorCode::NotEnoughReplicas, ErrorCode::NotLeaderOrFollower] {
        let mut sites = orders()?;
        let config = sites.config(&["orders"]).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        refuse_with_more_behind(&mut sites, &daemon, (1, 0), refusal)?;
        sites.assert_exact("orders")?;
    }
    Ok(())
}

/// Mirrors until the target knows the producer, with [`MANY`] records.
fn known(sites: &mut Sites) -> Result<(ConfigFile, Daemon)> {
    let config = sites.config(&["orders"]).tells_of_messages().write()?;
    let daemon = Daemon::start("daemon", &config)?;
    write(sites, 0, 0..MANY)?;
    sites.await_committed("orders");
    Ok((config, daemon))
}

#[test]
fn a_write_that_is_refused_with_more_in_flight_behind_it_is_still_the_first() -> Result<()> {
    let mut sites = orders()?;
    let (_config, daemon) = known(&mut sites)?;
    refuse_with_more_behind(
        &mut sites,
        &daemon,
        (FEW, MANY),
        ErrorCode::NotEnoughReplicas,
    )?;
    sites.assert_exact("orders")
}

#[test]
fn a_write_that_is_refused_just_when_the_target_forgot_its_producer_loses_nothing() -> Result<()> {
    let mut sites = orders()?;
    let (_config, daemon) = known(&mut sites)?;
    sites
        .target
        .cluster()
        .forget_producers(&copy_of("orders"), 0)?;
    refuse_with_more_behind(
        &mut sites,
        &daemon,
        (FEW, MANY),
        ErrorCode::NotEnoughReplicas,
    )?;
    let comparison = sites.compare("orders")?;
    let deviations = (comparison.lost, comparison.altered, comparison.foreign);
    assert_eq!(deviations, (0, 0, 0), "{comparison:#?}");
    // What was in flight behind it stands before it, and once more behind it.
    assert_eq!(
        (comparison.reordered, comparison.duplicated),
        (FEW, MANY),
        "{comparison:#?}"
    );
    Ok(())
}
