//! One direction between two clusters: what is copied, under which name, and what happens in trouble. Defaults and their
//! reasons are in `keys`.

use std::num::{NonZeroU8, NonZeroU16};
use std::time::Duration;

use super::choices::{
    Compression, ConsumerGroups, Heartbeats, ImportFrom, Isolation, OnDivergence, OnGap,
    OnRejected, Provenance,
};
use super::heartbeat;
use super::name_filter::NameFilter;
use super::neighbours::Neighbours;
use super::start::Start;
use super::topic_name::TopicTemplate;

/// One direction between two clusters.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Names groups, internal topics and metrics. Holds no `.`: with one, the groups `kmirror.<mirror>.<topic>` of two
    /// mirrors could be the same.
    pub name: String,
    /// Key under `clusters` to read from. Required.
    pub source: String,
    /// Key under `clusters` to write to. Required.
    pub target: String,
    /// Which source topics are mirrored: `topics` without `exclude_topics`.
    pub topics: NameFilter,
    /// Name of a topic on the target. [`Mirror::target_name`] applies it.
    pub target_topic: TopicTemplate,
    /// Whether records say in a header which clusters they came through, and stay away from those.
    pub provenance: Provenance,
    /// Where a partition without a committed position begins.
    pub start: Start,
    /// Whether partitions without a committed position go on where another deployment stopped.
    pub import_from: Option<ImportFrom>,
    /// The topic on the target with that deployment's progress; with `import_from` only.
    pub import_offsets_topic: Option<String>,
    /// Which records of transactions are copied.
    pub isolation: Isolation,
    /// One group per topic or one for the whole mirror.
    pub consumer_groups: ConsumerGroups,
    /// Consumers of this process in the mirror's one group, 1 to 64; with [`ConsumerGroups::Shared`] only.
    pub consumers: NonZeroU8,
    /// Whether missing target topics are created, with the source's partition count.
    pub create_topics: bool,
    /// Replicas of each partition of created topics, 1 to 32767.
    pub replication_factor: Option<NonZeroU16>,
    /// Whether target partitions follow the source's growth.
    pub sync_partitions: bool,
    /// Whether topic configs follow the source.
    pub sync_topic_configs: bool,
    /// Whether topic ACLs follow the source; an error where topics may share a copy.
    pub sync_acls: bool,
    /// Topic configs left alone.
    pub exclude_configs: Vec<String>,
    /// Consumer groups whose offsets are translated: `groups` without `exclude_groups`.
    pub groups: NameFilter,
    /// Whether translated offsets are written to the target's groups, idle ones only and forward only.
    pub sync_group_offsets: bool,
    /// Time between two looks at topics, partitions and configs, 1 ms to 24 h.
    pub discovery_interval: Duration,
    /// Time between two commits of the acknowledged prefix, 1 ms to 24 h. Where others write the copy, too, a crash
    /// repeats what was acknowledged in this time and what was in flight.
    pub commit_interval: Duration,
    /// Time between two checkpoints of the groups, 1 ms to 24 h.
    pub checkpoint_interval: Duration,
    /// Whether MirrorMaker 2 could go on where this mirror is: at each checkpoint its offset syncs are written, on the
    /// source, and its progress, on the target.
    pub mm2_offset_syncs: bool,
    /// Where heartbeats are written.
    pub heartbeats: Heartbeats,
    /// Time between two heartbeats, 1 ms to 24 h.
    pub heartbeat_interval: Duration,
    /// Codec of the copy.
    pub compression: Compression,
    /// What happens when source data vanished before it was read.
    pub on_gap: OnGap,
    /// What happens when the source log was cut back or recreated.
    pub on_divergence: OnDivergence,
    /// What happens when the target refuses a record for good.
    pub on_rejected: OnRejected,
    /// What the other mirrors of the file write into the same target. Not written in the file.
    pub(super) neighbours: Neighbours,
}

