//! Tells what a cluster was asked, and how it stands.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::answer::{Told, tell};
use super::ask::Ask;
use super::names;
use super::ops::{Op, now};
use crate::cluster::{AdminError, Cluster};
use crate::journal::{Commit, Entry};

/// How many entries of the journal are told unless the line says.
const LAST: usize = 100;

pub(super) const OPS: &[Op] = &[
    now("journal", &[], &["api", "last"], journal),
    now("requests", &["api"], &[], |cluster, ask| {
        tell("requests", cluster.requests(names::api(ask.text("api")?)?))
    }),
    now("bootstrap_servers", &[], &[], |cluster, _| {
        tell("bootstrap_servers", cluster.bootstrap_servers())
    }),
    now("seed", &[], &[], |cluster, _| tell("seed", cluster.seed())),
    now("live_nodes", &[], &[], |cluster, _| {
        tell("nodes", cluster.live_nodes())
    }),
    now("leader", &["topic", "partition"], &[], leader),
    now("log", &["topic", "partition"], &[], log),
    now("members", &["group"], &[], |cluster, ask| {
        tell("members", cluster.members(ask.text("group")?))
    }),
    now(
        "committed",
        &["group", "topic", "partition"],
        &[],
        |cluster, ask| {
            let (group, topic) = (ask.text("group")?, ask.text("topic")?);
            tell(
                "offset",
                cluster.committed(group, topic, ask.number("partition")?),
            )
        },
    ),
    now("coordinator", &["group"], &[], |cluster, ask| {
        tell("node", cluster.coordinator(ask.text("group")?))
    }),
];

fn journal(cluster: &Cluster, ask: &Ask) -> Told {
    let api = ask.maybe_text("api")?.map(names::api).transpose()?;
    let last = ask.maybe_number("last")?.unwrap_or(LAST);
    let entries = cluster.journal().into_iter().rev();
    let wanted = entries.filter(|entry| api.is_none_or(|api| entry.api == api));
    let mut entries: Vec<Value> = wanted.take(last).map(|entry| describe(&entry)).collect();
    entries.reverse();
    tell("entries", entries)
}

/// What an entry has; what it has not is left out.
fn describe(entry: &Entry) -> Value {
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
    put("api", format!("{:?}", entry.api).into());
    put("version", entry.version.into());
    put("client_id", entry.client_id.clone().into());
    put("node", entry.node.into());
    put("connection", entry.connection.into());
    put("arrived_ms", millis(entry.arrived).into());
    if let Some(answered) = entry.answered {
        put("answered_ms", millis(answered).into());
    }
    if let Some(code) = entry.error {
        put(
            "error",
            names::error_name(code).map_or(code.into(), Value::String),
        );
    }
    if let Some(fault) = entry.fault {
        put("fault", fault.into());
    }
    if !entry.topics.is_empty() {
        let topics = entry.topics.iter();
        put(
            "topics",
            topics
                .map(|(name, partitions)| (name.clone(), json!(partitions)))
                .collect(),
        );
    }
    if !entry.groups.is_empty() {
        put("groups", json!(entry.groups));
    }
    if !entry.member.is_empty() {
        put("member", entry.member.clone().into());
    }
    if !entry.transactional_ids.is_empty() {
        put("transactional_ids", json!(entry.transactional_ids));
    }
    if !entry.commits.is_empty() {
        let commits = entry.commits.iter();
        let commit = |it: &Commit| json!({"topic": it.topic, "partition": it.partition, "offset": it.offset, "taken": it.taken});
        put("commits", commits.map(commit).collect());
    }
    Value::Object(told)
}

fn millis(time: SystemTime) -> u64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn leader(cluster: &Cluster, ask: &Ask) -> Told {
    let (topic, partition) = (ask.text("topic")?, ask.number("partition")?);
    let epoch = cluster
        .leader_epoch(topic, partition)
        .ok_or_else(|| AdminError::no_partition(topic, partition))?;
    let mut told = tell("node", cluster.leader(topic, partition))?;
    told.insert("epoch".to_owned(), epoch.into());
    Ok(told)
}

fn log(cluster: &Cluster, ask: &Ask) -> Told {
    let (topic, partition) = (ask.text("topic")?, ask.number("partition")?);
    let no_partition = || AdminError::no_partition(topic, partition);
    let start = cluster
        .log_start(topic, partition)
        .ok_or_else(no_partition)?;
    let mut told = tell("start", start)?;
    let mut put = |name: &str, offset: Option<i64>| told.insert(name.to_owned(), offset.into());
    put("end", cluster.log_end(topic, partition));
    put("stable", cluster.last_stable(topic, partition));
    Ok(told)
}
