//! The status document: what `/status` answers and `kmirror status --json` prints.
//!
//! A partition's figures come from whoever knows them (the daemon's board, or the clusters when the
//! daemon is down); topics and mirrors are rolled up from their partitions here, in one way.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::is_heartbeat_topic;

/// Every mirror of one configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// In the order of the configuration.
    pub mirrors: Vec<MirrorStatus>,
}

/// One direction between two clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirrorStatus {
    /// Name of the mirror.
    pub name: String,
    /// Cluster read from.
    pub source: String,
    /// Cluster written to.
    pub target: String,
    /// Worst state of its topics.
    pub state: State,
    /// What an operator should know of the mirror as a whole, and that stops nothing.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Ordered by name.
    pub topics: Vec<TopicStatus>,
}

/// One source topic and its copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicStatus {
    /// Name on the source.
    pub source_topic: String,
    /// Name on the target.
    pub target_topic: String,
    /// Consumer group on the source that holds the committed positions.
    pub group: String,
    /// Worst state of its partitions.
    pub state: State,
    /// Why it is not running; of the first partition in the worst state.
    pub reason: Option<String>,
    /// What an operator should know though the topic runs: a copy with more partitions, a config that the target refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Sum over its partitions; absent while one of them is unknown.
    pub lag_records: Option<u64>,
    /// Longest of its partitions, in seconds; absent while one of them is unknown.
    pub lag_seconds: Option<f64>,
    /// Ordered by number.
    pub partitions: Vec<PartitionStatus>,
}

/// One source partition and its copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionStatus {
    /// The same number on source and target (I2).
    pub partition: i32,
    /// What it is doing.
    pub state: State,
    /// Why it is not running.
    pub reason: Option<String>,
    /// Next source offset to copy: everything before it is on the target.
    pub position: Option<i64>,
    /// First offset that the source still holds.
    pub source_start: Option<i64>,
    /// Offset after the last record of the source.
    pub source_end: Option<i64>,
    /// Offset after the last record of the target.
    pub target_end: Option<i64>,
    /// `source_end - position`.
    pub lag_records: Option<u64>,
    /// Age of the oldest record that is not on the target, in seconds: the RPO. 0 when caught up.
    pub lag_seconds: Option<f64>,
}

/// What a partition is doing, from best to worst: the greatest one stands for a topic or a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Records are copied as they come.
    Running,
    /// Not copying yet: discovery, topic creation, group join.
    Starting,
    /// Standing still for a cause that passes or that an operator set; resumes by itself or on request.
    Paused,
    /// Nobody is copying it: the source topic is gone, the topic was refused, no process is a member of its group.
    Stopped,
    /// The source log was cut back or recreated (`on_divergence`).
    Diverged,
    /// The target refuses a record for good (`on_rejected`).
    Rejected,
}

impl State {
    /// Every state, from best to worst.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Starting,
        Self::Paused,
        Self::Stopped,
        Self::Diverged,
        Self::Rejected,
    ];

    /// The state that stands for all of `states`; absent when there is none.
    pub fn worst(states: impl IntoIterator<Item = Self>) -> Option<Self> {
        states.into_iter().max()
    }

    /// As written in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Diverged => "diverged",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartitionStatus {
    /// A partition of which nothing but its state is known yet.
    pub fn new(partition: i32, state: State) -> Self {
        Self {
            partition,
            state,
            reason: None,
            position: None,
            source_start: None,
            source_end: None,
            target_end: None,
            lag_records: None,
            lag_seconds: None,
        }
    }
}

impl TopicStatus {
    /// Rolls `partitions` up: worst state with its first reason, lag summed in records and longest in
    /// seconds. Without partitions the topic is `starting` and its lag unknown.
    pub fn new(
        source_topic: impl Into<String>,
        target_topic: impl Into<String>,
        group: impl Into<String>,
        partitions: Vec<PartitionStatus>,
    ) -> Self {
        let state = State::worst(partitions.iter().map(|p| p.state)).unwrap_or(State::Starting);
        Self {
            source_topic: source_topic.into(),
            target_topic: target_topic.into(),
            group: group.into(),
            state,
            reason: first_reason(state, &partitions),
            notices: Vec::new(),
            lag_records: lag_records(&partitions),
            lag_seconds: lag_seconds(&partitions),
            partitions,
        }
    }

    /// A topic that stands still as a whole (refused, gone, not created yet), for `reason`.
    pub fn standing(
        source_topic: impl Into<String>,
        target_topic: impl Into<String>,
        group: impl Into<String>,
        state: State,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            state,
            reason: Some(reason.into()),
            ..Self::new(source_topic, target_topic, group, Vec::new())
        }
    }
}

impl MirrorStatus {
    /// Orders `topics` by name and rolls them up; `starting` while no topic is known.
    pub fn new(
        name: impl Into<String>,
        source: impl Into<String>,
        target: impl Into<String>,
        mut topics: Vec<TopicStatus>,
    ) -> Self {
        topics.sort_by(|a, b| a.source_topic.cmp(&b.source_topic));
        Self {
            name: name.into(),
            source: source.into(),
            target: target.into(),
            state: State::worst(topics.iter().map(|t| t.state)).unwrap_or(State::Starting),
            notices: Vec::new(),
            topics,
        }
    }

    /// Adds what can be told once the source has been looked at: that nothing is selected there but heartbeats.
    #[must_use]
    pub fn after_a_look(mut self) -> Self {
        let mut topics = self.topics.iter();
        if topics.all(|topic| is_heartbeat_topic(&topic.source_topic)) {
            self.notices.push(nothing_selected(&self.source));
        }
        self
    }
}

