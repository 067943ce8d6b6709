//! Knows one topic that is mirrored: its names, where its copy is written, and what both clusters say of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::board::TopicBoard;
use crate::clusters::TopicId;
use crate::target::{Limits, TargetTopic};

/// What to copy, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name on the source.
    pub source_topic: String,
    /// Name on the target.
    pub target_topic: String,
    /// Consumer group on the source.
    pub group: String,
    /// The group that it would be with the other choice of `consumer_groups`.
    pub other_group: String,
}

/// One topic to copy. Cheap to clone.
#[derive(Clone)]
pub struct Topic {
    /// Its names.
    pub names: Arc<Plan>,
    /// Partitions on the source.
    pub partitions: u32,
    /// Which topic bears the name, as this process last saw it; `None` before it has, or where the source tells no ids.
    pub source_id: Option<TopicId>,
    /// What the target topic takes.
    pub limits: watch::Receiver<Limits>,
    /// Where its copy is written.
    pub target: TargetTopic,
    /// Its place on the board.
    pub board: Arc<TopicBoard>,
}

/// Topics by their names on the source.
pub type Topics = BTreeMap<Arc<str>, Topic>;
