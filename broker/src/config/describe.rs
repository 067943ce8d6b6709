//! Lists configurations as an administrator sees them: every key, its value, and where the value comes from.

use std::collections::BTreeMap;

use super::broker::BrokerConfigs;
use super::broker_keys::Update;
use super::definition::{Definition, Kind};
use super::topic::TopicConfigs;

/// Where a value comes from, by the numbers of KIP-226.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Set on the topic.
    Topic = 1,
    /// Altered on a broker.
    AlteredBroker = 2,
    /// Altered for all brokers.
    AlteredBrokers = 3,
    /// Given when the broker was started.
    Given = 4,
    /// Nobody set it.
    Default = 5,
}

/// One value that could hold for a key, by the name that it goes by at its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synonym {
    /// The topic's key or the broker's.
    pub(crate) name: &'static str,
    /// The value there.
    pub(crate) value: String,
    /// Where that is.
    pub(crate) source: Source,
}

/// One key.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Whether it can be altered.
    pub(crate) read_only: bool,
    /// All values that could hold, never empty; the first one does.
    pub(crate) synonyms: Vec<Synonym>,
}

impl Entry {
    /// The value that holds.
    pub(crate) fn value(&self) -> &str {
        &self.synonyms[0].value
    }

    /// Where it comes from.
    pub(crate) fn source(&self) -> Source {
        self.synonyms[0].source
    }
}

/// Every key of a topic on which `set` is set.
pub(crate) fn topic(set: &BTreeMap<String, String>, broker: &BrokerConfigs) -> Vec<Entry> {
    TopicConfigs::definitions()
        .map(|definition| topic_entry(definition, set, broker))
        .collect()
}

fn topic_entry(
    definition: &'static Definition,
    set: &BTreeMap<String, String>,
    broker: &BrokerConfigs,
) -> Entry {
    let own = set.get(definition.name);
    let mut synonyms: Vec<Synonym> = own
        .map(|value| synonym(definition.name, value, Source::Topic))
        .into_iter()
        .collect();
    match BrokerConfigs::definition(definition.broker_key) {
        Ok(inherited) => synonyms.extend(broker_synonyms(inherited, broker)),
        Err(_) => synonyms.push(synonym(
            definition.name,
            definition.default,
            Source::Default,
        )),
    }
    Entry {
        name: definition.name,
        kind: definition.kind,
        read_only: false,
        synonyms,
    }
}

/// Every key of a broker. `own` has the values that differ from node to node, such as its address.
pub(crate) fn broker(broker: &BrokerConfigs, own: &BTreeMap<&str, String>) -> Vec<Entry> {
    BrokerConfigs::definitions()
        .map(|(definition, update)| {
            let synonyms = match own.get(definition.name) {
                Some(value) => vec![synonym(definition.name, value, Source::Given)],
                None => broker_synonyms(definition, broker),
            };
            let read_only = update == Update::Static;
            Entry {
                name: definition.name,
                kind: definition.kind,
                read_only,
                synonyms,
            }
        })
        .collect()
}

/// The keys that were altered for all brokers.
pub(crate) fn brokers(broker: &BrokerConfigs) -> Vec<Entry> {
    let altered = |(definition, _): (&'static Definition, _)| {
        let value = broker.altered().get(definition.name)?;
        let synonyms = vec![synonym(definition.name, value, Source::AlteredBrokers)];
        Some(Entry {
            name: definition.name,
            kind: definition.kind,
            read_only: false,
            synonyms,
        })
    };
    BrokerConfigs::definitions().filter_map(altered).collect()
}

fn broker_synonyms(definition: &'static Definition, broker: &BrokerConfigs) -> Vec<Synonym> {
    let altered = broker.altered().get(definition.name);
    let given = broker.given().get(definition.name);
    let mut synonyms = Vec::with_capacity(3);
    synonyms.extend(altered.map(|value| synonym(definition.name, value, Source::AlteredBroker)));
    synonyms.extend(given.map(|value| synonym(definition.name, value, Source::Given)));
    synonyms.push(synonym(
        definition.name,
        definition.default,
        Source::Default,
    ));
    synonyms
}

fn synonym(name: &'static str, value: &str, source: Source) -> Synonym {
    Synonym {
        name,
        value: value.to_owned(),
        source,
    }
}
