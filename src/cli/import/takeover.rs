//! Maps where MirrorMaker 2 kept its progress, so that the mirror goes on where it stopped.

use super::draft::{Mapping, Value};
use super::flow_settings::FlowSettings;
use super::flows::Flows;

/// Adds `import_from`, and where the progress is if that is not where dedicated mode keeps it.
pub(super) fn map(own: &FlowSettings<'_>, flows: &Flows, keys: &mut Mapping) {
    keys.comment("Stop MirrorMaker 2 before the first start: the mirror goes on where it stopped.");
    keys.set("import_from", Value::Bare("mirrormaker2".to_owned()));
    let default = format!("mm2-offsets.{}.internal", own.flow.source);
    match (own.progress_topic(flows), flows.is_dedicated) {
        (Some(setting), _) => {
            let is_default = setting.value() == default;
            setting.settled(is_default);
            if !is_default {
                keys.set("import_offsets_topic", setting.value());
            }
        }
        (None, true) => {}
        (None, false) => keys.decide(format!(
            "mirror {} to {}: write `import_offsets_topic` with the `offset.storage.topic` of the Connect workers, which has to be on {}; Strimzi names it mirrormaker2-cluster-offsets.",
            own.flow.source, own.flow.target, own.flow.target
        )),
    }
    let separator = own.get(&["replication.policy.separator"]);
    let is_other = separator.is_some_and(|setting| setting.value() != ".");
    let name = "replication.policy.internal.topic.separator.enabled";
    if is_other && own.switch(name, true).is_on {
        keys.comment("MirrorMaker 2 names its offset syncs by its separator, and kmirror looks for them with dots: what it had copied and not stored is copied once more.");
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::import::convert;
    use crate::cli::import::tests::yaml;

    #[test]
    fn a_mirror_goes_on_where_mirrormaker_kept_its_progress() {
        let topic = |more: &str| {
            let text = yaml(more);
            assert!(text.contains("\n    import_from: mirrormaker2\n"), "{text}");
            assert!(!text.contains("DECIDE"), "{text}");
            let mut lines = text.lines().map(str::trim);
            let named = lines.find_map(|line| line.strip_prefix("import_offsets_topic: "));
            named.map(str::to_owned)
        };
        assert_eq!(topic(""), None);
        assert_eq!(topic("offset.storage.topic = mm2-offsets.A.internal"), None);
        assert_eq!(topic("offset.storage.topic = x").as_deref(), Some("\"x\""));
        let both = "B.offset.storage.topic = y\noffset.storage.topic = x";
        assert_eq!(topic(both).as_deref(), Some("\"x\""));
        assert_eq!(
            topic("B.offset.storage.topic = y").as_deref(),
            Some("\"y\"")
        );
        assert_eq!(topic("A.offset.storage.topic = y"), None);
    }

    #[test]
    fn where_a_connectors_progress_is_is_left_to_the_reader() {
        let of = |more: &str| {
            let base = "connector.class = MirrorSourceConnector\nsource.cluster.alias = A\ntarget.cluster.alias = B\n\
                        source.cluster.bootstrap.servers = a:1\ntarget.cluster.bootstrap.servers = b:1\n";
            let imported = convert("connector.properties", &format!("{base}{more}"));
            imported
                .map_err(|problems| problems.join("\n"))
                .unwrap()
                .yaml
        };
        let text = of("");
        assert!(text.contains("\n    import_from: mirrormaker2\n"), "{text}");
        assert!(
            text.contains("DECIDE: mirror A to B: write `import_offsets_topic`"),
            "{text}"
        );
        let text = of("offsets.storage.topic = own");
        assert!(
            text.contains("\n    import_offsets_topic: \"own\"\n"),
            "{text}"
        );
        assert!(!text.contains("DECIDE"), "{text}");
    }

    #[test]
    fn records_are_read_as_mirrormaker_read_them() {
        let all = "\n    isolation: read_uncommitted\n";
        for (setting, is_all) in [
            ("", true),
            ("A.consumer.isolation.level = read_uncommitted", true),
            ("A.consumer.isolation.level = read_committed", false),
            (
                "A->B.source.consumer.isolation.level = read_committed",
                false,
            ),
            ("B.consumer.isolation.level = read_committed", true),
        ] {
            assert_eq!(yaml(setting).contains(all), is_all, "{setting}");
        }
    }

    #[test]
    fn offset_syncs_that_are_not_found_are_told() {
        let own = "replication.policy.separator = _";
        let dots = format!("{own}\nreplication.policy.internal.topic.separator.enabled = false");
        for (setting, is_told) in [("", false), (own, true), (&dots, false)] {
            let told = yaml(setting).contains("names its offset syncs by its separator");
            assert_eq!(told, is_told, "{setting}");
        }
    }
}
