//! What an operator sees: figures that are right, also when nothing flows, and gone when they are nobody's.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

#[test]
fn a_mirror_that_has_caught_up_says_so() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 500)?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    eventually("every figure is that of a mirror at rest", SOON, || {
        let expected = [
            ("kmirror_mirrored_records_total", 1_000.0),
            ("kmirror_lag_records", 0.0),
            ("kmirror_lag_seconds", 0.0),
            ("kmirror_inflight_bytes", 0.0),
            ("kmirror_inflight_records", 0.0),
            ("kmirror_source_position", 1_000.0),
            ("kmirror_committed_position", 1_000.0),
            ("kmirror_partition_state", 2.0),
        ];
        for (name, value) in expected {
            let seen = metric(&daemon, name, "orders")?;
            ensure!(seen == value, "{name} is {seen}");
        }
        ensure!(daemon.readyz()?.status == 200, "not ready");
        Ok(())
    });
    let status = daemon.status()?;
    assert_eq!(status["mirrors"][0]["state"], "running");
    assert_eq!(status["mirrors"][0]["topics"][0]["lag_records"], 0);
    Ok(())
}

#[test]
fn a_revoked_partitions_series_vanish() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 4, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites.config(&["orders"]).write()?;
    let first = Daemon::start("first", &config)?;
    sites.await_committed("orders");
    let second = Daemon::start("second", &config)?;
    eventually("each daemon shows its own partitions only", SOON, || {
        let mut seen = Vec::new();
        for daemon in [&first, &second] {
            let metrics = daemon.metrics()?;
            let series = metrics.select("kmirror_lag_records", &[("topic", "orders")]);
            seen.push(
                series
                    .filter_map(|sample| sample.labels.get("partition").cloned())
                    .collect::<Vec<_>>(),
            );
        }
        ensure!(seen[0].len() == 2 && seen[1].len() == 2, "{seen:?}");
        ensure!(
            seen[0].iter().all(|partition| !seen[1].contains(partition)),
            "{seen:?}"
        );
        Ok(())
    });
    Ok(())
}

#[test]
fn without_partitions_each_topic_is_one_series_of_each_metric() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 3, &[])?;
    sites.write("orders", 0, 500)?;
    let config = sites.config(&["orders"]);
    let config = config.top("metrics", "{ per_partition: false }").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    eventually("the topic is shown as a whole", SOON, || {
        let metrics = daemon.metrics()?;
        let expected = [
            ("kmirror_mirrored_records_total", 1_500.0),
            ("kmirror_lag_records", 0.0),
            ("kmirror_lag_seconds", 0.0),
            ("kmirror_partition_state", 3.0),
        ];
        for (name, value) in expected {
            // An empty label is none to Prometheus.
            let whole = [("topic", "orders"), ("partition", "")];
            let seen: Vec<_> = metrics.select(name, &[("topic", "orders")]).collect();
            ensure!(seen.len() == 1, "{seen:?}");
            ensure!(metrics.sum(name, &whole) == Some(value), "{seen:?}");
        }
        let positions = metrics.select("kmirror_source_position", &[]).count();
        ensure!(positions == 0, "{positions} positions are shown");
        Ok(())
    });
    Ok(())
}
