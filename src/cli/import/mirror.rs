//! Maps one flow to a mirror.

use super::draft::{Mapping, Mirror, Value};
use super::flow_settings::{FlowSettings, written};
use super::flows::{Flow, Flows, writes_heartbeats};
use super::{groups, takeover, topic_configs, topics};
use crate::config::defaults;

/// The mirror as kmirror has it; what is wrong is noted in the settings.
pub(super) fn mirror(own: &FlowSettings<'_>, flows: &Flows) -> Mirror {
    let Flow { source, target } = own.flow;
    let mut keys = Mapping::default();
    takeover::map(own, flows, &mut keys);
    if !flows.is_dedicated {
        keys.comment("What MirrorCheckpointConnector and MirrorHeartbeatConnector did stands in files of theirs: see groups, exclude_groups, sync_group_offsets, checkpoint_interval and heartbeats.");
    }
    topics::map(own, &mut keys);
    start(own, &mut keys);
    isolation(own, &mut keys);
    replication_factor(own, &mut keys);
    sync(own, &mut keys);
    topic_configs::map(own, &mut keys);
    groups::map(own, &mut keys);
    discovery(own, &mut keys);
    heartbeats(own, flows, &mut keys);
    compression(own, &mut keys);
    // The name of a mirror, part of those of its groups, has no dot.
    let has_dot = source.contains('.') || target.contains('.');
    let name = has_dot.then(|| format!("{source}-{target}").replace('.', "_"));
    Mirror {
        name,
        source: source.clone(),
        target: target.clone(),
        keys,
    }
}

fn start(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let Some(setting) = own.of_consumer("auto.offset.reset") else {
        return;
    };
    match setting.value().to_lowercase().as_str() {
        "earliest" => setting.default(),
        "latest" => {
            setting.carried();
            keys.set("start", Value::Bare("latest".to_owned()));
        }
        _ => {
            setting.left("a mirror starts at `earliest`, `latest` or a time: `start` on the mirror")
        }
    }
}

/// Printed where MirrorMaker 2 reads all records, which is its default: so the outcome is the same, and records that it copied
/// and did not store are known again, those of aborted transactions too.
fn isolation(own: &FlowSettings<'_>, keys: &mut Mapping) {
    match own.of_consumer("isolation.level") {
        Some(setting) if setting.value() == "read_committed" => return setting.default(),
        Some(setting) if setting.value() == "read_uncommitted" => setting.carried(),
        Some(setting) => {
            return setting.wrong(
                "is no isolation level",
                "write `read_committed` or `read_uncommitted`",
            );
        }
        None => {}
    }
    keys.comment(
        "As MirrorMaker 2 read: records of aborted transactions are copied, too. Without this line they are not, and what MirrorMaker 2 had copied of them behind its last offset sync makes the mirror repeat records once.",
    );
    keys.set("isolation", Value::Bare("read_uncommitted".to_owned()));
}

fn replication_factor(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let Some(setting) = own.get(&["replication.factor"]) else {
        return;
    };
    match setting.value().parse::<i32>() {
        Ok(-1) => setting.default(),
        Ok(factor @ 1..=32767) => {
            setting.carried();
            keys.set("replication_factor", Value::Bare(factor.to_string()));
        }
        _ => setting.wrong(
            "is no number of replicas",
            "write a number from 1, or -1 for the broker's own",
        ),
    }
}

fn sync(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let configs = own.switch("sync.topic.configs.enabled", true);
    configs.settled(configs.is_on);
    if !configs.is_on {
        keys.set("sync_topic_configs", false);
    }
    // MirrorSourceConfig.SYNC_TOPIC_ACLS_ENABLED_DEFAULT
    let acls = own.switch("sync.topic.acls.enabled", true);
    acls.settled(!acls.is_on);
    if acls.is_on {
        keys.set("sync_acls", true);
    }
}

fn discovery(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let refresh = own.switch("refresh.topics.enabled", true);
    let interval = own.interval("refresh.topics.interval.seconds");
    if let (Some(setting), false) = (&refresh.setting, refresh.is_on) {
        setting.left(
            "new topics are always looked for: name those to be mirrored in full under `topics`",
        );
        if let Some(interval) = interval {
            interval
                .setting
                .left("not in use: `refresh.topics.enabled` is false");
        }
        return;
    }
    refresh.settled(true);
    if let Some(interval) = interval {
        let is_default = interval.length == defaults::DISCOVERY_INTERVAL;
        interval.setting.settled(is_default);
        if !is_default {
            keys.comment(
                "Also how soon new partitions and changed configs are seen; the default is 2s.",
            );
            keys.set("discovery_interval", Value::Bare(written(interval.length)));
        }
    }
}

fn heartbeats(own: &FlowSettings<'_>, flows: &Flows, keys: &mut Mapping) {
    let emit = own.switch("emit.heartbeats.enabled", true);
    emit.settled(emit.is_on);
    let interval = own.interval("emit.heartbeats.interval.seconds");
    if !emit.is_on {
        keys.set("heartbeats", "off");
        if let Some(interval) = interval {
            interval.setting.left("not in use: there are no heartbeats");
        }
        return;
    }
    let back = own.flow.reverse();
    let is_written_to = flows.writes_to(&back.target);
    if flows.is_dedicated && !is_written_to && writes_heartbeats(&back, own.settings) {
        keys.comment(format!(
            "MirrorMaker 2 wrote heartbeats to {} as well, unless it was started with --clusters {}; `heartbeats: both` does the same.",
            back.target, back.source
        ));
    }
    if let Some(interval) = interval {
        let is_default = interval.length == defaults::HEARTBEAT_INTERVAL;
        interval.setting.settled(is_default);
        if !is_default {
            keys.set("heartbeat_interval", Value::Bare(written(interval.length)));
        }
    }
}

fn compression(own: &FlowSettings<'_>, keys: &mut Mapping) {
    let Some(setting) = own.of_producer("compression.type") else {
        return;
    };
    match setting.value() {
        "lz4" => setting.default(),
        codec @ ("none" | "gzip" | "snappy" | "zstd") => {
            setting.carried();
            keys.set("compression", Value::Bare(codec.to_owned()));
        }
        _ => setting.wrong(
            "is no codec",
            "write `none`, `gzip`, `snappy`, `lz4` or `zstd`",
        ),
    }
}
