//! What arrives: every record, unchanged, in order, at its partition.

use anyhow::Result;

use crate::harness::Sites;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::workload;

#[test]
fn i2_every_partition_arrives_in_order_at_the_same_number() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 8, &[])?;
    sites.write("orders", 0, 10_000)?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("orders");
    sites.assert_exact("orders")
}

#[test]
fn i4_keys_values_headers_and_timestamps_arrive_unchanged() -> Result<()> {
    let mut sites = Sites::start()?;
    let codecs = [
        ("plain", Codec::None),
        ("gzip", Codec::Gzip),
        ("snappy", Codec::Snappy),
        ("lz4", Codec::Lz4),
        ("zstd", Codec::Zstd),
    ];
    for (topic, codec) in codecs {
        let client = &mut sites.source.client;
        client.create_topic(topic, 2, &[])?;
        let mut writer = Writer::new(client, topic)?;
        for partition in 0..2 {
            writer.write_all(partition, workload::mixed(partition, 3_000), 100, codec)?;
        }
    }
    let config = sites.config(&[".*"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    for (topic, _) in codecs {
        sites.await_copied(topic);
        sites.assert_exact(topic)?;
    }
    Ok(())
}

#[test]
fn i4_the_sources_append_time_arrives_as_the_timestamp() -> Result<()> {
    let mut sites = Sites::start()?;
    let append_time = [("message.timestamp.type", "LogAppendTime")];
    sites
        .source
        .client
        .create_topic("stamped", 1, &append_time)?;
    sites.write("stamped", 0, 1_000)?;
    let config = sites.config(&["stamped"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("stamped");
    sites.assert_exact("stamped")
}

#[test]
fn records_of_eight_megabytes_arrive() -> Result<()> {
    let mut sites = Sites::start()?;
    let raised = [("max.message.bytes", "20000000")];
    sites.source.client.create_topic("large", 1, &raised)?;
    let mut writer = Writer::new(&mut sites.source.client, "large")?;
    writer.write_all(0, workload::large(), 1, Codec::None)?;
    let config = sites.config(&["large"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_copied("large");
    sites.assert_exact("large")
}
