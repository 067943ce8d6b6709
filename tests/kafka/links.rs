//! The network between the mirror and one of its clusters misbehaves, with a TCP proxy in between.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::clusters::{Clusters, copy_of};
use crate::load::Load;
use crate::standing::{await_down, await_ready};
use crate::support::client::Client;
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::proxy::{Manner, Proxy};
use crate::support::wait::eventually;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 8;
/// Records a second.
const RATE: usize = 5_000;
/// What is copied before the trouble begins.
const WARM: i64 = 10_000;
const DEADLINE: Duration = Duration::from_secs(120);
/// Shorter than the default of 60 s, so that a test need not wait for that long.
const REQUEST_TIMEOUT_MS: &str = "8000";

/// Which way of the mirror leads through the proxy.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

/// A mirror with a proxy on one side, and records on their way from before the trouble until after it.
struct Link {
    clusters: Clusters,
    proxy: Proxy,
    load: Load,
    daemon: Daemon,
    // Dropped last: the daemon logs into its directory, and a failure shows that.
    _config: ConfigFile,
}

impl Link {
    fn start(side: Side, shape: impl FnOnce(Config) -> Config) -> Result<Self> {
        let clusters = Clusters::with_topic(TOPIC, PARTITIONS)?;
        let (source, target) = (&clusters.source, &clusters.target);
        let (proxy, config) = match side {
            Side::Source => {
                let proxy = source.proxy()?;
                let config = Config::mirror(&proxy.address(), &target.bootstrap(), &[TOPIC]);
                (proxy, config)
            }
            Side::Target => {
                let proxy = target.proxy()?;
                let config = Config::mirror(&source.bootstrap(), &proxy.address(), &[TOPIC]);
                (proxy, config)
            }
        };
        let load = Load::start(source.client(), TOPIC, RATE);
        let config = shape(config).write()?;
        let daemon = Daemon::start("kmirror", &config)?;
        clusters.await_copied(TOPIC, WARM, DEADLINE);
        Ok(Self {
            clusters,
            proxy,
            load,
            daemon,
            _config: config,
        })
    }

    /// Ends the trouble and the load, and compares once all is copied.
    #[track_caller]
    fn assert_each_record_arrives_once(self) -> Result<()> {
        self.proxy.set(Manner::Pass);
        await_ready(&self.daemon, DEADLINE);
        self.load.finish()?;
        self.clusters.await_caught_up(TOPIC, DEADLINE);
        let found = self.clusters.compare(TOPIC)?;
        assert!(found.is_exact(), "{found}");
        Ok(())
    }
}

/// Cuts all connections every 200 ms for 10 s, and makes sure that there were connections to cut.
fn storm(proxy: &Proxy) {
    const CUTS: u32 = 50;
    const EVERY: Duration = Duration::from_millis(200);
    let (began, before) = (Instant::now(), proxy.accepted());
    for cut in 1..=CUTS {
        proxy.cut();
        thread::sleep((began + EVERY * cut).saturating_duration_since(Instant::now()));
    }
    let again = proxy.accepted() - before;
    println!("{again} connections opened during the storm");
    assert!(again >= 10, "only {again} connections were there to be cut");
}

#[test]
fn a_storm_of_cut_connections_to_the_target_loses_and_repeats_nothing() -> Outcome {
    let link = Link::start(Side::Target, |config| config)?;
    storm(&link.proxy);
    link.assert_each_record_arrives_once()?;
    Ok(())
}

#[test]
fn a_storm_of_cut_connections_to_the_source_loses_and_repeats_nothing() -> Outcome {
    let link = Link::start(Side::Source, |config| config)?;
    storm(&link.proxy);
    link.assert_each_record_arrives_once()?;
    Ok(())
}

/// Each connection ends in mid-frame, now in a request, now in an answer.
#[track_caller]
fn break_connections(proxy: &Proxy) {
    const BYTES: usize = 1_500_000;
    const BREAKS: usize = 20;
    let before = proxy.accepted();
    proxy.set(Manner::CutAfter(BYTES));
    eventually("connections broke often enough", DEADLINE, || {
        let again = proxy.accepted() - before;
        ensure!(again >= BREAKS, "{again} times");
        Ok(())
    });
}

#[test]
fn connections_to_the_target_that_break_in_mid_frame_lose_and_repeat_nothing() -> Outcome {
    // Not compressed, so that there is much to break.
    let link = Link::start(Side::Target, |config| config.set("compression", "none"))?;
    break_connections(&link.proxy);
    link.assert_each_record_arrives_once()?;
    Ok(())
}

