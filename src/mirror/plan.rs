//! Decides what to do with each source topic: a pure function of the configuration and of what both clusters hold.

use std::collections::BTreeMap;

use crate::clusters::TopicInfo;
use crate::config::{ConsumerGroups, Mirror, validate_topic_name};
use crate::pipeline;

/// What is to be done with one source topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    /// Names of topic, copy and group.
    pub names: pipeline::Plan,
    /// Partitions on the source.
    pub partitions: u32,
    /// What to do.
    pub action: Action,
}

/// What to do with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Mirror it; the target topic is there.
    Mirror,
    /// Create the target topic, then mirror it.
    Create,
    /// Leave it alone, for this reason.
    Refuse(String),
}

/// Plans every source topic that the mirror's patterns select, by name.
pub fn plan_topics(mirror: &Mirror, source: &[TopicInfo], target: &[TopicInfo]) -> Vec<TopicPlan> {
    let target: BTreeMap<&str, &TopicInfo> = target
        .iter()
        .map(|topic| (topic.name.as_str(), topic))
        .collect();
    let mut selected: Vec<&TopicInfo> = source
        .iter()
        .filter(|topic| mirror.selects(&topic.name))
        .collect();
    selected.sort_by(|a, b| a.name.cmp(&b.name));
    let mut taken: BTreeMap<String, String> = target
        .keys()
        .map(|name| (metric_name(name), (*name).to_owned()))
        .collect();
    let plans = selected.into_iter().map(|topic| {
        let names = names(mirror, &topic.name);
        let copy = target.get(names.target_topic.as_str()).copied();
        let action = match action(mirror, topic, &names.target_topic, copy) {
            Action::Create => create(&names.target_topic, &mut taken),
            action => action,
        };
        TopicPlan {
            names,
            partitions: topic.partitions,
            action,
        }
    });
    plans.collect()
}

/// Creates a copy unless its name collides with one that is taken, and takes it.
fn create(name: &str, taken: &mut BTreeMap<String, String>) -> Action {
    match taken.get(&metric_name(name)) {
        Some(other) => Action::Refuse(format!(
            "its name on the target, {name}, collides with {other}, since Kafka takes '.' and '_' for the same; rename one with target_topic in a mirror of its own, or exclude it"
        )),
        None => {
            taken.insert(metric_name(name), name.to_owned());
            Action::Create
        }
    }
}

/// What a topic is called in Kafka's own metrics: names that are the same there may not exist side by side.
fn metric_name(topic: &str) -> String {
    topic.replace('.', "_")
}

/// Names on the target and of the group, for a source topic.
pub fn names(mirror: &Mirror, topic: &str) -> pipeline::Plan {
    let per_topic = format!("kmirror.{}.{topic}", mirror.name);
    // No topic has an empty name, and no mirror's name a dot.
    let shared = format!("kmirror.{}", mirror.name);
    let (group, other_group) = match mirror.consumer_groups {
        ConsumerGroups::PerTopic => (per_topic, shared),
        ConsumerGroups::Shared => (shared, per_topic),
    };
    pipeline::Plan {
        source_topic: topic.to_owned(),
        target_topic: mirror.target_name(topic),
        group,
        other_group,
    }
}

fn action(mirror: &Mirror, topic: &TopicInfo, name: &str, target: Option<&TopicInfo>) -> Action {
    if let Some(cluster) = mirror.came_from(&topic.name) {
        return Action::Refuse(format!(
            "its name says that it came from {cluster}, so that it would go round in a circle; exclude it, or write a target_topic without {{source}}. in front"
        ));
    }
    if let Err(invalid) = validate_topic_name(name) {
        return Action::Refuse(format!(
            "{name} cannot be its name on the target: {invalid}"
        ));
    }
    if let Some(error) = &topic.error {
        return Action::Refuse(format!("the source does not show it: {error}"));
    }
    match target {
        Some(target) if target.partitions < topic.partitions => Action::Refuse(format!(
            "target topic {name} has {} partitions and the source {}, so that records could not keep theirs; add partitions to {name}",
            target.partitions, topic.partitions
        )),
        Some(_) => Action::Mirror,
        None if mirror.create_topics => Action::Create,
        None => Action::Refuse(format!(
            "target topic {name} does not exist and create_topics is false; create it with {} partitions",
            topic.partitions
        )),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
