//! Carries the controls of a cluster over to lines: a line has the name and the parameters of the method.

use std::time::Duration;

use super::answer::{Wrong, done, tell};
use super::ask::Ask;
use super::names;
use super::ops::{Op, later, now};
use crate::clock::ClockOffset;

pub(super) const OPS: &[Op] = &[
    now(
        "create_topic",
        &["topic", "partitions"],
        &["configs"],
        |cluster, ask| {
            let configs = ask.maybe_texts("configs")?;
            cluster.create_topic(ask.text("topic")?, ask.number("partitions")?, &configs)?;
            done()
        },
    ),
    now("delete_topic", &["topic"], &[], |cluster, ask| {
        cluster.delete_topic(ask.text("topic")?)?;
        done()
    }),
    now("recreate_topic", &["topic"], &[], |cluster, ask| {
        cluster.recreate_topic(ask.text("topic")?)?;
        done()
    }),
    now(
        "add_partitions",
        &["topic", "count"],
        &[],
        |cluster, ask| {
            let partitions = cluster.add_partitions(ask.text("topic")?, ask.number("count")?)?;
            tell("partitions", partitions)
        },
    ),
    now(
        "move_leader",
        &["topic", "partition", "node"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            cluster.move_leader(topic, partition, ask.number("node")?)?;
            done()
        },
    ),
    now("shuffle_leaders", &[], &[], |cluster, _| {
        cluster.shuffle_leaders()?;
        done()
    }),
    now(
        "set_leaderless",
        &["topic", "partition"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            cluster.set_leaderless(topic, partition)?;
            done()
        },
    ),
    later("stop_node", &["node"], &[], |cluster, ask| {
        Box::pin(async move {
            cluster.stop_node(ask.number("node")?).await?;
            done()
        })
    }),
    later("start_node", &["node"], &[], |cluster, ask| {
        Box::pin(async move {
            cluster.start_node(ask.number("node")?).await?;
            done()
        })
    }),
    now("lose_data", &["node"], &[], |cluster, ask| {
        cluster.lose_data(ask.number("node")?)?;
        done()
    }),
    now(
        "truncate",
        &["topic", "partition", "offset"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            cluster.truncate(topic, partition, ask.number("offset")?)?;
            done()
        },
    ),
    now(
        "restore",
        &["topic", "partition", "offset"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            cluster.restore(topic, partition, ask.number("offset")?)?;
            done()
        },
    ),
    now(
        "delete_records",
        &["topic", "partition", "offset"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            let start = cluster.delete_records(topic, partition, ask.number("offset")?)?;
            tell("start", start)
        },
    ),
    now("compact", &["topic"], &[], |cluster, ask| {
        cluster.compact(ask.text("topic")?)?;
        done()
    }),
    now("enforce_retention", &[], &[], |cluster, _| {
        cluster.enforce_retention();
        done()
    }),
    now(
        "forget_producers",
        &["topic", "partition"],
        &[],
        |cluster, ask| {
            let (topic, partition) = partition(ask)?;
            cluster.forget_producers(topic, partition)?;
            done()
        },
    ),
    now(
        "move_coordinator",
        &["group", "node"],
        &[],
        |cluster, ask| {
            cluster.move_coordinator(ask.text("group")?, ask.number("node")?)?;
            done()
        },
    ),
    now(
        "expire_member",
        &["group", "member"],
        &[],
        |cluster, ask| {
            cluster.expire_member(ask.text("group")?, ask.text("member")?)?;
            done()
        },
    ),
    now("expire_members", &["group"], &[], |cluster, ask| {
        cluster.expire_members(ask.text("group")?)?;
        done()
    }),
    now("force_rebalance", &["group"], &[], |cluster, ask| {
        cluster.force_rebalance(ask.text("group")?)?;
        done()
    }),
    now("bump_generation", &["group"], &[], |cluster, ask| {
        cluster.bump_generation(ask.text("group")?)?;
        done()
    }),
    now(
        "fence_producer",
        &["transactional_id"],
        &[],
        |cluster, ask| {
            cluster.fence_producer(ask.text("transactional_id")?)?;
            done()
        },
    ),
    now(
        "expire_transaction",
        &["transactional_id"],
        &[],
        |cluster, ask| {
            cluster.expire_transaction(ask.text("transactional_id")?)?;
            done()
        },
    ),
    now("set_disk_full", &["full"], &[], |cluster, ask| {
        cluster.set_disk_full(ask.flag("full")?);
        done()
    }),
    now("set_clock_offset", &["ms"], &[], |cluster, ask| {
        let ms: i64 = ask.number("ms")?;
        let by = Duration::from_millis(ms.unsigned_abs());
        cluster.set_clock_offset(match ms {
            ..0 => ClockOffset::Behind(by),
            _ => ClockOffset::Ahead(by),
        });
        done()
    }),
    now("cap_versions", &["api", "max"], &[], |cluster, ask| {
        cluster.cap_versions(names::api(ask.text("api")?)?, ask.number("max")?)?;
        done()
    }),
];

fn partition(ask: &Ask) -> Result<(&str, i32), Wrong> {
    Ok((ask.text("topic")?, ask.number("partition")?))
}
