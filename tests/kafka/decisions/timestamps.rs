//! Timestamps far from the present, as far as the target takes them (before KIP-937's limits).

use anyhow::Context;

use super::DEADLINE;
use crate::clusters::Clusters;
use crate::load::now_ms;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::record::Record;

const HALF_AN_HOUR_MS: i64 = 1_800_000;
const YEAR_1970: i64 = 86_400_000;

#[test]
fn timestamps_of_long_ago_none_and_soon_arrive_unchanged_and_leave_the_lag_sane() -> Outcome {
    const TOPIC: &str = "times";
    let clusters = Clusters::shared()?;
    let mut source = clusters.source.client();
    source.create_topic(TOPIC, 1, &[])?;
    let now = now_ms()?;
    let times = [-1, 0, 1, YEAR_1970, now, now + HALF_AN_HOUR_MS];
    let mut writer = Writer::new(&mut source, TOPIC)?;
    for (index, time) in times.into_iter().enumerate() {
        let record = Record::at(time).key(format!("{index}"));
        writer.write(0, &[record], Codec::None)?;
    }
    let config = clusters.config(&[TOPIC]).write()?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    let metrics = daemon.metrics()?;
    let labels = [("topic", TOPIC)];
    let of = |name| {
        metrics
            .sum(name, &labels)
            .with_context(|| format!("no {name}"))
    };
    assert_eq!(of("kmirror_lag_seconds")?, 0.0);
    let count = of("kmirror_replication_latency_seconds_count")?;
    let sum = of("kmirror_replication_latency_seconds_sum")?;
    assert!(
        count <= 6.0 && sum.is_finite() && sum >= 0.0,
        "{count} {sum}"
    );
    Ok(())
}
