//! Two real clusters share a copy on a third: each group reads on where it was, by what is told of its own source.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{DEADLINE, await_coordinator};
use crate::broker::KafkaBroker;
use crate::clusters::Clusters;
use crate::support::checkpoints;
use crate::support::cli::kmirror_on;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::copied::Copied;
use crate::support::daemon::Daemon;
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::positions;
use crate::support::wait::eventually;
use crate::support::workload;

const TOPIC: &str = "aggregated";
const COPY: &str = "all.aggregated";
/// Records of each source before the kill, and after it.
const RECORDS: usize = 10_000;
/// One group in so many is asked about by `kmirror translate`, a command each.
const TRANSLATED_EVERY: usize = 50;

/// One of the sources, with what was written to it.
struct Source {
    name: &'static str,
    client: Client,
    written: Ledger,
}

impl Source {
    fn new(name: &'static str, broker: &KafkaBroker) -> Result<Self> {
        let mut client = broker.client();
        client.create_topic(TOPIC, 1, &[])?;
        Ok(Self {
            name,
            client,
            written: Ledger::empty(1),
        })
    }

    /// Writes records, numbered from `first`, none of which is one of another source.
    fn write(&mut self, first: usize) -> Result<()> {
        let name = self.name;
        let records = (first..first + RECORDS)
            .map(|index| workload::typical(0, index).header("written to", name));
        let mut writer = Writer::new(&mut self.client, TOPIC)?;
        writer.write_all(0, records, 100, Codec::Lz4)?;
        let written = writer.written;
        self.written.extend(written);
        Ok(())
    }

    #[track_caller]
    fn await_caught_up(&mut self) {
        let group = format!("kmirror.{}-target.{TOPIC}", self.name);
        eventually(&format!("{} is committed", self.name), DEADLINE, || {
            let lag = self.client.group_lag(&group, TOPIC)?;
            ensure!(lag == 0, "{lag} records behind");
            Ok(())
        });
    }
}

fn config(sources: &[Source], target: &Client) -> Result<ConfigFile> {
    let mut yaml = "clusters:\n".to_owned();
    let clusters = sources.iter().map(|source| (source.name, &source.client));
    for (name, client) in clusters.chain([("target", target)]) {
        let servers = client.bootstrap();
        yaml += &format!("  {name}: {{ bootstrap_servers: {servers:?} }}\n");
    }
    yaml += "mirrors:\n";
    for source in sources {
        yaml += &format!(
            "  - {{ source: {}, target: target, topics: [{TOPIC}], target_topic: 'all.{{topic}}', heartbeats: 'off', \
             checkpoint_interval: 1s }}\n",
            source.name
        );
    }
    yaml += "http: { listen: '127.0.0.1:0' }\nlog: { format: json }\n";
    ConfigFile::of(&yaml)
}

/// Where `kmirror translate` has a group of a source go on.
fn translated(file: &ConfigFile, source: &Source, group: &str) -> Result<Option<i64>> {
    let mirror = format!("{}-target", source.name);
    let arguments = ["translate", "--json", "--mirror", &mirror, "--group", group];
    let ended = kmirror_on(file.path(), &arguments)?;
    ensure!(ended.code == Some(0), "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout)?;
    let row = &told["partitions"][0];
    ensure!(row["exact"] == true, "{told}");
    Ok(row["target_offset"].as_i64())
}

/// # Panics
/// When one of many groups at any place of the source would not read exactly the records of it that it has not read.
fn assert_groups_read_on(
    file: &ConfigFile,
    source: &mut Source,
    target: &mut Client,
    copied: &Copied,
) -> Result<()> {
    await_coordinator(&mut source.client, source.name);
    let positions = positions::commit(&mut source.client, source.name, &[(TOPIC, 0)])?;
    let topic = format!("{}.checkpoints.internal", source.name);
    let told = eventually("all groups are published", DEADLINE, || {
        let told = checkpoints::read(target, &topic).context("none")?;
        let missing = positions.len() - told.len();
        ensure!(missing == 0, "{missing} are missing");
        Ok(told)
    });
    for (number, (group, place)) in positions.iter().enumerate() {
        let checkpoint = &told[&(group.clone(), COPY.to_owned(), 0)];
        assert_eq!(checkpoint.upstream, place[0], "{group}");
        copied.assert_reads_on(group, place[0], checkpoint.downstream);
        if number % TRANSLATED_EVERY == 0 {
            let translated = translated(file, source, group)?;
            assert_eq!(translated, Some(checkpoint.downstream), "{group}");
        }
        // A group of the same name may read elsewhere on the other source.
        let moved = target.committed(group, COPY, 0)?;
        assert_eq!(moved, None, "{group} is left alone on the target");
    }
    Ok(())
}

#[test]
fn i5_each_group_of_two_sources_of_one_copy_reads_on_where_it_was_after_a_kill() -> Outcome {
    let clusters = Clusters::shared()?;
    let other = KafkaBroker::start("other source broker")?;
    let mut target = clusters.target.client();
    let mut sources = [
        Source::new("first", &clusters.source)?,
        Source::new("second", &other)?,
    ];
    sources.iter_mut().try_for_each(|source| source.write(0))?;
    let file = config(&sources, &target)?;
    let mut killed = Daemon::start("killed", &file)?;
    eventually("the copy has begun", DEADLINE, || {
        let copied = target.total_end(COPY)?;
        ensure!(copied > 0, "{copied} records");
        Ok(())
    });
    killed.kill()?;
    let _daemon = Daemon::start("restarted", &file)?;
    for source in &mut sources {
        source.write(RECORDS)?;
    }
    sources.iter_mut().for_each(Source::await_caught_up);
    let copy = Ledger::read(&mut target, COPY)?;
    for source in &mut sources {
        let written = &source.written.partitions[0];
        // Whatever nobody could tell from the other's records after the kill is there twice.
        let copied = Copied::of_entries(written, &copy.partitions[0]);
        copied.assert_holds(written.iter().map(|entry| entry.offset));
        assert_groups_read_on(&file, source, &mut target, &copied)?;
    }
    Ok(())
}
