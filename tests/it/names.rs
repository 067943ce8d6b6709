//! Under which names copies go where, when several sources or mirrors share a target.

use anyhow::{Context, Result, ensure};

use crate::harness::{SOON, Site, Sites, await_ready};
use crate::support::cli::kmirror_on;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Ledger;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// Clusters by name, and mirrors as flow mappings.
fn config(clusters: &[(&str, &Site)], mirrors: &[&str]) -> Result<ConfigFile> {
    let mut yaml = "clusters:\n".to_owned();
    for (name, site) in clusters {
        yaml += &format!(
            "  {name}: {{ bootstrap_servers: {:?} }}\n",
            site.bootstrap()
        );
    }
    yaml += "mirrors:\n";
    for mirror in mirrors {
        yaml += &format!("  - {{ {mirror}, heartbeats: 'off', discovery_interval: 500ms }}\n");
    }
    yaml += "http: { listen: \"127.0.0.1:0\" }\nlog: { format: json }\n";
    ConfigFile::of(&yaml)
}

/// Writes records whose keys say where they were written.
fn write(client: &mut Client, topic: &str, partition: i32, name: &str) -> Result<()> {
    let records: Vec<_> = (0..50)
        .map(|number| Record::at(1_700_000_000_000).key(format!("{name} {number}")))
        .collect();
    client.produce(topic, partition, &records, Codec::None)?;
    Ok(())
}

/// The numbers that each writer's records carry in one partition, in the order of the log.
fn numbers_of(client: &mut Client, topic: &str, partition: i32, name: &str) -> Result<Vec<usize>> {
    let end = client.log_end(topic, partition)?;
    let mut numbers = Vec::new();
    client.read(topic, partition, 0..end, |stored| {
        let key = stored.record.key.unwrap_or_default();
        let key = String::from_utf8_lossy(&key).into_owned();
        let number = key.strip_prefix(name).map(str::trim);
        numbers.extend(number.and_then(|number| number.parse::<usize>().ok()));
    })?;
    Ok(numbers)
}

#[track_caller]
fn await_records(client: &mut Client, topic: &str, records: i64) {
    eventually(&format!("{topic} has {records} records"), SOON, || {
        let end = client.total_end(topic)?;
        ensure!(end >= records, "{end}");
        Ok(())
    });
}

