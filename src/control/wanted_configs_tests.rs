//! Claims about following configs, by table and by property.

use proptest::prelude::*;

use super::super::plan::tests::{DEFAULTS, mirror};
use super::*;

fn set(configs: &[(&str, &str)]) -> Vec<ConfigValue> {
    let value = |(name, value): &(&str, &str)| ConfigValue {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
        set_on_topic: true,
    };
    configs.iter().map(value).collect()
}

fn change(name: &str, value: Option<&str>) -> ConfigChange {
    ConfigChange {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    }
}

#[test]
fn what_differs_is_set_and_what_only_the_copy_has_is_reset() {
    let source = set(&[("retention.ms", "1"), ("cleanup.policy", "compact")]);
    let copy = set(&[("retention.ms", "2"), ("segment.ms", "3")]);
    assert_eq!(
        changes(&mirror(""), &source, &copy),
        [
            change("cleanup.policy", Some("compact")),
            change("retention.ms", Some("1")),
            change("segment.ms", None),
        ]
    );
}

#[test]
fn what_is_excluded_is_neither_set_nor_reset() {
    let source = set(&[("min.insync.replicas", "2")]);
    let copy = set(&[("unclean.leader.election.enable", "true")]);
    assert_eq!(changes(&mirror(""), &source, &copy), []);
    let own = mirror(", exclude_configs: [retention.ms]");
    assert_eq!(changes(&own, &set(&[("retention.ms", "1")]), &[]), []);
}

#[test]
fn what_is_inherited_is_not_followed() {
    let mut inherited = set(&[("retention.ms", "1")]);
    inherited[0].set_on_topic = false;
    assert_eq!(changes(&mirror(""), &inherited, &[]), []);
    assert_eq!(changes(&mirror(""), &[], &inherited), []);
    assert_eq!(wanted(&mirror(""), &inherited), []);
}

#[test]
fn what_the_source_keeps_secret_is_left_as_it_is() {
    let mut secret = set(&[("some.secret", "")]);
    secret[0].value = None;
    let copy = set(&[("some.secret", "mine")]);
    assert_eq!(changes(&mirror(""), &secret, &copy), []);
}

fn configs() -> impl Strategy<Value = Vec<ConfigValue>> {
    let names =
        proptest::sample::subsequence(vec!["a", "b", "c", "d", "min.insync.replicas"], 0..=5);
    names.prop_flat_map(|names| {
        let values = proptest::collection::vec(("[xy]", any::<bool>()), names.len());
        values.prop_map(move |values| {
            let made = names
                .iter()
                .zip(values)
                .map(|(name, (value, set))| ConfigValue {
                    name: (*name).to_owned(),
                    value: Some(value),
                    set_on_topic: set,
                });
            made.collect()
        })
    })
}

/// What a broker makes of the changes.
fn apply(copy: &[ConfigValue], changes: &[ConfigChange]) -> Vec<ConfigValue> {
    let untouched = copy
        .iter()
        .filter(|one| !changes.iter().any(|change| change.name == one.name));
    let set = changes.iter().filter(|change| change.value.is_some());
    let set = set.map(|change| ConfigValue {
        name: change.name.clone(),
        value: change.value.clone(),
        set_on_topic: true,
    });
    untouched.cloned().chain(set).collect()
}

proptest! {
    #[test]
    fn once_carried_out_there_is_nothing_to_change(source in configs(), copy in configs()) {
        let mirror = &*DEFAULTS;
        let after = apply(&copy, &changes(mirror, &source, &copy));
        prop_assert_eq!(changes(mirror, &source, &after), []);
        // The copy has what a new one would have been given.
        let mut has: Wanted = followed(mirror, &after)
            .filter_map(|one| Some((one.name.clone(), one.value.clone()?)))
            .collect();
        has.sort();
        prop_assert_eq!(has, wanted(mirror, &source));
    }
}