impl Mirror {
    /// Whether the source topic `topic` is mirrored, as far as its name tells: it is selected by the patterns, or carries
    /// heartbeats. The latter are mirrored whatever the patterns say, unless they come from the target or are off, and
    /// by the first of several mirrors between the same clusters only.
    pub fn selects(&self, topic: &str) -> bool {
        match self.heartbeats != Heartbeats::Off && heartbeat::is_heartbeat_topic(topic) {
            true => self.carries_heartbeats() && self.came_from(topic).is_none(),
            false => self.topics.matches(topic),
        }
    }

    /// Whether the copies of the source's heartbeat topics are this mirror's to make.
    pub fn carries_heartbeats(&self) -> bool {
        self.heartbeats != Heartbeats::Off && !self.neighbours.has_twin()
    }

    /// The name of `topic` on the target. Heartbeat topics get the source's name in front whatever the template says, as
    /// they do under MirrorMaker 2's `IdentityReplicationPolicy`: it is by these names that the topology is read. The
    /// result may be longer than Kafka allows: see [`validate_topic_name`](super::validate_topic_name).
    pub fn target_name(&self, topic: &str) -> String {
        match heartbeat::is_heartbeat_topic(topic) {
            true => format!("{}.{topic}", self.source),
            false => self.target_topic.render(&self.source, topic),
        }
    }

    /// Whether nobody but this mirror writes the copy of `topic`, as far as names tell. Heartbeats are written beside it
    /// as long as the source has none.
    pub fn is_only_writer(&self, topic: &str) -> bool {
        self.target_topic.tells_topics_apart() && !heartbeat::is_heartbeat_topic(topic)
    }

    /// The topic on the target that tells how far the deployment had come that is taken over from.
    pub fn import_offsets_topic(&self) -> String {
        let named = self.import_offsets_topic.clone();
        named.unwrap_or_else(|| format!("mm2-offsets.{}.internal", self.source))
    }

    /// Whether the configs of `topic` decide those of its copy: not when a mirror that stands earlier in the file copies
    /// into the same topic, since the two would undo each other's changes; nor when configs would come back to the cluster
    /// where they began, among clusters that hold the same topics.
    pub fn owns_configs(&self, topic: &str) -> bool {
        let copy = self.target_name(topic);
        let in_circle = match copy == topic {
            true => self.neighbours.rules_in_circle(topic),
            false => None,
        };
        in_circle.unwrap_or_else(|| !self.neighbours.writes_earlier(&copy))
    }

    /// Whether copies of records of `topic` get a header that names the source.
    pub fn tells_origin(&self, topic: &str) -> bool {
        self.provenance == Provenance::Header && !heartbeat::is_heartbeat_topic(topic)
    }

    /// The clusters, by every name that the file has for them, whose records are left out of the copy of `topic`: the
    /// target itself, and those from which another mirror copies the same topic to the target. None without
    /// `provenance: header`.
    pub fn origins_left_out(&self, topic: &str) -> Vec<&str> {
        match self.tells_origin(topic) {
            true => self.neighbours.origins_left_out(topic),
            false => Vec::new(),
        }
    }

