//! Times that are far from now, in records and on brokers: copied unchanged, and the metrics stay sane.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ClockOffset, ErrorCode};

use super::orders;
use crate::harness::{SOON, Sites, metric};
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// 9999-12-31, in milliseconds since 1970.
const YEAR_9999: i64 = 253_402_214_400_000;
/// None (-1), the first moments, one of the last century, one that is far ahead.
const TIMES: [i64; 6] = [-1, 0, 1, 1970, 946_598_400_000, YEAR_9999];

/// A topic that takes records of any time, with one of each of `times`, again and again.
fn any_time(times: &[i64]) -> Result<Sites> {
    let mut sites = Sites::start()?;
    let most = i64::MAX.to_string();
    let limits = [
        ("message.timestamp.before.max.ms", most.as_str()),
        ("message.timestamp.after.max.ms", most.as_str()),
    ];
    sites.source.client.create_topic("orders", 2, &limits)?;
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    for (partition, batch) in [(0, 1), (1, 50)] {
        let records = times.iter().cycle().take(200).enumerate();
        let records = records.map(|(index, time)| Record::at(*time).key(format!("{index}")));
        writer.write_all(partition, records, batch, Codec::None)?;
    }
    Ok(sites)
}

#[test]
fn records_of_any_time_are_copied_unchanged() -> Result<()> {
    let mut sites = any_time(&TIMES)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_sane(&daemon)?;
    sites.assert_exact("orders")
}

#[test]
fn lag_in_seconds_is_sane_while_records_of_any_time_wait() -> Result<()> {
    for time in TIMES.into_iter().chain([i64::MAX]) {
        let mut sites = any_time(&[time])?;
        let stalled = sites.target.on(Api::Produce);
        let stalled = stalled.fail(ErrorCode::NotEnoughReplicas);
        let config = sites.config(&["orders"]).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        eventually("the lag is seen, and grows", SOON, || {
            assert_sane(&daemon)?;
            let seconds = metric(&daemon, "kmirror_lag_seconds", "orders")?;
            ensure!(seconds > 0.5, "{seconds} s with records at {time}");
            Ok::<_, anyhow::Error>(())
        });
        stalled.remove();
        sites.await_committed("orders");
        assert_eq!(metric(&daemon, "kmirror_lag_seconds", "orders")?, 0.0);
        sites.assert_exact("orders")?;
    }
    Ok(())
}

/// # Panics
/// When a lag or a latency is negative or no number.
fn assert_sane(daemon: &Daemon) -> Result<()> {
    let metrics = daemon.metrics()?;
    for name in [
        "kmirror_lag_records",
        "kmirror_lag_seconds",
        "kmirror_replication_latency_seconds_sum",
        "kmirror_replication_latency_seconds_count",
    ] {
        for sample in metrics.select(name, &[]) {
            let value = sample.value;
            assert!(value.is_finite() && value >= 0.0, "{sample:?}");
        }
    }
    let count = "kmirror_replication_latency_seconds_count";
    let bucket = "kmirror_replication_latency_seconds_bucket";
    let counted = metrics.sum(count, &[]).unwrap_or(0.0);
    let all = metrics.sum(bucket, &[("le", "+Inf")]).unwrap_or(0.0);
    ensure!(
        counted == all,
        "{counted} counted, {all} in the last bucket"
    );
    Ok(())
}

#[test]
fn brokers_whose_clocks_jump_cost_nothing() -> Result<()> {
    let day = Duration::from_secs(86_400);
    let mut sites = orders(1)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let mut written = super::RECORDS;
    for offset in [ClockOffset::Ahead(day), ClockOffset::Behind(day)] {
        sites.source.cluster().set_clock_offset(offset);
        sites.target.cluster().set_clock_offset(offset);
        sites.write("orders", written, 500)?;
        written += 500;
        sites.await_committed("orders");
        assert_sane(&daemon).context("after the jump")?;
    }
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}
