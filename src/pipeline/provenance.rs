//! Tells by a header which clusters a record came through, and leaves out what would return to one of them.

use std::ffi::CStr;

use crate::config::Mirror;
use crate::librdkafka::message::{Messages, Record};
use crate::target::Stamp;

/// Name of the header; each mirror on a record's way adds one, with the name of its source as the value.
const HEADER: &CStr = c"kmirror.source";

/// The header that copies of records of `topic` get, if any.
pub fn stamp(mirror: &Mirror, topic: &str) -> Option<Stamp> {
    mirror.tells_origin(topic).then(|| Stamp {
        name: HEADER,
        value: mirror.source.clone(),
    })
}

/// Which records of a topic are left out: those that came through one of these clusters.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    clusters: Vec<String>,
}

impl LeftOut {
    /// Of the mirror's copy of `topic`.
    pub fn of(mirror: &Mirror, topic: &str) -> Self {
        let clusters = mirror.origins_left_out(topic).into_iter();
        Self {
            clusters: clusters.map(str::to_owned).collect(),
        }
    }

    /// Takes those records out of what was read.
    pub fn take_out(&self, read: &mut Messages) {
        if !self.clusters.is_empty() {
            read.retain(|record| !self.has(&record));
        }
    }

    /// Whether `record` is one of them.
    pub fn has(&self, record: &Record<'_>) -> bool {
        let is_left_out = |name: &[u8]| self.clusters.iter().any(|one| one.as_bytes() == name);
        record.headers(HEADER).any(is_left_out)
    }
}
