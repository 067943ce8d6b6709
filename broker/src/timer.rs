//! Drives what happens by the passing of time alone: sessions, rebalances, transactions, retention.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::state::Shared;

/// How often it is looked for expired sessions, and for rebalances and transactions whose time is up.
const COORDINATORS: Duration = Duration::from_millis(50);

/// Runs until the sender of `stop` is dropped.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<()>) {
    let check = shared
        .lock()
        .configs
        .number("log.retention.check.interval.ms");
    let mut coordinators = every(COORDINATORS);
    let mut retention = every(Duration::from_millis(check.unsigned_abs()));
    loop {
        tokio::select! {
            _ = coordinators.tick() => shared.lock().tick(Instant::now().into_std()),
            _ = retention.tick() => shared.lock().enforce_retention(),
            _ = stop.changed() => return,
        }
    }
}

/// Longer than any cluster lives here, and short enough to be added to a time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The first time after one period: a cluster that comes back with old records keeps them for a while, as Kafka does.
fn every(period: Duration) -> Interval {
    let period = period.min(LONGEST);
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
