//! I3: a target that stalls under full load makes the source wait, not the memory grow.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::clusters::{Clusters, group};
use crate::load::Load;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

const TOPIC: &str = "orders";
/// Longer than `socket.timeout.ms` by the second that librdkafka looks at it in, and more: what is in flight is always given
/// up and sent again, whose answer is still to come.
const STALL: Duration = Duration::from_secs(65);
const DEADLINE: Duration = Duration::from_secs(180);
/// Records a second of 470 bytes, at least: the stall alone brings more than four times the budget, and no more than a busy
/// machine catches up with in time.
const RATE: usize = 10_000;
const BUDGET: u64 = 64 << 20;
/// What a process of this kind takes beside its budget: code, threads, both clients' metadata and receive buffers, and
/// what the allocator holds on to.
const BESIDE_THE_BUDGET: u64 = 64 << 20;

#[test]
fn a_stalled_target_keeps_memory_within_budget_and_the_member_in_its_group() -> Outcome {
    let mut clusters = Clusters::start()?;
    let mut source = clusters.source.client();
    source.create_topic(TOPIC, 8, &[])?;
    let config = clusters.config(&[TOPIC]).top("memory", "64MiB").write()?;
    let load = Load::start(clusters.source.client(), TOPIC, RATE);
    let daemon = Daemon::start("kmirror", &config)?;
    clusters.await_copied(TOPIC, 40_000, DEADLINE);
    let before = eventually("the group is stable", DEADLINE, || {
        let group = source.group(&group(TOPIC))?;
        ensure!(
            group.state == "Stable" && group.members.len() == 1,
            "{group:?}"
        );
        Ok(group)
    });

    clusters.target.pause()?;
    let most = most_memory_during_the_stall(&daemon)?;
    let after = source.group(&group(TOPIC))?;
    clusters.target.resume()?;
    println!("{} MiB resident at most", most >> 20);
    assert!(
        most <= BUDGET + BESIDE_THE_BUDGET,
        "{} MiB resident with a budget of {} MiB",
        most >> 20,
        BUDGET >> 20
    );
    assert_eq!(after, before, "the member is the one it was");

    load.finish()?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let found = clusters.compare(TOPIC)?;
    assert!(found.is_exact(), "{found}");
    Ok(())
}

/// Looks twice a second; the daemon's own account has to keep the budget as well.
fn most_memory_during_the_stall(daemon: &Daemon) -> Result<u64> {
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < STALL {
        most = most.max(daemon.resident_bytes()?);
        let metrics = daemon.metrics()?;
        let used = metrics
            .sum("kmirror_memory_used_bytes", &[])
            .context("kmirror_memory_used_bytes")?;
        assert!(
            used <= BUDGET as f64,
            "{used} bytes of the budget of {BUDGET} used"
        );
        thread::sleep(Duration::from_millis(500));
    }
    Ok(most)
}
