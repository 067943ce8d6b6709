//! The target takes less than it is given, by a quota.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::AlterClientQuotasRequest;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::protocol::StrBytes;

use crate::clusters::Clusters;
use crate::load::Load;
use crate::standing::await_ready;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::wire::refused;

const DEADLINE: Duration = Duration::from_secs(120);

const TOPIC: &str = "orders";

fn lag(daemon: &Daemon, name: &str) -> Result<f64> {
    let lag = daemon.metrics()?.sum(name, &[("topic", TOPIC)]);
    lag.with_context(|| format!("no {name}"))
}

/// Bytes a second that any client may produce; `None` takes the quota away.
fn set_quota(client: &mut Client, bytes_per_second: Option<f64>) -> Result<()> {
    const ALTER_CLIENT_QUOTAS: i16 = 1;
    // Of no name: whatever client has no quota of its own.
    let any = EntityData::default()
        .with_entity_type(StrBytes::from_static_str("client-id"))
        .with_entity_name(None);
    let rate = OpData::default()
        .with_key(StrBytes::from_static_str("producer_byte_rate"))
        .with_value(bytes_per_second.unwrap_or_default())
        .with_remove(bytes_per_second.is_none());
    let entry = EntryData::default()
        .with_entity(vec![any])
        .with_ops(vec![rate]);
    let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
    for entry in client.ask(ALTER_CLIENT_QUOTAS, &request)?.entries {
        refused(entry.error_code).with_context(|| format!("{:?}", entry.error_message))?;
    }
    Ok(())
}

#[test]
fn a_target_with_a_quota_is_written_to_at_its_rate_and_caught_up_with_once_it_is_gone() -> Outcome {
    /// Records a second, of 470 bytes: six times the quota.
    const RATE: usize = 5_000;
    const QUOTA: f64 = 400_000.0;
    const BEHIND: f64 = 30_000.0;
    const MOST_RESIDENT: u64 = 128 << 20;
    let clusters = Clusters::with_topic(TOPIC, 8)?;
    let config = clusters
        .config(&[TOPIC])
        .set("compression", "none")
        .top("memory", "64MiB")
        .write()?;
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 10_000, DEADLINE);
    await_ready(&daemon, DEADLINE);
    set_quota(&mut clusters.target.client(), Some(QUOTA))?;
    eventually("the lag has grown and is told", DEADLINE, || {
        let (records, seconds) = (
            lag(&daemon, "kmirror_lag_records")?,
            lag(&daemon, "kmirror_lag_seconds")?,
        );
        ensure!(
            records > BEHIND && seconds > 0.0,
            "{records} records, {seconds} s"
        );
        Ok(())
    });
    let resident = daemon.resident_bytes()?;
    assert!(resident <= MOST_RESIDENT, "{} MiB resident", resident >> 20);
    await_ready(&daemon, DEADLINE);
    set_quota(&mut clusters.target.client(), None)?;
    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}
