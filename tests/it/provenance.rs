//! Clusters that hold the same topics: no record returns to where it came from, and none arrives twice.

use anyhow::{Result, ensure};
use kmirror_broker::Api;

use crate::control::await_config;
use crate::harness::{SOON, Site};
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::decode::Stored;
use crate::support::ledger::Writer;
use crate::support::record::Record;
use crate::support::wait::eventually;
use crate::support::workload;

const NAMES: [&str; 3] = ["paris", "dublin", "oslo"];

const HEADER: &str = "kmirror.source";

/// Records written on each cluster, apart from those of the others.
const RECORDS: usize = 300;

/// Mirrors between `sites`, given as pairs of their numbers, that keep the names of topics.
fn config(sites: &[Site], mirrors: &[(usize, usize)]) -> Result<ConfigFile> {
    let clusters = sites.iter().zip(NAMES).map(|(site, name)| {
        let servers = site.bootstrap();
        format!("  {name}: {{ bootstrap_servers: {servers:?} }}\n")
    });
    let mirrors = mirrors.iter().map(|(from, to)| {
        let (source, target) = (NAMES[*from], NAMES[*to]);
        format!(
            "  - {{ source: {source}, target: {target}, topics: [orders], target_topic: '{{topic}}', \
             provenance: header, discovery_interval: 500ms, commit_interval: 100ms }}\n"
        )
    });
    let (clusters, mirrors): (String, String) = (clusters.collect(), mirrors.collect());
    ConfigFile::of(&format!(
        "clusters:\n{clusters}mirrors:\n{mirrors}http: {{ listen: '127.0.0.1:0' }}\nlog: {{ format: json }}\n"
    ))
}

fn sites(count: usize) -> Result<Vec<Site>> {
    let sites = (0..count).map(|_| Site::start(1));
    sites.collect()
}

/// Writes the records that are this cluster's own.
fn write(site: &mut Site, number: usize) -> Result<()> {
    let first = number * RECORDS;
    let records = (first..first + RECORDS).map(|index| workload::typical(0, index));
    Writer::new(&mut site.client, "orders")?.write_all(0, records, 100, Codec::Lz4)?;
    Ok(())
}

/// Every record that a cluster holds.
fn read(site: &mut Site) -> Result<Vec<Record>> {
    let end = site.client.log_end("orders", 0)?;
    let mut records = Vec::new();
    let each = |stored: Stored| records.push(stored.record);
    site.client.read("orders", 0, 0..end, each)?;
    Ok(records)
}

/// Waits until a mirror has committed everything that its source holds.
#[track_caller]
fn await_committed(sites: &mut [Site], from: usize, to: usize) {
    let group = format!("kmirror.{}-{}.orders", NAMES[from], NAMES[to]);
    let client = &mut sites[from].client;
    eventually(&format!("{group} has read everything"), SOON, || {
        let lag = client.group_lag(&group, "orders")?;
        ensure!(lag == 0, "lag {lag}");
        Ok(())
    });
}

#[test]
fn in_a_full_mesh_each_cluster_has_each_record_once() -> Result<()> {
    let mut sites = sites(3)?;
    let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
    let mesh: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    for site in &mut sites {
        site.client.create_topic("orders", 1, &[])?;
    }
    let _daemon = Daemon::start("daemon", &config(&sites, &mesh)?)?;
    for (number, site) in sites.iter_mut().enumerate() {
        write(site, number)?;
    }
    for site in &mut sites {
        eventually("all records have arrived", SOON, || {
            let held = site.client.total_end("orders")?;
            ensure!(held >= 3 * RECORDS as i64, "{held}");
            Ok(())
        });
    }
    // Whatever came last was looked at in every direction, and nothing came of it.
    for (from, to) in mesh {
        await_committed(&mut sites, from, to);
    }
    for site in &mut sites {
        let records = read(site)?.into_iter();
        let mut values: Vec<_> = records.map(|record| record.value).collect();
        values.sort();
        let held = values.len();
        values.dedup();
        assert_eq!((held, values.len()), (3 * RECORDS, 3 * RECORDS));
    }
    Ok(())
}

#[test]
fn a_record_says_which_clusters_it_came_through() -> Result<()> {
    let mut sites = sites(3)?;
    sites[0].client.create_topic("orders", 1, &[])?;
    write(&mut sites[0], 0)?;
    let _daemon = Daemon::start("daemon", &config(&sites, &[(0, 1), (1, 2)])?)?;
    let last = &mut sites[2];
    eventually("the records went all the way", SOON, || {
        let held = last.client.total_end("orders")?;
        ensure!(held == RECORDS as i64, "{held}");
        Ok(())
    });
    for (index, record) in read(last)?.into_iter().enumerate() {
        let written = workload::typical(0, index);
        let stamped = written.header(HEADER, "paris").header(HEADER, "dublin");
        assert_eq!(record, stamped);
    }
    Ok(())
}

#[test]
fn configs_that_differ_end_as_those_of_the_first_cluster() -> Result<()> {
    let mut sites = sites(3)?;
    for (site, retention) in sites.iter_mut().zip(["1000000", "2000000", "3000000"]) {
        let own = [("retention.ms", retention)];
        site.client.create_topic("orders", 1, &own)?;
    }
    let ways = [(0, 1), (1, 0), (2, 1), (1, 2), (2, 0), (0, 2)];
    let _daemon = Daemon::start("daemon", &config(&sites, &ways)?)?;
    let [first, second, third] = &mut sites[..] else {
        unreachable!("there are three sites");
    };
    for site in [&mut *second, &mut *third] {
        await_config(&mut site.client, "orders", "retention.ms", "1000000");
    }
    // An operator's change at the first cluster reaches the others, and one elsewhere reaches nobody.
    let changed = [("retention.ms", "4000000")];
    second
        .client
        .set_topic_configs("orders", &[("retention.ms", "5000000")])?;
    first.client.set_topic_configs("orders", &changed)?;
    for site in [second, third] {
        await_config(&mut site.client, "orders", "retention.ms", "4000000");
    }
    let altered = first.cluster().requests(Api::IncrementalAlterConfigs);
    assert_eq!(altered, 1, "by this test only");
    Ok(())
}