/// Patterns that select nothing are seldom meant.
pub fn nothing_selected(source: &str) -> String {
    format!(
        "no topic of {source} is selected; correct topics or exclude_topics, unless one is still to come"
    )
}

/// The partition is named, unless the same is the matter with all of them.
fn first_reason(state: State, partitions: &[PartitionStatus]) -> Option<String> {
    let first = partitions
        .iter()
        .find(|partition| partition.state == state && partition.reason.is_some())?;
    let reason = first.reason.as_ref()?;
    let same = |other: &PartitionStatus| other.state == state && other.reason == first.reason;
    Some(if partitions.iter().all(same) {
        reason.clone()
    } else {
        format!("partition {}: {reason}", first.partition)
    })
}

/// A sum with a hole in it would look better than the truth, so one unknown makes the whole unknown.
fn lag_records(partitions: &[PartitionStatus]) -> Option<u64> {
    if partitions.is_empty() {
        return None;
    }
    partitions
        .iter()
        .map(|partition| partition.lag_records)
        .sum()
}

fn lag_seconds(partitions: &[PartitionStatus]) -> Option<f64> {
    partitions
        .iter()
        .map(|partition| partition.lag_seconds)
        .reduce(|longest, next| Some(longest?.max(next?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32, state: State, lag: Option<(u64, f64)>) -> PartitionStatus {
        PartitionStatus {
            reason: (state != State::Running).then(|| format!("why {number}")),
            lag_records: lag.map(|(records, _)| records),
            lag_seconds: lag.map(|(_, seconds)| seconds),
            ..PartitionStatus::new(number, state)
        }
    }

    fn topic(partitions: Vec<PartitionStatus>) -> TopicStatus {
        TopicStatus::new("orders", "paris.orders", "kmirror.m.orders", partitions)
    }

    #[test]
    fn a_topic_is_as_bad_as_its_worst_partition_and_says_why() {
        let topic = topic(vec![
            partition(0, State::Running, Some((1, 0.5))),
            partition(1, State::Rejected, Some((2, 9.0))),
            partition(2, State::Paused, Some((3, 1.0))),
        ]);
        assert_eq!(topic.state, State::Rejected);
        assert_eq!(topic.reason.as_deref(), Some("partition 1: why 1"));
        assert_eq!(topic.lag_records, Some(6));
        assert_eq!(topic.lag_seconds, Some(9.0));
    }

    #[test]
    fn what_is_the_matter_with_every_partition_names_none() {
        let alike = |number| PartitionStatus {
            reason: Some("nobody reads it".to_owned()),
            ..partition(number, State::Stopped, None)
        };
        let topic = topic(vec![alike(0), alike(1)]);
        assert_eq!(topic.reason.as_deref(), Some("nobody reads it"));
    }

    #[test]
    fn one_unknown_lag_makes_the_topics_lag_unknown() {
        let topic = topic(vec![
            partition(0, State::Running, Some((1, 0.5))),
            partition(1, State::Starting, None),
        ]);
        assert_eq!((topic.lag_records, topic.lag_seconds), (None, None));
    }

    #[test]
    fn a_topic_without_partitions_is_starting() {
        let topic = topic(Vec::new());
        assert_eq!(topic.state, State::Starting);
        assert_eq!((topic.lag_records, topic.lag_seconds), (None, None));
    }

    #[test]
    fn a_mirror_orders_its_topics_and_takes_the_worst_state() {
        let stopped = TopicStatus::standing("a", "x.a", "g", State::Stopped, "gone");
        let mirror = MirrorStatus::new("m", "x", "y", vec![topic(Vec::new()), stopped]);
        assert_eq!(mirror.state, State::Stopped);
        assert_eq!(mirror.topics[0].source_topic, "a");
    }

    #[test]
    fn a_mirror_that_selects_nothing_but_heartbeats_is_told() {
        let named = |name: &str| TopicStatus::new(name, "x", "g", Vec::new());
        let notices = |topics| {
            let mirror = MirrorStatus::new("m", "x", "y", topics);
            mirror.after_a_look().notices
        };
        assert_eq!(notices(vec![]), [nothing_selected("x")]);
        assert_eq!(
            notices(vec![named("z.heartbeats")]),
            [nothing_selected("x")]
        );
        assert_eq!(notices(vec![named("heartbeats"), named("orders")]), [""; 0]);
    }

    #[test]
    fn states_read_the_same_in_json_and_in_words_and_grow_worse() {
        for state in State::ALL {
            let json = serde_json::to_string(&state).expect("a unit variant serialises");
            assert_eq!(json, format!("\"{state}\""));
        }
        assert!(State::ALL.is_sorted());
        assert_eq!(State::worst([]), None);
    }

    #[test]
    fn the_document_has_the_documented_keys() {
        let status = Status {
            mirrors: vec![MirrorStatus::new(
                "paris-dublin",
                "paris",
                "dublin",
                vec![topic(vec![PartitionStatus {
                    position: Some(4711),
                    source_start: Some(0),
                    source_end: Some(4723),
                    target_end: Some(4711),
                    ..partition(0, State::Running, Some((12, 0.4)))
                }])],
            )],
        };
        let expected = serde_json::json!({"mirrors":[{
            "name":"paris-dublin","source":"paris","target":"dublin","state":"running","notices":[],"topics":[{
                "source_topic":"orders","target_topic":"paris.orders","group":"kmirror.m.orders",
                "state":"running","reason":null,"lag_records":12,"lag_seconds":0.4,
                "partitions":[{"partition":0,"state":"running","reason":null,"position":4711,
                    "source_start":0,"source_end":4723,"target_end":4711,
                    "lag_records":12,"lag_seconds":0.4}]}]}]});
        assert_eq!(serde_json::to_value(&status).expect("serialises"), expected);
    }
}
