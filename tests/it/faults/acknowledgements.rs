//! The target has the records and its word of it comes late, cut, wrong or never: each record arrives once, in order.

use std::time::Duration;

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode, Fault};

use super::orders;
use crate::harness::Site;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;

/// Mirrors through a fault of the target that has to act so many times.
fn exact_through(config: fn(Config) -> Config, hits: u64, fault: fn(&Site) -> Fault) -> Result<()> {
    let mut sites = orders(1)?;
    let fault = fault(&sites.target);
    let config = config(sites.config(&["orders"])).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.target.await_hits(&fault, hits);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn an_acknowledgement_that_comes_late_costs_nothing() -> Result<()> {
    exact_through(as_it_is, 10, |target| {
        let late = Duration::from_millis(300);
        target.on(Api::Produce).first(10).delay_after(late)
    })
}

#[test]
fn connections_lost_after_the_append_again_and_again_cost_nothing() -> Result<()> {
    exact_through(as_it_is, 8, |target| {
        target.on(Api::Produce).after(3).first(8).drop_after()
    })
}

#[test]
fn a_connection_lost_before_the_append_costs_nothing() -> Result<()> {
    exact_through(as_it_is, 8, |target| {
        target.on(Api::Produce).after(3).first(8).drop_before()
    })
}

#[test]
fn a_connection_lost_with_batches_in_flight_behind_the_one_that_was_written_costs_nothing()
-> Result<()> {
    exact_through(as_it_is, 1, |target| {
        // While this one waits, the producer sends as many more as it may.
        let meanwhile = Duration::from_secs(1);
        target.on(Api::Produce).nth(6).delay_before(meanwhile);
        target.on(Api::Produce).nth(7).drop_after()
    })
}

#[test]
fn half_an_acknowledgement_is_none_and_costs_nothing() -> Result<()> {
    exact_through(as_it_is, 5, |target| {
        target.on(Api::Produce).after(3).first(5).half_response()
    })
}

#[test]
fn an_acknowledgement_that_never_comes_is_asked_for_again_and_costs_nothing() -> Result<()> {
    exact_through(impatient, 2, |target| {
        // The connection is given up when the time for an answer is over.
        target.on(Api::Produce).after(3).first(2).hold_after()
    })
}

#[test]
fn an_error_that_follows_the_append_costs_nothing() -> Result<()> {
    for error in [
        ErrorCode::RequestTimedOut,
        ErrorCode::NotEnoughReplicasAfterAppend,
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::DuplicateSequenceNumber,
    ] {
        exact_with_error_after_the_append(error)?;
    }
    Ok(())
}

fn exact_with_error_after_the_append(error: ErrorCode) -> Result<()> {
    let mut sites = orders(1)?;
    let fault = sites.target.on(Api::Produce).after(3).first(3);
    let fault = fault.fail_after(error);
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.target.await_hits(&fault, 3);
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

fn as_it_is(config: Config) -> Config {
    config
}

fn impatient(config: Config) -> Config {
    config.client("socket.timeout.ms", "3000")
}
