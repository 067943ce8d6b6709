//! One direction between two clusters: what is copied, under which name, and what happens in trouble.

use std::num::NonZeroU16;
use std::time::Duration;

use super::choices::{Compression, ConsumerGroups, Heartbeats, OnDivergence, OnGap, OnRejected};
use super::name_filter::NameFilter;
use super::start::Start;
use super::topic_name::TopicTemplate;

/// One direction between two clusters.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Names groups, internal topics and metrics. Default: `<source>-<target>`. Holds no `.`: with one, the groups
    /// `kmirror.<mirror>.<topic>` of two mirrors could be the same.
    pub name: String,
    /// Key under `clusters` to read from. Required.
    pub source: String,
    /// Key under `clusters` to write to. Required.
    pub target: String,
    /// Which source topics are mirrored: `topics`, default `[".*"]`, without `exclude_topics`, default Kafka's and
    /// MirrorMaker 2's internal topics.
    pub topics: NameFilter,
    /// Name of a topic on the target. Default: `{source}.{topic}`, which can neither collide nor run in a circle.
    pub target_topic: TopicTemplate,
    /// Where a partition without a committed position begins. Default: earliest, so that nothing is left out.
    pub start: Start,
    /// One group per topic or one for the whole mirror. Default: per topic.
    pub consumer_groups: ConsumerGroups,
    /// Whether missing target topics are created, with the source's partition count. Default: true.
    pub create_topics: bool,
    /// Replicas of each partition of created topics, 1 to 32767. Default: the target broker's
    /// `default.replication.factor`.
    pub replication_factor: Option<NonZeroU16>,
    /// Whether target partitions follow the source's growth. Default: true: without it, records of new partitions
    /// have no place to go.
    pub sync_partitions: bool,
    /// Whether topic configs follow the source. Default: true.
    pub sync_topic_configs: bool,
    /// Whether topic ACLs follow the source. Default: false: who may read a copy is for its cluster to say.
    pub sync_acls: bool,
    /// Topic configs left alone. Default: MirrorMaker 2's list, what belongs to the one cluster and not to the data.
    pub exclude_configs: Vec<String>,
    /// Consumer groups whose offsets are translated: `groups`, default `[".*"]`, without `exclude_groups`, default
    /// those of consoles, connectors and kmirror.
    pub groups: NameFilter,
    /// Whether translated offsets are written to the target's groups, idle ones only and forward only. Default: true.
    pub sync_group_offsets: bool,
    /// Time between two looks at topics, partitions and configs, 1 ms to 24 h. Default: 2 s, one metadata request
    /// each.
    pub discovery_interval: Duration,
    /// Time between two commits of the acknowledged prefix, 1 ms to 24 h. Default: 1 s. What a crash repeats is at
    /// most what was acknowledged in this time.
    pub commit_interval: Duration,
    /// Time between two checkpoints of the groups, 1 ms to 24 h. Default: 5 s.
    pub checkpoint_interval: Duration,
    /// Where heartbeats are written. Default: on the target, which leaves the source untouched.
    pub heartbeats: Heartbeats,
    /// Time between two heartbeats, 1 ms to 24 h. Default: 1 s.
    pub heartbeat_interval: Duration,
    /// Codec of the copy. Default: LZ4, the least CPU for its ratio.
    pub compression: Compression,
    /// What happens when source data vanished before it was read. Default: count it and go on, since waiting does
    /// not bring it back.
    pub on_gap: OnGap,
    /// What happens when the source log was cut back or recreated. Default: pause, since the copy holds what the
    /// source no longer does.
    pub on_divergence: OnDivergence,
    /// What happens when the target refuses a record for good. Default: pause, since going on would skip it.
    pub on_rejected: OnRejected,
}

impl Mirror {
    /// The cluster that `topic` came from by its name, when that forbids to mirror it: MirrorMaker 2's rule against
    /// circles. A mirror whose names begin with `{source}.` leaves out what passed through its target or its source
    /// before, at any hop: `dublin.paris.orders` goes neither to Paris nor to Dublin.
    pub fn came_from(&self, topic: &str) -> Option<&str> {
        if !self.target_topic.begins_with_source() {
            return None;
        }
        let hops = [&self.target, &self.source].map(String::as_str);
        hops.into_iter().find(|cluster| has_hop(topic, cluster))
    }
}

/// Whether `topic` carries the prefix of `cluster`, in front or behind other prefixes.
fn has_hop(topic: &str, cluster: &str) -> bool {
    format!(".{topic}").contains(&format!(".{cluster}."))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::parse;

    #[test]
    fn what_passed_through_either_end_is_not_mirrored() {
        let clusters =
            "{ paris: { bootstrap_servers: 'p:1' }, dublin: { bootstrap_servers: 'd:1' } }";
        for (template, topic, cluster) in [
            ("{source}.{topic}", "orders", None),
            ("{source}.{topic}", "dublin.orders", Some("dublin")),
            ("{source}.{topic}", "oslo.dublin.orders", Some("dublin")),
            ("{source}.{topic}", "paris.orders", Some("paris")),
            ("{source}.{topic}", "oslo.orders", None),
            ("{source}.{topic}", "dublin", None),
            ("{source}.{topic}", "orders.dublin", None),
            ("{source}.{topic}", "dublin-2.orders", None),
            ("{source}.{topic}", "new-dublin.orders", None),
            ("{topic}", "dublin.orders", None),
        ] {
            let mirror = format!("{{ source: paris, target: dublin, target_topic: '{template}' }}");
            let text = format!("clusters: {clusters}\nmirrors: [{mirror}]");
            let config = parse(&text, &|_| None, Path::new("")).unwrap();
            assert_eq!(
                config.mirrors[0].came_from(topic),
                cluster,
                "{template} {topic}"
            );
        }
    }
}
