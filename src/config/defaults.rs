//! Defaults that what is imported is compared with.

use std::time::Duration;

use super::keys::MIRROR;

pub(crate) const TOPICS: &[&str] = MIRROR.topics.default;
pub(crate) const EXCLUDE_TOPICS: &[&str] = MIRROR.exclude_topics.default;
pub(crate) const EXCLUDE_CONFIGS: &[&str] = MIRROR.exclude_configs.default;
pub(crate) const GROUPS: &[&str] = MIRROR.groups.default;
pub(crate) const EXCLUDE_GROUPS: &[&str] = MIRROR.exclude_groups.default;
pub(crate) const DISCOVERY_INTERVAL: Duration = MIRROR.discovery_interval.default;
pub(crate) const CHECKPOINT_INTERVAL: Duration = MIRROR.checkpoint_interval.default;
pub(crate) const HEARTBEAT_INTERVAL: Duration = MIRROR.heartbeat_interval.default;
