//! Keeps config/ true: every example is valid, and the reference states every key with its default.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::yaml::{Node, Text};
use super::*;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(repository().join("config").join(name)).unwrap()
}

/// A directory with the files that the examples refer to.
fn files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in [
        ("tls/ca.pem", "-----BEGIN CERTIFICATE-----"),
        ("tls/client.pem", "-----BEGIN CERTIFICATE-----"),
        ("tls/client.key", "-----BEGIN PRIVATE KEY-----"),
        ("secrets/key-password", "opens\n"),
    ] {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn parse_example(text: &str) -> Result<Config, Errors> {
    parse(text, &|_| Some("value".to_owned()), files().path())
}

#[test]
fn every_example_is_valid() {
    let directory = fs::read_dir(repository().join("config")).unwrap();
    let paths: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
    assert!(paths.len() >= 6);
    for path in paths {
        let config = parse_example(&fs::read_to_string(&path).unwrap());
        assert!(
            config.is_ok(),
            "{}:\n{}",
            path.display(),
            config.unwrap_err()
        );
    }
}

#[test]
fn the_reference_states_the_defaults() {
    let mut reference = parse_example(&read("reference.yaml")).unwrap();
    let minimal = parse_example(&read("minimal.yaml")).unwrap();
    let tls = reference.clusters["paris"].tls.as_ref().unwrap();
    assert_eq!(tls.verify_hostname, keys::TLS.verify_hostname.default);
    // Clusters have no other defaults: names, addresses and credentials are everyone's own.
    reference.clusters = minimal.clusters.clone();
    assert_eq!(format!("{reference:#?}"), format!("{minimal:#?}"));
}

#[test]
fn a_reference_without_values_of_its_own_uses_nothing_that_is_not_there_yet() {
    assert_eq!(
        parse_example(&read("reference.yaml")).unwrap().notices(),
        []
    );
}

/// Every mapping whose keys are kmirror's own, by its path in the reference.
const MAPPINGS: [&str; 8] = [
    "",
    "metrics",
    "clusters.paris",
    "clusters.paris.tls",
    "clusters.paris.sasl",
    "mirrors[0]",
    "http",
    "log",
];

/// The keys that the reader knows in each mapping: it lists them when it finds one it does not know.
pub(super) fn known_keys() -> BTreeMap<String, Vec<String>> {
    let intruded = intrude(yaml::read(&read("reference.yaml")).unwrap(), "");
    let files = files();
    let problems = error::Problems::default();
    let env = |_: &str| Some("value".to_owned());
    let tree = substitute::Substitution {
        env: &env,
        base: files.path(),
        problems: &problems,
    }
    .resolve(intruded, "");
    let config = read_daemon::config(tree, files.path(), &problems);
    let errors = problems.finish(config).unwrap_err();
    let intruders = errors.problems().iter().filter_map(|problem| {
        let path = problem
            .path()
            .strip_suffix("intruder")?
            .trim_end_matches('.')
            .to_owned();
        let keys = problem.remedy().strip_prefix("its keys are ")?;
        Some((
            path,
            keys.split(", ")
                .map(|key| key.trim_matches('`').to_owned())
                .collect(),
        ))
    });
    intruders.collect()
}

/// Puts an unknown key into each of `MAPPINGS`.
fn intrude(node: Node, path: &str) -> Node {
    match node {
        Node::Map(entries) => {
            let inner = entries.into_iter().map(|(key, value)| {
                let Node::Text(text) = &key else {
                    panic!("a key that is not text at {path}")
                };
                let value = intrude(value, &fields::key_path(path, &text.value));
                (key, value)
            });
            let mut entries: Vec<_> = inner.collect();
            if MAPPINGS.contains(&path) {
                entries.push((Node::Text(Text::visible("intruder")), Node::Null));
            }
            Node::Map(entries)
        }
        Node::List(items) => {
            let items = items.into_iter().enumerate();
            Node::List(
                items
                    .map(|(index, item)| intrude(item, &fields::item_path(path, index)))
                    .collect(),
            )
        }
        other => other,
    }
}

#[test]
fn the_reference_states_every_key() {
    let reference = read("reference.yaml");
    let known = known_keys();
    assert_eq!(known.len(), MAPPINGS.len(), "{known:?}");
    for key in known.values().flatten() {
        let stated = |line: &str| {
            line.trim_start_matches([' ', '-', '#'])
                .starts_with(&format!("{key}:"))
        };
        assert!(
            reference.lines().any(stated),
            "config/reference.yaml does not state `{key}`"
        );
    }
}

/// Where the mappings of the declared keys stand in config/reference.yaml.
fn in_reference(path: &str) -> String {
    path.replace("<name>", "paris").replace("[]", "[0]")
}

#[test]
fn the_declared_keys_are_those_that_the_reader_knows() {
    let mut known = known_keys();
    for mapping in reference() {
        let path = in_reference(mapping.path);
        let mut read = known.remove(&path).unwrap_or_default();
        let mut declared: Vec<_> = mapping.keys.iter().map(|key| key.name).collect();
        read.sort_unstable();
        declared.sort_unstable();
        assert_eq!(declared, read, "{path}");
    }
    assert_eq!(known, BTreeMap::new());
}

/// The reference without its comments, with `value` behind one of its keys.
fn altered(at: usize, value: &str) -> String {
    let reference = read("reference.yaml");
    let states = |line: &&str| !line.is_empty() && !line.trim().starts_with('#');
    let mut lines: Vec<_> = reference
        .lines()
        .filter(states)
        .map(str::to_owned)
        .collect();
    let at = at % lines.len();
    let key = lines[at].split_inclusive(": ").next().unwrap_or_default();
    lines[at] = format!("{key}{value}");
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No panic, and each problem has a place and a remedy on a line of its own.
    #[test]
    fn any_value_in_the_reference_is_taken_or_told(
        at in 0_usize..200,
        value in "\\PC{0,12}|[0-9]{1,20}[a-zA-Z]{0,3}|\\[\\]|\\{\\}|\\$\\{[a-z:]{0,9}\\}?",
    ) {
        if let Err(errors) = parse_example(&altered(at, &value)) {
            prop_assert_eq!(errors.to_string().lines().count(), errors.problems().len());
            for problem in errors.problems() {
                prop_assert!(!problem.path().is_empty() && !problem.remedy().is_empty());
            }
        }
    }
}
