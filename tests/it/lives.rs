//! A topic of one partition whose log has more than one life: made anew, cut back, deleted on the target.

use anyhow::{Result, ensure};

use crate::harness::{SOON, Sites, copy_of};
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// Creates the topic, and has a daemon copy the first `count` records of it.
pub fn copied(
    mut sites: Sites,
    count: usize,
    setting: Option<(&str, &str)>,
) -> Result<(Sites, ConfigFile, Daemon)> {
    sites.source.client.create_topic("orders", 1, &[])?;
    write(&mut sites, "first", count)?;
    let mut config = sites.config(&["orders"]).set("commit_interval", "100ms");
    if let Some((key, value)) = setting {
        config = config.set(key, value);
    }
    let config = config.write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.await_committed("orders");
    Ok((sites, config, daemon))
}

/// Writes records that tell which life of the log they belong to.
pub fn write(sites: &mut Sites, life: &str, count: usize) -> Result<()> {
    let record = |index| Record::at(1).key(format!("{index}")).value(life);
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    writer.write_all(0, (0..count).map(record), 50, Codec::None)
}

#[track_caller]
pub fn await_copy_end(sites: &mut Sites, end: i64) {
    eventually(&format!("the copy ends at {end}"), SOON, || {
        let copied = sites.target.client.log_end(&copy_of("orders"), 0)?;
        ensure!(copied == end, "{copied}");
        Ok(())
    });
}
