//! Writes down what a round that failed left on both clusters, for whoever looks for the cause.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use kmirror_broker::{Api, Cluster};

use crate::harness::{Sites, copy_of};
use crate::support::client::Client;
use crate::support::ledger::Ledger;

/// Topic of the offset maps.
const MAPS: &str = "__kmirror_offsets";

/// Writes `<path>-<what>.txt` for the copies of `topics`, the offset maps and both journals.
pub fn write(sites: &mut Sites, topics: &[&str], path: &str) -> Result<()> {
    let save = |what: &str, text: String| {
        let file = format!("{path}-{what}.txt");
        fs::write(&file, text).with_context(|| file)
    };
    for topic in topics {
        save(topic, copies(sites, topic)?)?;
    }
    save("maps", maps(&mut sites.target.client)?)?;
    save("source", journal(sites.source.cluster()))?;
    save("target", journal(sites.target.cluster()))
}

/// Of each partition, which stretches of the source stand where, and which producer wrote each batch.
fn copies(sites: &mut Sites, topic: &str) -> Result<String> {
    let copy = copy_of(topic);
    sites.source.client.forget_leaders(topic);
    sites.target.client.forget_leaders(&copy);
    let source = Ledger::read(&mut sites.source.client, topic)?;
    let target = Ledger::read(&mut sites.target.client, &copy)?;
    let mut text = String::new();
    for (partition, (source, target)) in
        source.partitions.iter().zip(&target.partitions).enumerate()
    {
        let places: HashMap<u64, i64> =
            source.iter().map(|one| (one.content, one.offset)).collect();
        let batches = sites
            .target
            .client
            .headers(&copy, i32::try_from(partition)?)?;
        writeln!(
            text,
            "== {topic}/{partition}: {} records, {} copied",
            source.len(),
            target.len()
        )?;
        let mut furthest = -1;
        for batch in batches {
            let within = batch.base..batch.base + batch.records;
            let stands = target.iter().filter(|one| within.contains(&one.offset));
            let of: Vec<i64> = stands
                .map(|one| places.get(&one.content).copied().unwrap_or(-1))
                .collect();
            let (first, last) = (
                of.first().copied().unwrap_or(-1),
                of.last().copied().unwrap_or(-1),
            );
            let again = if first <= furthest { " AGAIN" } else { "" };
            furthest = furthest.max(last);
            writeln!(
                text,
                "target {}..{} source {first}..{} producer {} epoch {} sequence {}{again}",
                within.start,
                within.end,
                last + 1,
                batch.producer,
                batch.epoch,
                batch.sequence
            )?;
        }
    }
    Ok(text)
}

/// Every record of the offset maps, in the order of their partitions.
fn maps(client: &mut Client) -> Result<String> {
    let mut text = String::new();
    client.forget_leaders(MAPS);
    for partition in 0..client.partitions(MAPS)? {
        let held = client.log_start(MAPS, partition)?..client.log_end(MAPS, partition)?;
        client.read(MAPS, partition, held, |stored| {
            let key = stored.record.key.as_deref().unwrap_or_default();
            let value = stored.record.value.as_deref().map(chunk);
            let _ = writeln!(
                text,
                "{} {} {}@{} {}",
                stored.record.timestamp,
                String::from_utf8_lossy(key),
                partition,
                stored.offset,
                value.unwrap_or_else(|| "forgotten".to_owned())
            );
        })?;
    }
    Ok(text)
}

/// A chunk in words.
fn chunk(value: &[u8]) -> String {
    let mut rest = value.get(2..).unwrap_or_default();
    let mut next = || {
        let (mut number, mut shift) = (0_i64, 0);
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            number |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        (number, rest.len())
    };
    let mut skip_id = || {
        let (length, _) = next();
        for _ in 0..length {
            // Ids are ASCII: each byte is a number of its own.
            next();
        }
    };
    skip_id();
    skip_id();
    let mut number = || next().0;
    let (epoch, from, reach, target_from, runs) =
        (number() - 1, number(), number(), number(), number());
    let mut text = format!(
        "epoch {epoch} source {from}..{} from target {target_from}:",
        from + reach
    );
    let (mut source, mut target) = (from, target_from);
    for _ in 0..runs {
        source += number();
        target += number();
        let length = number();
        let _ = write!(text, " {source}->{target}x{length}");
        source += length;
        target += length;
    }
    text
}

fn journal(cluster: &Cluster) -> String {
    let mut text = String::new();
    for entry in cluster.journal() {
        if matches!(entry.api, Api::Fetch | Api::Metadata | Api::ApiVersions) {
            continue;
        }
        let _ = writeln!(
            text,
            "{} -> {} {:?} {} node {} connection {} error {:?} fault {:?} {:?} {:?} {} {:?}",
            ms(Some(entry.arrived)),
            ms(entry.answered),
            entry.api,
            entry.client_id,
            entry.node,
            entry.connection,
            entry.error,
            entry.fault,
            entry.topics,
            entry.groups,
            entry.member,
            entry
                .commits
                .iter()
                .map(|one| (one.partition, one.offset, one.taken))
                .collect::<Vec<_>>(),
        );
    }
    text
}

fn ms(time: Option<SystemTime>) -> String {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(|| "never".to_owned(), |since| since.as_millis().to_string())
}
