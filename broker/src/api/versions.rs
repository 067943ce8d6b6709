//! Knows which versions of which APIs the cluster answers, and shows no more than that.

use std::sync::atomic::{AtomicI16, Ordering};

use kafka_protocol::messages::ApiKey;

use super::VERSIONS;

/// The versions that are advertised and answered: all that the cluster can, or fewer for an older cluster.
#[derive(Debug)]
pub(crate) struct Versions {
    /// The highest of each entry of [`VERSIONS`].
    highest: Vec<AtomicI16>,
}

impl Versions {
    /// All of them.
    pub(crate) fn all() -> Self {
        let highest = VERSIONS.iter().map(|(_, _, max)| AtomicI16::new(*max));
        Self {
            highest: highest.collect(),
        }
    }

    /// Answers no version of an API above `highest`; below its lowest one it is as if there were no such API. Whether the
    /// cluster has it at all.
    pub(crate) fn cap(&self, api: ApiKey, highest: i16) -> bool {
        let Some(at) = VERSIONS.iter().position(|(known, _, _)| *known == api) else {
            return false;
        };
        self.highest[at].store(highest.min(VERSIONS[at].2), Ordering::Release);
        true
    }

    /// Every API with its lowest and its highest version.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ApiKey, i16, i16)> {
        let entries = VERSIONS.iter().zip(&self.highest);
        let entries = entries.map(|((api, min, _), max)| (*api, *min, max.load(Ordering::Acquire)));
        entries.filter(|(_, min, max)| min <= max)
    }

    /// The lowest and the highest version of an API that is answered.
    pub(crate) fn range(&self, api: ApiKey) -> Option<(i16, i16)> {
        let mut entries = self.iter();
        let found = entries.find(|(known, _, _)| *known == api)?;
        Some((found.1, found.2))
    }
}
