//! The source deletes records before they are read (`on_gap`).

use anyhow::ensure;

use super::{DEADLINE, write};
use crate::clusters::{Clusters, copy_of};
use crate::standing::{await_state, skipped};
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

const BEFORE: usize = 1_000;
const AFTER: usize = 500;
/// The first offset that is left of partition 0.
const LEFT_FROM: i64 = 1_300;

#[test]
fn records_deleted_while_the_mirror_is_down_are_counted_exactly_and_the_rest_is_copied() -> Outcome
{
    const TOPIC: &str = "gap-continue";
    let clusters = Clusters::shared()?;
    let mut source = clusters.source.client();
    source.create_topic(TOPIC, 2, &[])?;
    let mut written = write(&clusters, TOPIC, 0, BEFORE)?;
    let config = clusters.config(&[TOPIC]).write()?;
    let mut daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    daemon.terminate(DEADLINE)?;

    written.extend(write(&clusters, TOPIC, BEFORE, AFTER)?);
    source.delete_records_before(TOPIC, 0, LEFT_FROM)?;
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare_with(&written, TOPIC)?;
    let gone = LEFT_FROM as usize - BEFORE;
    assert_eq!(found.lost, gone, "{found}");
    assert!(found.is_exact_but_for_losses(), "{found}");
    assert_eq!(skipped(&daemon, TOPIC, "retention")?, gone as f64);
    assert_eq!(daemon.log().matches("gap: ").count(), 1, "said once");
    Ok(())
}

#[test]
fn on_gap_pause_stops_the_partition_alone_where_the_gap_begins() -> Outcome {
    const TOPIC: &str = "gap-pause";
    let clusters = Clusters::shared()?;
    let mut source = clusters.source.client();
    source.create_topic(TOPIC, 2, &[])?;
    write(&clusters, TOPIC, 0, BEFORE)?;
    let config = clusters.config(&[TOPIC]).set("on_gap", "pause").write()?;
    let mut daemon = Daemon::start("kmirror", &config)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    daemon.terminate(DEADLINE)?;

    write(&clusters, TOPIC, BEFORE, AFTER)?;
    source.delete_records_before(TOPIC, 0, LEFT_FROM)?;
    let daemon = Daemon::start("kmirror", &config)?;
    let reason = await_state(&daemon, (TOPIC, 0), "paused", DEADLINE);
    assert!(
        reason.contains("1000") && reason.contains("1300"),
        "{reason}"
    );
    let mut target = clusters.target.client();
    eventually("the other partition goes on", DEADLINE, || {
        let copied = target.log_end(&copy_of(TOPIC), 1)?;
        ensure!(copied == 1_500, "{copied} records");
        Ok(())
    });
    assert_eq!(target.log_end(&copy_of(TOPIC), 0)?, 1_000);
    assert_eq!(clusters.committed(TOPIC, 0)?, Some(1_000));
    assert_eq!(skipped(&daemon, TOPIC, "retention")?, 0.0);
    Ok(())
}