#[test]
fn topics_of_several_sources_flow_into_one_each_in_order() -> Result<()> {
    let [mut paris, mut oslo, mut central] = [Site::start(1)?, Site::start(1)?, Site::start(1)?];
    for (site, name, partitions) in [(&mut paris, "paris", 2), (&mut oslo, "oslo", 2)] {
        site.client.create_topic("orders", partitions, &[])?;
        for partition in 0..partitions {
            write(&mut site.client, "orders", partition, name)?;
        }
    }
    let clusters = [("paris", &paris), ("oslo", &oslo), ("central", &central)];
    let into = "target: central, target_topic: 'all.{topic}'";
    let mirrors = [
        format!("source: paris, {into}"),
        format!("source: oslo, {into}"),
    ];
    let config = config(&clusters, &mirrors.each_ref().map(String::as_str))?;
    let _daemon = Daemon::start("daemon", &config)?;
    await_records(&mut central.client, "all.orders", 200);
    for partition in 0..2 {
        for name in ["paris", "oslo"] {
            let numbers = numbers_of(&mut central.client, "all.orders", partition, name)?;
            assert!(
                numbers.iter().copied().eq(0..50),
                "{name} {partition}: {numbers:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn all_topics_flow_into_one_with_the_partitions_of_the_largest() -> Result<()> {
    let [mut paris, mut central] = [Site::start(1)?, Site::start(1)?];
    for (topic, partitions) in [("orders", 1), ("payments", 3)] {
        paris.client.create_topic(topic, partitions, &[])?;
        for partition in 0..partitions {
            write(&mut paris.client, topic, partition, topic)?;
        }
    }
    let clusters = [("paris", &paris), ("central", &central)];
    let mirror = "source: paris, target: central, target_topic: gathered";
    let config = config(&clusters, &[mirror])?;
    let daemon = Daemon::start("daemon", &config)?;
    await_records(&mut central.client, "gathered", 200);
    assert_eq!(central.client.visible_topics()?, ["gathered"]);
    assert_eq!(central.client.partitions("gathered")?, 3);
    for (topic, partitions) in [("orders", 0..1), ("payments", 0..3)] {
        for partition in partitions {
            let numbers = numbers_of(&mut central.client, "gathered", partition, topic)?;
            assert!(
                numbers.iter().copied().eq(0..50),
                "{topic} {partition}: {numbers:?}"
            );
        }
    }
    await_ready(&daemon, 200);
    // One that comes later, and is larger, lets the copy grow.
    paris.client.create_topic("visits", 5, &[])?;
    write(&mut paris.client, "visits", 4, "visits")?;
    await_records(&mut central.client, "gathered", 250);
    let numbers = numbers_of(&mut central.client, "gathered", 4, "visits")?;
    assert!(numbers.iter().copied().eq(0..50), "{numbers:?}");
    Ok(())
}

#[test]
fn patterns_that_select_nothing_are_told_until_a_topic_comes() -> Result<()> {
    let mut sites = Sites::start()?;
    let config = sites.config(&["orders"]).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    await_ready(&daemon, 200);
    let words = "no topic of source is selected";
    let notices =
        || -> Result<String> { Ok(daemon.status()?["mirrors"][0]["notices"].to_string()) };
    eventually("the status says so", SOON, || {
        let notices = notices()?;
        ensure!(notices.contains(words), "{notices}");
        Ok(())
    });
    let ended = kmirror_on(config.path(), &["status"])?;
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    sites.source.client.create_topic("orders", 1, &[])?;
    eventually("the status says so no more", SOON, || {
        let notices = notices()?;
        ensure!(notices == "[]", "{notices}");
        Ok(())
    });
    let log = daemon.log();
    let said = log.lines().filter(|line| line.contains(words));
    assert_eq!(said.count(), 1);
    let ended = kmirror_on(config.path(), &["status"])?;
    assert!(!ended.stdout.contains(words), "{}", ended.stdout);
    Ok(())
}

#[test]
fn a_mirror_whose_target_is_down_holds_up_no_other() -> Result<()> {
    let [mut paris, mut dublin, mut oslo] = [Site::start(1)?, Site::start(1)?, Site::start(1)?];
    paris.client.create_topic("orders", 1, &[])?;
    let clusters = [("paris", &paris), ("dublin", &dublin), ("oslo", &oslo)];
    let mirrors = [
        "source: paris, target: dublin",
        "source: paris, target: oslo",
    ];
    let config = config(&clusters, &mirrors)?;
    let daemon = Daemon::start("daemon", &config)?;
    write(&mut paris.client, "orders", 0, "before")?;
    await_records(&mut dublin.client, "paris.orders", 50);
    await_records(&mut oslo.client, "paris.orders", 50);
    dublin.stop();
    // More than the budget takes: what waits for one target must leave room for the other.
    let value = vec![b'x'; 64 << 10];
    let records = 2_000;
    for first in (0..records).step_by(10) {
        let some: Vec<_> = (first..first + 10)
            .map(|number| {
                Record::at(1_700_000_000_000)
                    .key(format!("{number}"))
                    .value(value.clone())
            })
            .collect();
        paris.client.produce("orders", 0, &some, Codec::None)?;
    }
    await_records(&mut oslo.client, "paris.orders", 50 + records);
    let status = daemon.status()?;
    let states = status["mirrors"].as_array().context("no mirrors")?;
    let running = states.iter().find(|mirror| mirror["name"] == "paris-oslo");
    assert_eq!(running.context("no such mirror")?["state"], "running");
    dublin.restart()?;
    await_records(&mut dublin.client, "paris.orders", 50 + records);
    let written = Ledger::read(&mut paris.client, "orders")?;
    for site in [&mut dublin, &mut oslo] {
        let copied = Ledger::read(&mut site.client, "paris.orders")?;
        assert_eq!(written.differs_from(&copied), None);
    }
    Ok(())
}
