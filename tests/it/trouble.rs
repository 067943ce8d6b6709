//! Trouble of one partition: it stops alone, visibly, with the reason.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, await_state, copy_of, metric};
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;

#[test]
fn i9_a_record_that_the_target_refuses_stops_its_partition_alone() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let small = [("max.message.bytes", "10000")];
    sites
        .target
        .client
        .create_topic(&copy_of("orders"), 2, &small)?;
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    let config_small = (0..5).map(|index| Record::at(1).key(format!("{index}")).value("small"));
    writer.write_all(0, config_small, 5, Codec::None)?;
    let config = sites
        .config(&["orders"])
        .set("compression", "none")
        .write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    writer.write(0, &[Record::at(2).value(vec![b'x'; 20_000])], Codec::None)?;
    let reason = await_state(&daemon, "orders", 0, "rejected");
    assert!(reason.contains("offset 5"), "{reason}");
    assert!(reason.contains("too large"), "{reason}");
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    let others = (0..50).map(|index| {
        Record::at(3)
            .key(format!("{index}"))
            .value("other partition")
    });
    writer.write_all(1, others, 10, Codec::None)?;
    await_end(&mut sites, 1, 50);
    assert_eq!(sites.target.client.log_end(&copy_of("orders"), 0)?, 5);
    eventually(
        "the position stands before the refused record",
        SOON,
        || {
            let committed = sites.committed("orders", 0)?;
            ensure!(committed == Some(5), "{committed:?}");
            Ok(())
        },
    );
    assert_eq!(metric(&daemon, "kmirror_lag_records", "orders")?, 1.0);
    Ok(())
}

#[track_caller]
fn await_end(sites: &mut Sites, partition: i32, end: i64) {
    let client = &mut sites.target.client;
    let what = format!("partition {partition} has {end} records");
    eventually(&what, SOON, || {
        let copied = client.log_end(&copy_of("orders"), partition)?;
        ensure!(copied == end, "{copied}");
        Ok(())
    });
}
