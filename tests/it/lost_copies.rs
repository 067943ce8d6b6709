//! The target does not hold any more what was copied: positions are kept on the source, so nothing there tells.

use anyhow::Result;

use crate::harness::{SOON, Site, Sites, await_state, copy_of};
use crate::support::config_file::{Config, ConfigFile};
use crate::support::daemon::Daemon;

/// A hundred records in each of two partitions, copied and committed by a process that has ended.
fn copied(setting: Option<(&str, &str)>) -> Result<(Sites, ConfigFile)> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    let mut config = sites.config(&["orders"]);
    if let Some((key, value)) = setting {
        config = config.set(key, value);
    }
    let config = config.write()?;
    let mut daemon = Daemon::start("first", &config)?;
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    Ok((sites, config))
}

fn delete_copy(sites: &mut Sites) -> Result<()> {
    sites.target.client.delete_topic(&copy_of("orders"))
}

#[test]
fn a_copy_that_was_deleted_while_the_mirror_was_down_is_told_and_not_forgotten() -> Result<()> {
    let (mut sites, config) = copied(None)?;
    delete_copy(&mut sites)?;
    for name in ["second", "third"] {
        let mut daemon = Daemon::start(name, &config)?;
        for partition in [0, 1] {
            let reason = await_state(&daemon, "orders", partition, "diverged");
            let words = "does not hold what was copied before position 100";
            assert!(reason.contains(words), "{reason}");
        }
        daemon.terminate(SOON)?;
    }
    assert_eq!(sites.target.client.total_end(&copy_of("orders"))?, 0);
    assert_eq!(sites.committed("orders", 0)?, Some(100));
    Ok(())
}

#[test]
fn with_on_divergence_continue_a_copy_that_was_deleted_is_made_anew_exactly() -> Result<()> {
    let (mut sites, config) = copied(Some(("on_divergence", "continue")))?;
    delete_copy(&mut sites)?;
    let mut daemon = Daemon::start("second", &config)?;
    sites.await_copied("orders");
    sites.write("orders", 100, 50)?;
    sites.await_copied("orders");
    sites.await_committed("orders");
    assert!(daemon.terminate(SOON)?.success());
    let _daemon = Daemon::start("third", &config)?;
    sites.write("orders", 150, 50)?;
    sites.await_committed("orders");
    sites.assert_exact("orders")
}

#[test]
fn an_empty_cluster_at_the_targets_address_is_told() -> Result<()> {
    let (sites, _config) = copied(None)?;
    let empty = Site::start(1)?;
    let (source, target) = (sites.source.bootstrap(), empty.bootstrap());
    let config = Config::mirror(source, target, &["orders"]).write()?;
    let daemon = Daemon::start("second", &config)?;
    let reason = await_state(&daemon, "orders", 0, "diverged");
    assert!(reason.contains("another cluster"), "{reason}");
    Ok(())
}

#[test]
fn a_copy_that_was_cut_back_is_told() -> Result<()> {
    let (mut sites, config) = copied(None)?;
    sites.target.cluster().truncate(&copy_of("orders"), 1, 60)?;
    let daemon = Daemon::start("second", &config)?;
    sites.write("orders", 100, 10)?;
    sites.await_committed("orders");
    let log = daemon.log();
    let told = log.lines().filter(|line| line.contains("has lost records"));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("orders/1") && told[0].contains("\"records\":40"));
    Ok(())
}
