//! Opens the clusters that a one-shot command asks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Failure;
use crate::clusters::Inspector;
use crate::config::{Config, Mirror};

/// Long enough for a TLS handshake across an ocean, short enough for someone who waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One connection per cluster that a mirror uses.
pub(super) struct Connections(BTreeMap<String, Inspector>);

impl Connections {
    /// Prepares a client for each cluster; connects when first asked.
    pub(super) fn open(config: &Config) -> Result<Self, Failure> {
        let mut inspectors = BTreeMap::new();
        for mirror in &config.mirrors {
            for name in [&mirror.source, &mirror.target] {
                if !inspectors.contains_key(name) {
                    let inspector = Inspector::open(&config.clusters[name], "kmirror-cli", TIMEOUT)
                        .map_err(|error| Failure::usage(format!("clusters.{name}: {error}")))?;
                    inspectors.insert(name.clone(), inspector);
                }
            }
        }
        Ok(Self(inspectors))
    }

    /// The mirror's source.
    pub(super) fn source(&self, mirror: &Mirror) -> &Inspector {
        &self.0[&mirror.source]
    }

    /// The mirror's target.
    pub(super) fn target(&self, mirror: &Mirror) -> &Inspector {
        &self.0[&mirror.target]
    }

    /// Every cluster once, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = &Inspector> {
        self.0.values()
    }
}