    /// The cluster that `topic` came from by its name, when that forbids to mirror it: MirrorMaker 2's rule against
    /// circles. A mirror whose names begin with `{source}.` leaves out what passed through its target or its source
    /// before, at any hop: `dublin.paris.orders` goes neither to Paris nor to Dublin.
    pub fn came_from(&self, topic: &str) -> Option<&str> {
        if !self.target_topic.begins_with_source() && !heartbeat::is_heartbeat_topic(topic) {
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
    use crate::config::bad_input_tests::parse_text;
    use crate::config::{Mirror, bad_input_tests::CLUSTERS};

    /// The mirrors of a file, each given as a flow mapping.
    fn mirrors(entries: &[&str]) -> Vec<Mirror> {
        let text = format!("{CLUSTERS}\nmirrors:\n  - {}\n", entries.join("\n  - "));
        parse_text(&text).expect("a valid file").mirrors
    }

    fn mirror(more: &str) -> Mirror {
        mirrors(&[&format!("{{ source: paris, target: dublin{more} }}")]).remove(0)
    }

    #[test]
    fn what_passed_through_either_end_is_not_mirrored() {
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
            ("{topic}", "dublin.heartbeats", Some("dublin")),
        ] {
            let mirror = mirror(&format!(", target_topic: '{template}'"));
            assert_eq!(mirror.came_from(topic), cluster, "{template} {topic}");
        }
    }
    #[test]
    fn heartbeats_are_mirrored_whatever_the_patterns_say() {
        for (more, topic, selected) in [
            (", topics: [orders]", "heartbeats", true),
            (", topics: [orders]", "oslo.heartbeats", true),
            (", topics: [orders]", "orders", true),
            (", topics: [orders]", "payments", false),
            ("", "dublin.heartbeats", false),
            (", target_topic: '{topic}'", "oslo.dublin.heartbeats", false),
            (", topics: [orders], heartbeats: 'off'", "heartbeats", false),
            (", heartbeats: 'off'", "heartbeats", true),
        ] {
            assert_eq!(mirror(more).selects(topic), selected, "{more} {topic}");
        }
    }

    #[test]
    fn of_two_mirrors_between_the_same_clusters_the_first_carries_heartbeats() {
        let all = mirrors(&[
            "{ name: silent, source: paris, target: dublin, topics: [x], heartbeats: 'off' }",
            "{ name: first, source: paris, target: dublin, topics: [orders] }",
            "{ name: second, source: paris, target: dublin, topics: [payments] }",
            "{ source: dublin, target: paris }",
        ]);
        let carriers = all.iter().filter(|mirror| mirror.carries_heartbeats());
        let carriers: Vec<_> = carriers.map(|mirror| mirror.name.as_str()).collect();
        assert_eq!(carriers, ["first", "dublin-paris"]);
        assert!(!all[2].selects("heartbeats") && all[2].selects("payments"));
    }

    #[test]
    fn heartbeats_carry_the_sources_name_under_every_template() {
        for template in ["{source}.{topic}", "{topic}", "all.{topic}", "all"] {
            let mirror = mirror(&format!(", target_topic: '{template}'"));
            assert_eq!(mirror.target_name("heartbeats"), "paris.heartbeats");
            assert_eq!(
                mirror.target_name("oslo.heartbeats"),
                "paris.oslo.heartbeats"
            );
            assert!(!mirror.is_only_writer("heartbeats"));
        }
        assert_eq!(mirror(", target_topic: all").target_name("orders"), "all");
    }

    #[test]
    fn only_the_first_of_several_mirrors_into_one_topic_decides_its_configs() {
        let all = mirrors(&[
            "{ source: paris, target: dublin, topics: [orders], target_topic: 'all.{topic}' }",
            "{ source: oslo, target: dublin, target_topic: 'all.{topic}' }",
            "{ name: gathered, source: oslo, target: dublin, topics: [clicks], target_topic: 'paris.x' }",
            "{ name: more, source: paris, target: dublin, topics: [x] }",
            "{ source: dublin, target: paris }",
        ]);
        let owns = |place: usize, topic: &str| all[place].owns_configs(topic);
        assert!(owns(0, "orders"));
        assert!(!owns(1, "orders") && owns(1, "payments"));
        assert!(owns(2, "clicks") && !owns(3, "x"));
        assert!(owns(4, "orders"));
    }

    const NAMES_KEPT: &str = "target_topic: '{topic}', provenance: header";

    #[test]
    fn in_a_full_mesh_a_record_takes_the_direct_way_only() {
        let ends = ["paris", "dublin", "oslo"];
        let pairs = ends
            .iter()
            .flat_map(|from| ends.iter().map(move |to| (*from, *to)));
        let entries: Vec<_> = pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| format!("{{ source: {from}, target: {to}, {NAMES_KEPT} }}"))
            .collect();
        let entries: Vec<_> = entries.iter().map(String::as_str).collect();
        for mirror in mirrors(&entries) {
            let [target, other] = match (mirror.source.as_str(), mirror.target.as_str()) {
                ("paris", "dublin") => ["dublin", "oslo"],
                ("paris", "oslo") => ["oslo", "dublin"],
                ("dublin", "paris") => ["paris", "oslo"],
                ("dublin", "oslo") => ["oslo", "paris"],
                ("oslo", "paris") => ["paris", "dublin"],
                _ => ["dublin", "paris"],
            };
            assert_eq!(
                mirror.origins_left_out("orders"),
                [target, other],
                "{}",
                mirror.name
            );
            assert_eq!(mirror.origins_left_out("heartbeats"), [""; 0]);
        }
    }

