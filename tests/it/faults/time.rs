//! Times that are far from now, in records and on brokers: copied unchanged, and the metrics stay sane.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kmirror_broker::{Api, ClockOffset, ErrorCode};

use super::orders;
use crate::checkpoints;
use crate::harness::{SOON, Sites, await_state, copy_of, metric};
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
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
    assert_sane(&daemon, 0)?;
    sites.assert_exact("orders")
}

#[test]
fn lag_in_seconds_is_sane_while_records_of_any_time_wait() -> Result<()> {
    for time in TIMES.into_iter().chain([i64::MAX]) {
        let begun = now();
        // Without a time that has been, a record is as old as the wait for it.
        let has_been = (0..=begun).contains(&time);
        let oldest = if has_been { time } else { begun };
        let mut sites = any_time(&[time])?;
        let stalled = sites.target.on(Api::Produce);
        let stalled = stalled.fail(ErrorCode::NotEnoughReplicas);
        let config = sites.config(&["orders"]).write()?;
        let daemon = Daemon::start("daemon", &config)?;
        eventually("the lag is seen, and grows", SOON, || {
            assert_sane(&daemon, oldest)?;
            let seconds = metric(&daemon, "kmirror_lag_seconds", "orders")?;
            ensure!(seconds > 0.5, "{seconds} s with records at {time}");
            Ok::<_, anyhow::Error>(())
        });
        stalled.remove();
        sites.await_committed("orders");
        assert_eq!(metric(&daemon, "kmirror_lag_seconds", "orders")?, 0.0);
        assert_sane(&daemon, oldest)?;
        if !has_been {
            let name = "kmirror_replication_latency_seconds_sum";
            assert_eq!(metric(&daemon, name, "orders")?, 0.0, "of {time}");
        }
        sites.assert_exact("orders")?;
    }
    Ok(())
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("the time fits")
}

/// # Panics
/// When a lag or a latency is negative, no number, or more than what has passed since `oldest`, in milliseconds since 1970.
fn assert_sane(daemon: &Daemon, oldest: i64) -> Result<()> {
    let metrics = daemon.metrics()?;
    let most = (now() - oldest) as f64 / 1_000.0;
    let values = |name| metrics.select(name, &[]).map(|sample| sample.value);
    for records in values("kmirror_lag_records") {
        assert!((0.0..=200_000.0).contains(&records), "{records} records");
    }
    for seconds in values("kmirror_lag_seconds") {
        assert!((0.0..=most).contains(&seconds), "{seconds} s of {most}");
    }
    let count = "kmirror_replication_latency_seconds_count";
    let bucket = "kmirror_replication_latency_seconds_bucket";
    let counted = metrics.sum(count, &[]).unwrap_or(0.0);
    let all = metrics.sum(bucket, &[("le", "+Inf")]).unwrap_or(0.0);
    ensure!(
        counted == all,
        "{counted} counted, {all} in the last bucket"
    );
    let latencies: f64 = values("kmirror_replication_latency_seconds_sum").sum();
    assert!(
        (0.0..=most * counted).contains(&latencies),
        "{latencies} s over {counted} records of {most} s at most"
    );
    Ok(())
}

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MS: i64 = 86_400_000;

/// The times of the records of all partitions from `offset` on.
fn times_from(sites: &mut Sites, offset: usize) -> Result<Vec<i64>> {
    let ledger = Ledger::read(&mut sites.source.client, "orders")?;
    let written = ledger.partitions.iter();
    let written = written.flat_map(|entries| entries.iter().skip(offset));
    Ok(written.map(|entry| entry.timestamp).collect())
}

#[test]
fn brokers_whose_clocks_jump_cost_nothing() -> Result<()> {
    let mut sites = orders(1)?;
    let stamped = [("message.timestamp.type", "LogAppendTime")];
    sites.source.client.set_topic_configs("orders", &stamped)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let mut written = super::RECORDS;
    let jumps = [
        (ClockOffset::Ahead(DAY), DAY_MS),
        (ClockOffset::Behind(DAY), -DAY_MS),
    ];
    for (offset, by) in jumps {
        sites.source.cluster().set_clock_offset(offset);
        sites.target.cluster().set_clock_offset(offset);
        let earliest = now() + by;
        sites.write("orders", written, 500)?;
        let stamps = times_from(&mut sites, written)?;
        let jumped = |stamp: &i64| (earliest..=now() + by).contains(stamp);
        assert!(
            stamps.iter().all(jumped),
            "{by} ms from {earliest}: {stamps:?}"
        );
        written += 500;
        sites.await_committed("orders");
        // The records of before are years old.
        assert_sane(&daemon, 0).context("after the jump")?;
        assert_eq!(metric(&daemon, "kmirror_lag_seconds", "orders")?, 0.0);
    }
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[test]
fn a_target_whose_clock_is_set_back_refuses_what_is_the_future_to_it_until_it_is_right()
-> Result<()> {
    let mut sites = Sites::start()?;
    let an_hour_ahead = [("message.timestamp.after.max.ms", "3600000")];
    sites
        .source
        .client
        .create_topic("orders", 2, &an_hour_ahead)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    write_now(&mut sites, 0, 100)?;
    sites.await_committed("orders");
    let right = ClockOffset::Ahead(Duration::ZERO);
    sites
        .target
        .cluster()
        .set_clock_offset(ClockOffset::Behind(DAY));
    write_now(&mut sites, 100, 100)?;
    for partition in 0..2 {
        let told = await_state(&daemon, "orders", partition, "rejected");
        assert!(
            told.contains("offset 100") && told.contains("Invalid timestamp"),
            "{told}"
        );
    }
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, 200);
    sites.target.cluster().set_clock_offset(right);
    sites.await_committed("orders");
    for partition in 0..2 {
        await_state(&daemon, "orders", partition, "running");
    }
    sites.assert_exact("orders")
}

/// Writes records of this moment to both partitions, numbered from `first`.
fn write_now(sites: &mut Sites, first: usize, count: usize) -> Result<()> {
    for partition in 0..2 {
        let numbers = first..first + count;
        let records = numbers.map(|number| Record::at(now()).key(format!("{number}")));
        let mut writer = Writer::new(&mut sites.source.client, "orders")?;
        writer.write_all(partition, records, count, Codec::None)?;
    }
    Ok(())
}

#[test]
fn a_group_is_followed_however_far_apart_the_clocks_are() -> Result<()> {
    for offset in [ClockOffset::Behind(DAY), ClockOffset::Ahead(DAY)] {
        let mut sites = checkpoints::orders()?;
        sites.target.cluster().set_clock_offset(offset);
        let config = checkpoints::config(&sites, &["orders"]).write()?;
        let _daemon = Daemon::start("daemon", &config)?;
        sites.await_committed("orders");
        sites.source.client.commit("readers", "orders", 0, 40)?;
        checkpoints::await_published(&mut sites.target, "readers", 0, 40);
    }
    Ok(())
}
