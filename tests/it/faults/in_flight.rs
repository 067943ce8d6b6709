//! Several writes are in flight, and the first is refused for a while: which comes first, and what comes twice.
//!
//! Where the target knows nothing of a producer it takes any first sequence (KIP-360), so that only the order of sending
//! counts. Where it knows it, librdkafka begins another epoch of it.

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

/// A single one, before which nothing is waited for: of several librdkafka may send the first alone, and only that would be
/// refused.
const FEW: usize = 1;
const MANY: usize = 500;

/// On so many nodes.
fn orders(nodes: usize) -> Result<Sites> {
    let mut sites = Sites::of(nodes)?;
    sites.source.client.create_topic("orders", 4, &[])?;
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

/// How many records of partition 0 librdkafka has sent, by the log of a daemon that tells of messages.
fn sent(daemon: &Daemon) -> usize {
    let log = daemon.log();
    let sets = log.split("source.orders [0]: Produce MessageSet with ");
    let counts = sets.skip(1).filter_map(|set| set.split(' ').next());
    counts.filter_map(|count| count.parse::<usize>().ok()).sum()
}

/// Has a write of [`FEW`] records, from number `from` on, refused once, while [`MANY`] more wait on the source. So many are in
/// flight then: `before`, `first` of the few, `then` of the others.
fn refuse_with_more_behind(
    sites: &mut Sites,
    daemon: &Daemon,
    from: usize,
    [before, first, then]: [usize; 3],
    refusal: ErrorCode,
) -> Result<()> {
    let sent_before = sent(daemon);
    let held = hold(sites)?;
    let produce = sites.target.on(Api::Produce).topic(copy_of("orders"));
    let refused = produce.partition(0).nth(1).fail(refusal);
    write(sites, 0, from..from + FEW)?;
    await_in_flight(daemon, before + 1 + first);
    write(sites, 0, from + FEW..from + FEW + MANY)?;
    // What is read after them is in flight, so that they were read.
    write(sites, 2, 0..1)?;
    await_in_flight(daemon, before + 1 + first + then + 1);
    if then > 0 {
        eventually("more is sent than the few", SOON, || {
            let sent = sent(daemon) - sent_before;
            ensure!(sent > FEW, "{sent} records");
            Ok(())
        });
    }
    held.release();
    sites.target.await_hits(&refused, 1);
    Ok(())
}

#[test]
fn a_first_write_that_is_refused_for_a_while_is_still_the_first() -> Result<()> {
    for refusal in [ErrorCode::NotEnoughReplicas, ErrorCode::NotLeaderOrFollower] {
        let mut sites = orders(1)?;
        let config = sites.config(&["orders"]).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        refuse_with_more_behind(&mut sites, &daemon, 0, [0, 1, 0], refusal)?;
        sites.await_committed("orders");
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

/// Refuses a write of a [`known`] producer for a while, with more in flight behind it.
fn refuse_of_a_known_producer(sites: &mut Sites, daemon: &Daemon) -> Result<()> {
    let counts = [0, FEW, MANY];
    refuse_with_more_behind(sites, daemon, MANY, counts, ErrorCode::NotEnoughReplicas)
}

#[test]
fn a_write_that_is_refused_with_more_in_flight_behind_it_is_still_the_first() -> Result<()> {
    let mut sites = orders(1)?;
    let (_config, daemon) = known(&mut sites)?;
    refuse_of_a_known_producer(&mut sites, &daemon)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_write_that_is_refused_just_when_the_target_forgot_its_producer_loses_nothing() -> Result<()> {
    let mut sites = orders(1)?;
    let (_config, daemon) = known(&mut sites)?;
    sites
        .target
        .cluster()
        .forget_producers(&copy_of("orders"), 0)?;
    refuse_of_a_known_producer(&mut sites, &daemon)?;
    sites.await_committed("orders");
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

#[test]
fn a_write_whose_answer_is_lost_while_the_producer_begins_a_new_epoch_comes_twice_and_is_told()
-> Result<()> {
    let mut sites = orders(2)?;
    let (_config, daemon) = known(&mut sites)?;
    let copy = copy_of("orders");
    for partition in 0..4 {
        let node = i32::from(partition == 3);
        sites.target.cluster().move_leader(&copy, partition, node)?;
    }
    // Until the producer knows the leaders, and they know it.
    for partition in 0..4 {
        write(&mut sites, partition, MANY..MANY + 1)?;
    }
    sites.await_committed("orders");
    let produce = sites.target.on(Api::Produce).topic(&copy).partition(3);
    let unanswered = produce.nth(1).hold_after();
    write(&mut sites, 3, MANY + 1..MANY + 1 + FEW)?;
    eventually("an answer is held", SOON, || {
        ensure!(unanswered.held() == 1, "{unanswered}");
        Ok(())
    });
    let refusal = ErrorCode::NotEnoughReplicas;
    refuse_with_more_behind(&mut sites, &daemon, MANY + 1, [FEW, FEW, MANY], refusal)?;
    eventually("the sequence is broken", SOON, || {
        let out_of_order = ErrorCode::OutOfOrderSequenceNumber;
        let broken = sites.target.answered_with(Api::Produce, out_of_order);
        ensure!(broken > 0, "no");
        Ok(())
    });
    sites.target.stop_node(1)?;
    sites.target.start_node(1)?;
    sites.await_committed("orders");
    let comparison = sites.assert_exact_but_for_replays("orders")?;
    assert_eq!(comparison.duplicated, FEW, "{comparison:#?}");
    let labels = [("stage", "offsets"), ("kind", "Foreign")];
    let told = daemon.metrics()?.sum("kmirror_errors_total", &labels);
    assert_eq!(told, Some(1.0));
    Ok(())
}
