//! Drives what happens by the passing of time alone: sessions, rebalances, retention.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::state::Shared;

/// How often groups look for expired sessions and for rebalances whose time is up.
const GROUPS: Duration = Duration::from_millis(50);

/// Runs until the sender of `stop` is dropped.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<()>) {
    let check = shared
        .lock()
        .configs
        .number("log.retention.check.interval.ms");
    let mut groups = every(GROUPS);
    let mut retention = every(Duration::from_millis(check.unsigned_abs()));
    loop {
        tokio::select! {
            _ = groups.tick() => shared.lock().groups.tick(Instant::now()),
            _ = retention.tick() => shared.lock().enforce_retention(),
            _ = stop.changed() => return,
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
