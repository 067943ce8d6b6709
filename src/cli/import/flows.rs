//! Which clusters a file has, and which flows between them are enabled.

use super::settings::{Setting, Settings};

/// One direction between two clusters, by their aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) source: String,
    pub(super) target: String,
}

impl Flow {
    pub(super) fn new(source: &str, target: &str) -> Self {
        Self {
            source: source.to_owned(),
            target: target.to_owned(),
        }
    }

    /// The key of a setting of this flow alone.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}->{}.{name}", self.source, self.target)
    }

    /// The same way back.
    pub(super) fn reverse(&self) -> Self {
        Self::new(&self.target, &self.source)
    }
}

/// The clusters of a file and the flows between them.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// Every alias of the file.
    pub(super) aliases: Vec<String>,
    pub(super) enabled: Vec<Flow>,
    /// Whether MirrorMaker 2 ran as a process of its own, with all of its connectors.
    pub(super) is_dedicated: bool,
}

impl Flows {
    /// The one flow of a connector.
    pub(super) fn of_connector(flow: Flow) -> Self {
        Self {
            aliases: vec![flow.source.clone(), flow.target.clone()],
            enabled: vec![flow],
            is_dedicated: false,
        }
    }

    /// Those of a dedicated file. What is wrong is noted there.
    pub(super) fn read(settings: &Settings) -> Self {
        let Some(clusters) = settings.first(["clusters"]) else {
            settings.problem(
                "has no `clusters`; give the file that MirrorMaker 2 is started with, or the configuration of a MirrorSourceConnector",
            );
            return Self::default();
        };
        clusters.carried();
        let mut aliases: Vec<String> = Vec::new();
        for alias in list(clusters.value()) {
            if !aliases.iter().any(|other| other == alias) {
                aliases.push(alias.to_owned());
            }
        }
        let pairs = aliases.iter().flat_map(|source| {
            let targets = aliases.iter().filter(move |target| *target != source);
            targets.map(move |target| Flow::new(source, target))
        });
        let enabled: Vec<_> = pairs.filter(|flow| is_enabled(flow, settings)).collect();
        if enabled.is_empty() {
            clusters.wrong(
                "no flow between them is enabled",
                "write `A->B.enabled = true` for clusters A and B",
            );
        }
        Self {
            aliases,
            enabled,
            is_dedicated: true,
        }
    }

    /// Whether a mirror reads from the cluster.
    pub(super) fn reads_from(&self, alias: &str) -> bool {
        self.enabled.iter().any(|flow| flow.source == alias)
    }

    /// Whether a mirror writes to the cluster.
    pub(super) fn writes_to(&self, alias: &str) -> bool {
        self.enabled.iter().any(|flow| flow.target == alias)
    }

    /// The aliases that a mirror uses.
    pub(super) fn used(&self) -> impl Iterator<Item = &String> {
        let used = |alias: &&String| self.reads_from(alias) || self.writes_to(alias);
        self.aliases.iter().filter(used)
    }
}

/// As `MirrorMakerConfig.clusterPairs` and `connectorBaseConfig` have it: `enabled` at the top counts for every flow that runs
/// at all, and a flow runs for its heartbeats too.
fn is_enabled(flow: &Flow, settings: &Settings) -> bool {
    if let Some(own) = settings.first([flow.key("enabled")]) {
        own.carried();
        return is_true(&own);
    }
    let Some(top) = settings.first(["enabled"]) else {
        return false;
    };
    top.carried();
    is_true(&top) && writes_heartbeats(flow, settings)
}

/// Whether MirrorMaker 2 writes heartbeats to the target of the flow, enabled or not.
pub(super) fn writes_heartbeats(flow: &Flow, settings: &Settings) -> bool {
    let name = "emit.heartbeats.enabled";
    let setting = settings.first([flow.key(name), name.to_owned()]);
    setting.is_none_or(|setting| is_true(&setting))
}

/// `Boolean.parseBoolean`: whatever is not `true` is false.
fn is_true(setting: &Setting<'_>) -> bool {
    setting.value().eq_ignore_ascii_case("true")
}

/// A list as `ConfigDef` reads it: parted by commas, without white space around them. Empty entries match nothing.
pub(super) fn list(value: &str) -> Vec<&str> {
    let entries = value.split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::properties;

    fn flows(text: &str) -> (Vec<String>, Vec<String>) {
        let entries = properties::read(text).unwrap();
        let settings = Settings::new("mm2.properties", entries, str::to_owned);
        let flows = Flows::read(&settings).enabled.into_iter();
        let flows = flows.map(|flow| format!("{}->{}", flow.source, flow.target));
        (flows.collect(), settings.problems())
    }

    #[test]
    fn flows_are_enabled_as_in_mirrormaker() {
        for (text, enabled) in [
            ("clusters = A, B\nA->B.enabled = true", &["A->B"][..]),
            (
                "clusters = A,B\nA->B.enabled = TRUE\nB->A.enabled = no",
                &["A->B"],
            ),
            (
                "clusters=A,B,A\nA->B.enabled=true\nB->A.enabled=true",
                &["A->B", "B->A"],
            ),
            ("clusters=A,B\nenabled=true", &["A->B", "B->A"]),
            ("clusters=A,B\nenabled=true\nB->A.enabled=false", &["A->B"]),
            (
                "clusters=A,B\nenabled=true\nB->A.emit.heartbeats.enabled=false",
                &["A->B"],
            ),
            ("clusters=A,B,C\nC->A.enabled=true", &["C->A"]),
        ] {
            assert_eq!(flows(text).0, enabled, "{text}");
        }
    }

    #[test]
    fn a_file_without_flows_is_told_what_to_write() {
        let (_, problems) = flows("A->B.enabled = true");
        assert!(problems[0].starts_with("mm2.properties: has no `clusters`; "));
        let (_, problems) = flows("\nclusters = A, B");
        assert!(
            problems[0].starts_with("mm2.properties:2: clusters: no flow between them is enabled;"),
            "{problems:?}"
        );
    }
}
