//! Tells by which keys a mirror of a file that is read again differs, and whether it can go on with them.

use super::choices::Provenance;
use super::mirror::Mirror;

/// The keys by which two versions of a mirror differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What only its control loop needs: taken over while it runs.
    pub in_place: Vec<&'static str>,
    /// What its data path is built from: it has to begin anew.
    pub restarting: Vec<&'static str>,
}

impl Change {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.in_place.is_empty() && self.restarting.is_empty()
    }
}

impl Mirror {
    /// How `new` differs, which has the same name.
    pub fn change_to(&self, new: &Self) -> Change {
        let keys = |differences: &[(&'static str, bool)]| {
            let differing = differences.iter().filter(|(_, differs)| *differs);
            differing.map(|(key, _)| *key).collect()
        };
        Change {
            in_place: keys(&in_place(self, new)),
            restarting: keys(&restarting(self, new)),
        }
    }
}

fn in_place(old: &Mirror, new: &Mirror) -> [(&'static str, bool); 17] {
    let filters = [(&old.topics, &new.topics), (&old.groups, &new.groups)];
    let [topics, groups] = filters.map(|(old, new)| old.differences(new));
    let excluded = (&old.exclude_configs, &new.exclude_configs);
    let checkpoints = (old.checkpoint_interval, new.checkpoint_interval);
    let discovery = (old.discovery_interval, new.discovery_interval);
    [
        ("topics", topics.0),
        ("exclude_topics", topics.1),
        ("create_topics", old.create_topics != new.create_topics),
        (
            "replication_factor",
            old.replication_factor != new.replication_factor,
        ),
        (
            "sync_partitions",
            old.sync_partitions != new.sync_partitions,
        ),
        (
            "sync_topic_configs",
            old.sync_topic_configs != new.sync_topic_configs,
        ),
        ("sync_acls", old.sync_acls != new.sync_acls),
        ("exclude_configs", excluded.0 != excluded.1),
        ("groups", groups.0),
        ("exclude_groups", groups.1),
        (
            "sync_group_offsets",
            old.sync_group_offsets != new.sync_group_offsets,
        ),
        ("discovery_interval", discovery.0 != discovery.1),
        ("checkpoint_interval", checkpoints.0 != checkpoints.1),
        (
            "mm2_offset_syncs",
            old.mm2_offset_syncs != new.mm2_offset_syncs,
        ),
        ("heartbeats", old.heartbeats != new.heartbeats),
        (
            "heartbeat_interval",
            old.heartbeat_interval != new.heartbeat_interval,
        ),
        (
            "duties among mirrors",
            old.neighbours.differ_in_duties(&new.neighbours),
        ),
    ]
}

fn restarting(old: &Mirror, new: &Mirror) -> [(&'static str, bool); 16] {
    let tells = old.provenance == Provenance::Header && new.provenance == Provenance::Header;
    let left_out = tells && old.neighbours.differ_in_origins(&new.neighbours);
    [
        ("source", old.source != new.source),
        ("target", old.target != new.target),
        ("target_topic", old.target_topic != new.target_topic),
        ("provenance", old.provenance != new.provenance),
        ("start", old.start != new.start),
        ("import_from", old.import_from != new.import_from),
        (
            "import_offsets_topic",
            old.import_offsets_topic != new.import_offsets_topic,
        ),
        ("isolation", old.isolation != new.isolation),
        (
            "consumer_groups",
            old.consumer_groups != new.consumer_groups,
        ),
        ("consumers", old.consumers != new.consumers),
        (
            "commit_interval",
            old.commit_interval != new.commit_interval,
        ),
        ("compression", old.compression != new.compression),
        ("on_gap", old.on_gap != new.on_gap),
        ("on_divergence", old.on_divergence != new.on_divergence),
        ("on_rejected", old.on_rejected != new.on_rejected),
        ("mirrors beside it", left_out),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::bad_input_tests::{CLUSTERS, parse_text};
    use crate::config::examples_tests::known_keys;

    fn mirror(lines: &str, others: &str) -> Mirror {
        let text = format!("{CLUSTERS}\nmirrors:\n  - name: one\n    {lines}\n{others}");
        let mirrors = parse_text(&text).expect("a valid file").mirrors;
        let mut named = mirrors.into_iter().filter(|mirror| mirror.name == "one");
        named.next().expect("it is there")
    }

    const PLAIN: &str = "source: paris\n    target: dublin";

    /// What each key is changed to, and whether the mirror can go on with it.
    const CHANGES: &[(&str, &str, bool)] = &[
        ("topics", "[orders]", true),
        ("exclude_topics", "[x]", true),
        ("create_topics", "false", true),
        ("replication_factor", "3", true),
        ("sync_partitions", "false", true),
        ("sync_topic_configs", "false", true),
        ("sync_acls", "true", true),
        ("exclude_configs", "[retention.ms]", true),
        ("groups", "[a]", true),
        ("exclude_groups", "[a]", true),
        ("sync_group_offsets", "false", true),
        ("discovery_interval", "1s", true),
        ("checkpoint_interval", "1s", true),
        ("mm2_offset_syncs", "true", true),
        ("heartbeats", "both", true),
        ("heartbeat_interval", "2s", true),
        ("target_topic", "all", false),
        ("provenance", "header", false),
        ("start", "latest", false),
        ("import_from", "mirrormaker2", false),
        ("isolation", "read_uncommitted", false),
        ("consumer_groups", "shared", false),
        ("commit_interval", "2s", false),
        ("compression", "zstd", false),
        ("on_gap", "pause", false),
        ("on_divergence", "continue", false),
        ("on_rejected", "skip", false),
    ];

    #[test]
    fn each_key_is_taken_over_or_begins_the_mirror_anew() {
        let old = mirror(PLAIN, "");
        assert!(old.change_to(&old).is_empty());
        for &(key, value, goes_on) in CHANGES {
            let new = mirror(&format!("{PLAIN}\n    {key}: {value}"), "");
            let change = old.change_to(&new);
            let (taken, other) = match goes_on {
                true => (change.in_place, change.restarting),
                false => (change.restarting, change.in_place),
            };
            assert_eq!((taken, other), (vec![key], vec![]));
        }
        for (ends, key) in [
            ("source: oslo\n    target: dublin", "source"),
            ("source: paris\n    target: oslo", "target"),
        ] {
            assert_eq!(old.change_to(&mirror(ends, "")).restarting, [key]);
        }
        let shared = |consumers| {
            mirror(
                &format!("{PLAIN}\n    consumer_groups: shared\n    consumers: {consumers}"),
                "",
            )
        };
        assert_eq!(shared(1).change_to(&shared(3)).restarting, ["consumers"]);
    }

    #[test]
    fn no_key_is_forgotten() {
        let apart = [
            "name",
            "source",
            "target",
            "consumers",
            "import_offsets_topic",
        ];
        for key in &known_keys()["mirrors[0]"] {
            let is_there = CHANGES.iter().any(|(changed, _, _)| changed == key);
            assert!(is_there || apart.contains(&key.as_str()), "{key}");
        }
    }

    #[test]
    fn other_mirrors_matter_where_copies_depend_on_them() {
        let kept = "target_topic: '{topic}', provenance: header";
        let lines = format!("{PLAIN}\n    target_topic: '{{topic}}'\n    provenance: header");
        let old = mirror(&lines, "");
        let direct = format!("  - {{ source: oslo, target: dublin, {kept} }}");
        assert_eq!(
            old.change_to(&mirror(&lines, &direct)).restarting,
            ["mirrors beside it"]
        );
        let elsewhere = "  - { source: oslo, target: paris }";
        assert!(old.change_to(&mirror(&lines, elsewhere)).is_empty());
    }
}