    #[test]
    fn a_record_is_left_out_only_where_the_direct_way_takes_it() {
        let last = format!("{{ source: dublin, target: oslo, {NAMES_KEPT} }}");
        for (others, left_out) in [
            // No direct way.
            (
                vec![format!("{{ source: paris, target: dublin, {NAMES_KEPT} }}")],
                vec!["oslo"],
            ),
            // One that does not take the topic, that does not say where records come from, that begins later.
            (
                vec![format!(
                    "{{ source: paris, target: oslo, topics: [x], {NAMES_KEPT} }}"
                )],
                vec!["oslo"],
            ),
            (
                vec!["{ source: paris, target: oslo, target_topic: '{topic}' }".to_owned()],
                vec!["oslo"],
            ),
            (
                vec![format!(
                    "{{ source: paris, target: oslo, start: latest, {NAMES_KEPT} }}"
                )],
                vec!["oslo"],
            ),
            // One that may know the record under another name.
            (
                vec![
                    format!("{{ source: paris, target: oslo, {NAMES_KEPT} }}"),
                    "{ source: paris, target: dublin, target_topic: 'x.{topic}' }".to_owned(),
                ],
                vec!["oslo"],
            ),
            (
                vec![format!("{{ source: paris, target: oslo, {NAMES_KEPT} }}")],
                vec!["oslo", "paris"],
            ),
        ] {
            let entries = others.iter().chain([&last]).map(String::as_str);
            let entries: Vec<_> = entries.collect();
            let mirrors = mirrors(&entries);
            let last = mirrors.last().expect("there are mirrors");
            assert_eq!(last.origins_left_out("orders"), left_out, "{others:?}");
        }
        assert_eq!(mirror("").origins_left_out("orders"), [""; 0]);
    }

    #[test]
    fn a_direct_way_counts_only_if_it_surely_begins_as_early() {
        const TIME: &str = "'2026-01-31T12:00:00Z'";
        const LATER: &str = "'2026-01-31T12:00:01Z'";
        for (direct, own, counts) in [
            ("earliest", "earliest", true),
            ("earliest", "latest", true),
            ("earliest", TIME, true),
            ("latest", "earliest", false),
            ("latest", "latest", false),
            ("latest", TIME, false),
            (TIME, TIME, true),
            (TIME, "'2026-01-31T13:00:00+01:00'", true),
            (TIME, LATER, false),
            (LATER, TIME, false),
            (TIME, "latest", false),
            (TIME, "earliest", false),
        ] {
            let entry = |source: &str, start: &str| {
                format!("{{ source: {source}, target: oslo, start: {start}, {NAMES_KEPT} }}")
            };
            let (direct, own) = (entry("paris", direct), entry("dublin", own));
            let left_out = mirrors(&[&direct, &own])[1]
                .origins_left_out("orders")
                .len();
            assert_eq!(left_out, 1 + usize::from(counts), "{direct} {own}");
        }
    }
}
