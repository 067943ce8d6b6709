//! A source log that is another one and long enough, of which neither topic ids nor leader epochs tell: the newest record that
//! was copied does, when a partition begins.

use anyhow::Result;

use crate::harness::{SOON, Sites, await_state, copy_of, group_of};
use crate::lives::{self, await_copy_end, write};
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;

/// While no process ran, the source was restored to the first 60 of the 100 records that were copied, and has outgrown them in
/// the same leader epoch.
fn outgrown(setting: Option<(&str, &str)>) -> Result<(Sites, ConfigFile, Daemon)> {
    let (mut sites, config, mut daemon) = lives::copied(Sites::start()?, 100, setting)?;
    daemon.terminate(SOON)?;
    sites.source.cluster().restore("orders", 0, 60)?;
    write(&mut sites, "second", 500)?;
    let daemon = Daemon::start("later", &config)?;
    Ok((sites, config, daemon))
}

/// 100 records are copied, and this happens to the source's log while no process runs.
fn goes_on_after(
    happens: impl Fn(&mut Sites) -> Result<()>,
) -> Result<(Sites, ConfigFile, Daemon)> {
    let (mut sites, config, mut daemon) = lives::copied(Sites::start()?, 100, None)?;
    daemon.terminate(SOON)?;
    happens(&mut sites)?;
    let daemon = Daemon::start("later", &config)?;
    Ok((sites, config, daemon))
}

#[test]
fn a_restored_source_that_outgrew_its_past_in_the_same_epoch_stops_its_partition() -> Result<()> {
    let (mut sites, config, mut daemon) = outgrown(None)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("another record at offset 99"), "{reason}");
    daemon.terminate(SOON)?;
    let daemon = Daemon::start("later still", &config)?;
    await_state(&daemon, "orders", 0, "diverged");
    assert_eq!(sites.target.client.log_end(&copy_of("orders"), 0)?, 100);
    assert_eq!(sites.committed("orders", 0)?, Some(100));
    Ok(())
}

#[test]
fn on_divergence_continue_copies_a_log_from_its_beginning_where_nothing_tells_since_when_it_is_another()
-> Result<()> {
    let (mut sites, _config, daemon) = outgrown(Some(("on_divergence", "continue")))?;
    await_copy_end(&mut sites, 100 + 560);
    await_state(&daemon, "orders", 0, "running");
    let told = "copying the source's log from its beginning";
    assert!(daemon.log().contains(told), "it is not told");
    sites.await_committed("orders");
    Ok(())
}

#[test]
fn an_operator_who_commits_the_position_has_the_new_log_copied_from_there() -> Result<()> {
    let (mut sites, config, mut daemon) = outgrown(None)?;
    await_state(&daemon, "orders", 0, "diverged");
    daemon.terminate(SOON)?;
    let client = &mut sites.source.client;
    client.commit(&group_of("orders"), "orders", 0, 100)?;
    let daemon = Daemon::start("told", &config)?;
    await_copy_end(&mut sites, 100 + 460);
    await_state(&daemon, "orders", 0, "running");
    Ok(())
}

#[test]
fn where_the_newest_record_that_was_copied_was_compacted_away_the_partition_goes_on() -> Result<()>
{
    let (mut sites, _config, daemon) = goes_on_after(|sites| {
        // The same keys.
        write(sites, "second", 100)?;
        Ok(sites.source.cluster().compact("orders")?)
    })?;
    await_copy_end(&mut sites, 200);
    await_state(&daemon, "orders", 0, "running");
    Ok(())
}

#[test]
fn where_it_was_deleted_the_partition_goes_on() -> Result<()> {
    let (mut sites, _config, daemon) = goes_on_after(|sites| {
        sites.source.cluster().delete_records("orders", 0, 100)?;
        write(sites, "second", 50)
    })?;
    await_copy_end(&mut sites, 150);
    await_state(&daemon, "orders", 0, "running");
    Ok(())
}

#[test]
fn where_it_is_the_last_one_and_was_compacted_away_what_comes_is_copied() -> Result<()> {
    let (mut sites, _config, daemon) = goes_on_after(|sites| {
        write(sites, "second", 100)?;
        sites.source.cluster().compact("orders")?;
        Ok(sites.source.cluster().restore("orders", 0, 100)?)
    })?;
    await_state(&daemon, "orders", 0, "running");
    write(&mut sites, "third", 50)?;
    await_copy_end(&mut sites, 150);
    Ok(())
}
