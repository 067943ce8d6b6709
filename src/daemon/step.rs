//! Decides what a configuration that is read again means for what runs: pure functions.

use crate::config::{self, Cluster, Config};

/// What one mirror was started with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mirror: config::Mirror,
    source: Option<Cluster>,
    target: Option<Cluster>,
}

/// What is to be done with a mirror that runs and is in the file still.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Keep,
    /// Let it go on with the keys that changed.
    Follow(Vec<String>),
    /// Drain it and begin it anew, because of these keys.
    Restart(Vec<String>),
}

impl Settings {
    /// What `mirror` is started with under `config`.
    pub(super) fn of(config: &Config, mirror: &config::Mirror) -> Self {
        Self {
            mirror: mirror.clone(),
            source: config.clusters.get(&mirror.source).cloned(),
            target: config.clusters.get(&mirror.target).cloned(),
        }
    }

    /// What is to be done to get to `new`.
    pub(super) fn step_to(&self, new: &Self) -> Step {
        let change = self.mirror.change_to(&new.mirror);
        let own = change.restarting.iter().map(|key| (*key).to_owned());
        let clusters = [
            (&self.source, &new.source, &new.mirror.source),
            (&self.target, &new.target, &new.mirror.target),
        ];
        let clusters = clusters.into_iter().filter(|(old, new, _)| old != new);
        let clusters = clusters.map(|(_, _, name)| format!("clusters.{name}"));
        let restarting: Vec<String> = own.chain(clusters).collect();
        match (restarting.is_empty(), change.in_place.is_empty()) {
            (false, _) => Step::Restart(restarting),
            (true, false) => Step::Follow(change.in_place.into_iter().map(str::to_owned).collect()),
            (true, true) => Step::Keep,
        }
    }
}

/// The keys that differ and take effect with a new process only.
pub(super) fn needs_new_process(old: &Config, new: &Config) -> Vec<&'static str> {
    let keys = [
        ("http", old.http_listen != new.http_listen),
        (
            "metrics",
            old.metrics_per_partition != new.metrics_per_partition,
        ),
        ("memory", old.memory != new.memory),
        ("log.format", old.log.format != new.log.format),
    ];
    let differing = keys.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(paris: &str, more: &str, top: &str) -> Config {
        let text = format!(
            "clusters:\n  paris: {{ bootstrap_servers: 'p:1'{paris} }}\n  dublin: {{ bootstrap_servers: 'd:1' }}\n\
             mirrors: [{{ source: paris, target: dublin{more} }}]\n{top}"
        );
        config::parse(&text, &|_| None, Path::new("")).expect("a valid file")
    }

    fn step(old: &Config, new: &Config) -> Step {
        let settings = |config: &Config| Settings::of(config, &config.mirrors[0]);
        settings(old).step_to(&settings(new))
    }

    #[test]
    fn a_mirror_is_interrupted_only_by_what_its_data_path_needs() {
        let old = config("", "", "");
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        for (new, expected) in [
            (config("", "", "memory: 1GiB"), Step::Keep),
            (
                config("", ", topics: [a], sync_acls: true", ""),
                Step::Follow(keys(&["topics", "sync_acls"])),
            ),
            (
                config("", ", topics: [a], compression: zstd", ""),
                Step::Restart(keys(&["compression"])),
            ),
            (
                config(", tls: {}", "", ""),
                Step::Restart(keys(&["clusters.paris"])),
            ),
        ] {
            assert_eq!(step(&old, &new), expected);
        }
    }

    #[test]
    fn what_takes_a_new_process_is_told() {
        let old = config("", "", "");
        let new = config(
            "",
            "",
            "memory: 1GiB\nmetrics: { per_partition: false }\nhttp: { listen: '127.0.0.1:1' }\nlog: { level: debug }\ndrain_timeout: 1s",
        );
        assert_eq!(needs_new_process(&old, &new), ["http", "metrics", "memory"]);
        assert_eq!(needs_new_process(&old, &old), [""; 0]);
    }
}
