//! What the mirror decides where going on is not a matter of course: `on_gap`, `on_divergence`, `on_rejected`.
//!
//! These tests share one pair of clusters, each with topics of its own.

mod divergence;
mod gaps;
mod refusals;
mod timestamps;

use std::time::Duration;

use anyhow::Result;

use crate::clusters::Clusters;
use crate::support::codec::Codec;
use crate::support::ledger::{Ledger, Writer};
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(60);

/// Writes typical records number `first..first + count` to each partition of `topic`, and answers what was written.
fn write(clusters: &Clusters, topic: &str, first: usize, count: usize) -> Result<Ledger> {
    let mut client = clusters.source.client();
    let partitions = client.partitions(topic)?;
    let mut writer = Writer::new(&mut client, topic)?;
    for partition in 0..partitions {
        let records = (first..first + count).map(|index| workload::typical(partition, index));
        writer.write_all(partition, records, 100, Codec::Lz4)?;
    }
    Ok(writer.written)
}
