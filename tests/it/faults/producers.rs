//! The target forgets its idempotent producers, or takes them for wrong: nothing is lost, order is kept, the copy goes on.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode, Fault};

use super::{assert_under_way, hold_up, orders};
use crate::harness::{Site, Sites, copy_of};
use crate::support::daemon::Daemon;

/// Mirrors through a fault of the target that has to act so many times.
fn through(
    hits: u64,
    fault: fn(&Site) -> Fault,
    check: fn(&mut Sites) -> Result<()>,
) -> Result<()> {
    let mut sites = orders(1)?;
    let fault = fault(&sites.target);
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.target.await_hits(&fault, hits);
    sites.await_committed("orders");
    check(&mut sites)
}

fn exact(sites: &mut Sites) -> Result<()> {
    sites.assert_exact("orders")
}

fn exact_but_for_replays(sites: &mut Sites) -> Result<()> {
    sites.assert_exact_but_for_replays("orders").map(drop)
}

/// What was in flight behind a failed batch is written before it, and once more behind it.
fn nothing_lost(sites: &mut Sites) -> Result<()> {
    let comparison = sites.compare("orders")?;
    let deviations = (comparison.lost, comparison.altered, comparison.foreign);
    assert_eq!(deviations, (0, 0, 0), "{comparison:#?}");
    Ok(())
}

#[test]
fn rights_that_are_taken_away_and_given_back_lose_nothing() -> Result<()> {
    let fault = |target: &Site| {
        let produce = target.on(Api::Produce).after(5).first(3);
        produce.fail(ErrorCode::TopicAuthorizationFailed)
    };
    through(3, fault, nothing_lost)
}

#[test]
fn a_producer_epoch_that_is_taken_for_old_loses_nothing() -> Result<()> {
    let fault = |target: &Site| {
        let produce = target.on(Api::Produce).nth(6);
        produce.fail(ErrorCode::InvalidProducerEpoch)
    };
    through(1, fault, nothing_lost)
}

#[test]
fn an_error_without_a_name_loses_nothing() -> Result<()> {
    let fault = |target: &Site| {
        let produce = target.on(Api::Produce).nth(6);
        produce.fail(ErrorCode::UnknownServerError)
    };
    through(1, fault, nothing_lost)
}

#[test]
fn producers_that_the_target_forgets_go_on_in_order() -> Result<()> {
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).write()?;
    let held = hold_up(&sites);
    let _daemon = Daemon::start("daemon", &config)?;
    let copy = copy_of("orders");
    sites.target.await_hits(&held, 1);
    for partition in 0..4 {
        sites.target.cluster().forget_producers(&copy, partition)?;
    }
    assert_under_way(&sites);
    held.release();
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn an_unknown_producer_id_costs_nothing() -> Result<()> {
    let fault = |target: &Site| {
        let produce = target.on(Api::Produce).after(5).first(2);
        produce.fail(ErrorCode::UnknownProducerId)
    };
    through(2, fault, exact)
}

#[test]
fn a_sequence_that_is_taken_for_out_of_order_loses_nothing_and_keeps_the_order() -> Result<()> {
    let fault = |target: &Site| {
        let produce = target.on(Api::Produce).nth(6);
        produce.fail(ErrorCode::OutOfOrderSequenceNumber)
    };
    through(1, fault, exact_but_for_replays)
}

#[test]
fn a_producer_id_that_is_refused_for_a_while_is_asked_for_again() -> Result<()> {
    for error in [
        ErrorCode::CoordinatorLoadInProgress,
        ErrorCode::CoordinatorNotAvailable,
        ErrorCode::ClusterAuthorizationFailed,
    ] {
        let mut sites = orders(1)?;
        let ids = sites.target.on(Api::InitProducerId).first(2);
        let refused = ids.fail(error);
        let config = sites.config(&["orders"]).write()?;
        let _daemon = Daemon::start("daemon", &config)?;
        sites.target.await_hits(&refused, 2);
        sites.await_committed("orders");
        sites.assert_exact("orders")?;
    }
    Ok(())
}
