//! Every fault that a mirror meets in production, one test per claim, provoked by the in-tree broker.
//!
//! A fault meets kmirror's clients alone, by their ids; the tests' own raw client is never struck.

use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode, Fault};

use crate::harness::{SOON, Site, Sites, copy_of};
use crate::support::wait::eventually;

mod acknowledgements;
mod away;
mod commits;
mod fairness;
mod fencing;
mod in_flight;
mod kills;
mod leaders;
mod membership;
mod outages;
mod pressure;
mod producers;
mod rejected;
mod repeats;
mod replaced_logs;
mod soak;
mod source_log;
mod strikes;
mod time;
mod trace;
mod weather;
mod wire;
mod zombie;

/// Records of each partition that [`orders`] writes.
const RECORDS: usize = 5_000;

/// Which of the two clusters a fault is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }

    fn of(self, sites: &mut Sites) -> &mut Site {
        match self {
            Self::Source => &mut sites.source,
            Self::Target => &mut sites.target,
        }
    }
}

/// A topic of four partitions, full of records, on clusters of so many nodes. Its copy will take batches of 90 kB only,
/// so that a moderate load is more than a hundred requests.
fn orders(nodes: usize) -> Result<Sites> {
    orders_of(nodes, RECORDS)
}

/// As [`orders`], with so many records in each partition.
fn orders_of(nodes: usize, records: usize) -> Result<Sites> {
    let mut sites = Sites::of(nodes)?;
    let small = [("max.message.bytes", "100000")];
    sites.source.client.create_topic("orders", 4, &small)?;
    sites.write("orders", 0, records)?;
    Ok(sites)
}

/// Has the target take its time, so that what happens next falls into the copying.
fn slow_down(sites: &Sites) -> Fault {
    let a_little = Duration::from_millis(20);
    sites.target.on(Api::Produce).delay_before(a_little)
}

/// Waits until the target has refused a write of a producer that was shut out.
#[track_caller]
fn await_refused(sites: &Sites) {
    eventually("a late write is refused", SOON, || {
        let refused = ErrorCode::InvalidProducerEpoch;
        let refused = sites.target.answered_with(Api::Produce, refused);
        ensure!(refused > 0, "not yet");
        Ok(())
    });
}

/// Has the target carry out a dozen writes, which is less than one partition asks for, and hold those that come then until
/// the rule is removed.
fn hold_up(sites: &Sites) -> Fault {
    let writes = sites.target.on(Api::Produce).topic(copy_of("orders"));
    writes.after(12).hold_before()
}

/// Waits until the copying has begun.
#[track_caller]
fn await_begun(sites: &Sites) {
    eventually("the copying has begun", SOON, || {
        let ends = (0..4).filter_map(|partition| copied(sites, partition));
        let copied: i64 = ends.sum();
        ensure!(copied > 500, "{copied} records are copied");
        Ok(())
    });
}

/// How many records of a partition are copied, also while the target is down.
fn copied(sites: &Sites, partition: i32) -> Option<i64> {
    let target = sites.target.cluster();
    target.log_end(&copy_of("orders"), partition)
}

/// # Panics
/// When some partition is copied in full, so that whatever struck it may have met nothing.
#[track_caller]
fn assert_under_way(sites: &Sites) {
    for partition in 0..4 {
        let written = sites.source.cluster().log_end("orders", partition);
        let copied = copied(sites, partition);
        assert!(copied < written, "{copied:?} of {written:?} records");
    }
}