#[test]
fn connections_to_the_source_that_break_in_mid_frame_lose_and_repeat_nothing() -> Outcome {
    let link = Link::start(Side::Source, |config| config)?;
    break_connections(&link.proxy);
    link.assert_each_record_arrives_once()?;
    Ok(())
}

#[test]
fn a_target_link_that_is_too_slow_shows_as_lag_and_costs_no_memory() -> Outcome {
    const BYTES_PER_SECOND: u32 = 400_000;
    const BEHIND: f64 = 30_000.0;
    const BUDGET: &str = "64MiB";
    const MOST_RESIDENT: u64 = 128 << 20;
    let link = Link::start(Side::Target, |config| {
        config.set("compression", "none").top("memory", BUDGET)
    })?;
    link.proxy.set(Manner::Throttle(BYTES_PER_SECOND));
    let copied = link.clusters.target.client().total_end(&copy_of(TOPIC))?;
    let mut most = 0;
    eventually("the lag has grown and is told", DEADLINE, || {
        most = most.max(link.daemon.resident_bytes()?);
        let metrics = link.daemon.metrics()?;
        let lag = |name| metrics.sum(name, &[("topic", TOPIC)]).context("no lag");
        let (records, seconds) = (lag("kmirror_lag_records")?, lag("kmirror_lag_seconds")?);
        ensure!(
            records > BEHIND && seconds > 0.0,
            "{records} records, {seconds} s"
        );
        Ok(())
    });
    assert!(most <= MOST_RESIDENT, "{} MiB resident", most >> 20);
    link.clusters.await_copied(TOPIC, copied + 1, DEADLINE);
    link.assert_each_record_arrives_once()?;
    Ok(())
}

/// More than one batch is under way at a time, or it would not come to this.
#[test]
fn a_target_that_is_far_away_is_kept_up_with_and_loses_and_repeats_nothing() -> Outcome {
    /// Each way, as across an ocean and more.
    const FAR: Duration = Duration::from_millis(150);
    /// What comes in within two seconds.
    const CLOSE_BEHIND: f64 = 2.0 * RATE as f64;
    const LONG: i64 = 12 * RATE as i64;
    let link = Link::start(Side::Target, |config| config)?;
    link.proxy.set(Manner::Delay(FAR));
    let asked = Instant::now();
    Client::new(link.proxy.address()).topics()?;
    assert!(asked.elapsed() >= 2 * FAR, "the target is near");
    let before = link.clusters.target.client().total_end(&copy_of(TOPIC))?;
    link.clusters.await_copied(TOPIC, before + LONG, DEADLINE);
    eventually("the copy is close behind", DEADLINE, || {
        let metrics = link.daemon.metrics()?;
        let lag = metrics.sum("kmirror_lag_records", &[("topic", TOPIC)]);
        let lag = lag.context("no lag")?;
        ensure!(lag <= CLOSE_BEHIND, "{lag} records");
        Ok(())
    });
    link.assert_each_record_arrives_once()?;
    Ok(())
}

/// Held until requests have run out of time: the client comes again.
#[track_caller]
fn black_out(link: &Link, cluster: &str) {
    let before = link.proxy.accepted();
    link.proxy.set(Manner::Hold);
    await_down(&link.daemon, cluster);
    let what = format!("the mirror gave up its connections to {cluster} and tries others");
    eventually(&what, DEADLINE, || {
        let again = link.proxy.accepted() - before;
        ensure!(again >= 3, "{again} new ones");
        Ok(())
    });
}

#[test]
fn a_target_that_takes_connections_and_never_answers_costs_no_record_and_repeats_none() -> Outcome {
    let link = Link::start(Side::Target, |config| {
        config.client("socket.timeout.ms", REQUEST_TIMEOUT_MS)
    })?;
    black_out(&link, "target");
    link.assert_each_record_arrives_once()?;
    Ok(())
}

#[test]
fn a_source_that_takes_connections_and_never_answers_costs_no_record_and_repeats_none() -> Outcome {
    let link = Link::start(Side::Source, |config| {
        config.client("socket.timeout.ms", REQUEST_TIMEOUT_MS)
    })?;
    black_out(&link, "source");
    link.assert_each_record_arrives_once()?;
    Ok(())
}
