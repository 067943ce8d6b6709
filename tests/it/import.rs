//! A mirror takes over where MirrorMaker 2 stopped, by what that one left in its topics.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const PROGRESS: &str = "mm2-offsets.source.internal";
const SYNCS: &str = "mm2-offset-syncs.target.internal";

/// Records on the source.
const WRITTEN: usize = 3_000;

/// The source holds records of which MirrorMaker 2 has copied some.
struct Stopped {
    sites: Sites,
    config: ConfigFile,
}

impl Stopped {
    /// It has copied the first `copied` of them, and stored that it had come to the one before `stored`.
    fn after(copied: usize, stored: usize) -> Result<Self> {
        let mut sites = Sites::start()?;
        sites.source.client.create_topic("orders", 1, &[])?;
        let records = (0..WRITTEN).map(|number| workload::typical(0, number));
        Writer::new(&mut sites.source.client, "orders")?.write_all(0, records, 300, Codec::Lz4)?;
        sites
            .target
            .client
            .create_topic(&copy_of("orders"), 1, &[])?;
        let records = (0..copied).map(|number| workload::typical(0, number));
        let mut copy = Writer::new(&mut sites.target.client, &copy_of("orders"))?;
        copy.write_all(0, records, 300, Codec::Lz4)?;
        sites.target.client.create_topic(PROGRESS, 5, &[])?;
        sites.source.client.create_topic(SYNCS, 1, &[])?;
        let config = sites
            .config(&["orders"])
            .set("import_from", "mirrormaker2")
            .write()?;
        let mut stopped = Self { sites, config };
        stopped.store(stored)?;
        Ok(stopped)
    }

    /// As Kafka Connect does it.
    fn store(&mut self, next: usize) -> Result<()> {
        let key =
            r#"["MirrorSourceConnector",{"cluster":"source","partition":0,"topic":"orders"}]"#;
        let value = format!(r#"{{"offset":{}}}"#, next - 1);
        let record = Record::at(1_700_000_000_000).key(key).value(value);
        self.sites
            .target
            .client
            .produce(PROGRESS, 3, &[record], Codec::None)?;
        Ok(())
    }

    /// As MirrorMaker 2 does it.
    fn sync(&mut self, source: i64, target: i64) -> Result<()> {
        let value = [source.to_be_bytes(), target.to_be_bytes()].concat();
        let key = b"\0\x06orders\0\0\0\0".to_vec();
        let record = Record::at(1_700_000_000_000).key(key).value(value);
        self.sites
            .source
            .client
            .produce(SYNCS, 0, &[record], Codec::None)?;
        Ok(())
    }
}

#[test]
fn each_record_is_there_once_although_more_was_copied_than_stored() -> Result<()> {
    let mut stopped = Stopped::after(2_000, 1_500)?;
    for offset in [0, 700, 1_400, 1_990] {
        stopped.sync(offset, offset)?;
    }
    let mut daemon = Daemon::start("first", &stopped.config)?;
    stopped.sites.await_committed("orders");
    stopped.sites.assert_exact("orders")?;
    // From now on it is kmirror's own position that counts.
    assert_eq!(daemon.terminate(SOON)?.code(), Some(0));
    stopped.store(10)?;
    let _daemon = Daemon::start("second", &stopped.config)?;
    stopped.sites.write("orders", WRITTEN, 100)?;
    stopped.sites.await_committed("orders");
    stopped.sites.assert_exact("orders")
}

#[test]
fn without_a_note_of_both_sides_nothing_is_lost() -> Result<()> {
    let mut stopped = Stopped::after(2_000, 1_500)?;
    let _daemon = Daemon::start("daemon", &stopped.config)?;
    stopped.sites.await_committed("orders");
    let comparison = stopped.sites.assert_exact_but_for_replays("orders")?;
    assert_eq!(comparison.duplicated, 500, "{comparison:#?}");
    Ok(())
}

#[test]
fn a_copy_that_is_not_what_was_noted_is_told_and_nothing_is_lost() -> Result<()> {
    let mut stopped = Stopped::after(2_000, 1_500)?;
    stopped.sync(1_400, 1_399)?;
    let daemon = Daemon::start("daemon", &stopped.config)?;
    stopped.sites.await_committed("orders");
    let comparison = stopped.sites.assert_exact_but_for_replays("orders")?;
    assert_eq!(comparison.duplicated, 500, "{comparison:#?}");
    assert!(daemon.log().contains("records may be repeated"));
    Ok(())
}

#[test]
fn progress_that_is_not_there_holds_the_partition_with_the_remedy() -> Result<()> {
    let mut stopped = Stopped::after(2_000, 1_500)?;
    stopped.sites.target.client.delete_topic(PROGRESS)?;
    let daemon = Daemon::start("daemon", &stopped.config)?;
    let told = await_state(&daemon, "orders", 0, "paused");
    assert!(
        told.contains(PROGRESS) && told.contains("import_offsets_topic"),
        "{told}"
    );
    stopped.sites.target.client.create_topic(PROGRESS, 5, &[])?;
    stopped.store(1_500)?;
    stopped.sync(1_400, 1_400)?;
    eventually("it goes on by itself", SOON, || {
        let lag = stopped
            .sites
            .source
            .client
            .group_lag("kmirror.source-target.orders", "orders")?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
    stopped.sites.assert_exact("orders")
}
