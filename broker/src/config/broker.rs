//! Holds the brokers' configuration: what they were started with, and what was altered since.

use std::collections::BTreeMap;

use super::broker_keys::{self, Update};
use super::definition::{Definition, Invalid};

/// The configuration of all nodes. They share it as they share everything: what is altered on one is altered on all.
#[derive(Debug, Clone, Default)]
pub(crate) struct BrokerConfigs {
    given: BTreeMap<String, String>,
    altered: BTreeMap<String, String>,
}

impl BrokerConfigs {
    /// Checks what the cluster is started with.
    pub(crate) fn new(given: BTreeMap<String, String>) -> Result<Self, Invalid> {
        for (key, value) in &given {
            find(key)?.0.check(value)?;
        }
        Ok(Self {
            given,
            altered: BTreeMap::new(),
        })
    }

    /// The value that holds: altered, else given at the start, else the default.
    pub(crate) fn get(&self, definition: &Definition) -> &str {
        let set = self
            .altered
            .get(definition.name)
            .or_else(|| self.given.get(definition.name));
        set.map_or(definition.default, String::as_str)
    }

    /// The value of a key that the broker itself obeys, as a number.
    pub(crate) fn number(&self, key: &str) -> i64 {
        self.text(key)
            .trim()
            .parse()
            .expect("numbers are checked when they are set")
    }

    /// The value of a key that the broker itself obeys.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.text(key).trim() == "true"
    }

    /// The value of a key that must exist.
    pub(crate) fn text(&self, key: &str) -> &str {
        let (definition, _) =
            broker_keys::find(key).expect("the broker asks for keys of its own table");
        self.get(definition)
    }

    /// Whether there is somebody to keep ACLs.
    pub(crate) fn has_authorizer(&self) -> bool {
        !self.text("authorizer.class.name").is_empty()
    }

    /// What the cluster was started with.
    pub(crate) fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// What was altered since.
    pub(crate) fn altered(&self) -> &BTreeMap<String, String> {
        &self.altered
    }

    /// Replaces all that was altered.
    ///
    /// # Errors
    /// For unknown keys, wrong values, and keys that only a start can set, with nothing changed.
    pub(crate) fn alter(&mut self, altered: BTreeMap<String, String>) -> Result<(), Invalid> {
        Self::check(&altered)?;
        self.altered = altered;
        Ok(())
    }

    /// Checks what [`BrokerConfigs::alter`] would check.
    pub(crate) fn check(altered: &BTreeMap<String, String>) -> Result<(), Invalid> {
        for (key, value) in altered {
            let (definition, update) = find(key)?;
            if *update == Update::Static {
                return Err(Invalid::Static { key: key.clone() });
            }
            definition.check(value)?;
        }
        Ok(())
    }

    /// Every key of a broker, in alphabetical order.
    pub(crate) fn definitions() -> impl Iterator<Item = (&'static Definition, Update)> {
        broker_keys::BROKER_KEYS
            .iter()
            .map(|(definition, update)| (definition, *update))
    }

    /// The definition of a broker's key.
    pub(crate) fn definition(key: &str) -> Result<&'static Definition, Invalid> {
        find(key).map(|(definition, _)| definition)
    }
}

fn find(key: &str) -> Result<&'static (Definition, Update), Invalid> {
    broker_keys::find(key).ok_or_else(|| Invalid::Unknown {
        key: key.to_owned(),
    })
}
