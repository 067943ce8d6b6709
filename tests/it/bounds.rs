//! What memory is bound by: the budget, whatever the target does.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, budget, copy_of, group_of, metric};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const RECORDS: usize = 25_000;

#[test]
fn i3_a_stalled_target_stops_the_reading_and_the_member_stays() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 4, &[])?;
    sites.write("orders", 0, 100)?;
    let config = sites.config(&["orders"]).top("memory", "16MiB").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.target.stop();
    // 47 MB of values, eleven times the budget of records in flight.
    sites.write("orders", 100, RECORDS)?;
    let member = sites.source.client.group(&group_of("orders"))?.members;
    eventually("the budget is nearly used", SOON, || {
        let (used, budget) = budget(&daemon)?;
        ensure!(used <= budget, "{used} of {budget} bytes used");
        ensure!(used > budget * 0.7, "{used} of {budget} bytes used");
        Ok(())
    });
    eventually("the lag is seen in full while nothing moves", SOON, || {
        let lag = metric(&daemon, "kmirror_lag_records", "orders")?;
        ensure!(lag == (4 * RECORDS) as f64, "{lag}");
        let (used, budget) = budget(&daemon)?;
        assert!(used <= budget, "{used} of {budget} bytes used");
        Ok::<_, anyhow::Error>(())
    });
    assert_eq!(
        sites.source.client.group(&group_of("orders"))?.members,
        member
    );
    sites.target.restart()?;
    sites.await_committed("orders");
    sites.assert_exact("orders")?;
    let copied = sites.target.client.total_end(&copy_of("orders"))?;
    assert_eq!(copied, 4 * (100 + RECORDS as i64));
    Ok(())
}
