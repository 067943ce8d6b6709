//! Decides what to do with each source topic: a pure function of the configuration and of what both clusters hold.

use std::collections::{BTreeMap, HashMap};

use super::reason;
use super::selection::{Selected, Selection};
use crate::clusters::{TopicId, TopicInfo};
use crate::config::Mirror;
use crate::pipeline;

pub use super::selection::names;

/// What is to be done with one source topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    /// Names of topic, copy and group.
    pub names: pipeline::Plan,
    /// Partitions on the source.
    pub partitions: u32,
    /// The id of the source topic, where the source tells it.
    pub source_id: Option<TopicId>,
    /// What to do.
    pub action: Action,
    /// What an operator should know of the copy, though the topic runs.
    pub notice: Option<String>,
}

/// What to do with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Mirror it; the target topic is there.
    Mirror,
    /// Create the target topic, then mirror it.
    Create {
        /// Partitions of the new topic.
        partitions: u32,
    },
    /// Add partitions to the target topic, then mirror it.
    Grow {
        /// Partitions that it has.
        from: u32,
        /// Partitions that it is to have: always more.
        to: u32,
    },
    /// Leave it alone, for this reason.
    Refuse(String),
}

/// Plans every source topic that the mirror's patterns select, by name.
pub fn plan_topics(mirror: &Mirror, source: &[TopicInfo], target: &[TopicInfo]) -> Vec<TopicPlan> {
    plan_selected(mirror, &mut Selection::default(), source, target)
}

/// As [`plan_topics`], by what is known of the names from earlier plans.
pub fn plan_selected(
    mirror: &Mirror,
    selection: &mut Selection,
    source: &[TopicInfo],
    target: &[TopicInfo],
) -> Vec<TopicPlan> {
    let mut selected = selection.select(mirror, source);
    selected.sort_by_key(|(topic, _)| &topic.name);
    let wanted = wanted_partitions(&selected);
    let mut target = Target::new(target);
    let plans = selected.iter().map(|(topic, selected)| {
        let copy = &selected.names.target_topic;
        let partitions = wanted.get(&**copy).copied().unwrap_or(topic.partitions);
        let action = match obstacle(mirror, topic, selected) {
            Some(reason) => Action::Refuse(reason),
            None => target.action(mirror, copy, partitions),
        };
        TopicPlan {
            names: selected.names.clone(),
            partitions: topic.partitions,
            source_id: topic.id.clone(),
            notice: target.notice(&action, copy, partitions),
            action,
        }
    });
    plans.collect()
}

/// Partitions of each copy: those of its source topic, or of the largest when several share it.
fn wanted_partitions<'a>(selected: &[(&TopicInfo, &'a Selected)]) -> HashMap<&'a str, u32> {
    let mut wanted = HashMap::with_capacity(selected.len());
    for (topic, selected) in selected {
        let most: &mut u32 = wanted.entry(&*selected.names.target_topic).or_default();
        *most = (*most).max(topic.partitions);
    }
    wanted
}

/// What forbids to mirror a topic whatever the target holds.
fn obstacle(mirror: &Mirror, topic: &TopicInfo, selected: &Selected) -> Option<String> {
    let hidden = |failure| reason::not_shown(&mirror.source, &topic.name, failure);
    selected
        .refused
        .clone()
        .or_else(|| topic.error.as_ref().map(hidden))
}

/// What the target holds, and will hold once the plan so far is carried out.
struct Target<'a> {
    topics: HashMap<&'a str, &'a TopicInfo>,
    /// Names that are taken, by what Kafka's own metrics make of them.
    taken: BTreeMap<String, String>,
}

impl<'a> Target<'a> {
    fn new(topics: &'a [TopicInfo]) -> Self {
        let named = topics.iter().map(|topic| (&*topic.name, topic));
        let taken = topics
            .iter()
            .map(|topic| (metric_name(&topic.name), topic.name.clone()));
        Self {
            topics: named.collect(),
            taken: taken.collect(),
        }
    }

    fn action(&mut self, mirror: &Mirror, name: &str, wanted: u32) -> Action {
        match self.topics.get(name) {
            Some(copy) => existing(mirror, copy, wanted),
            None if mirror.create_topics => self.create(name, wanted),
            None => Action::Refuse(format!(
                "target topic {name} does not exist and create_topics is false; create it with {wanted} partitions"
            )),
        }
    }

    /// Creates a copy unless its name collides with one that is taken, and takes it. Several source topics may share one.
    fn create(&mut self, name: &str, partitions: u32) -> Action {
        match self.taken.get(&metric_name(name)) {
            Some(other) if other != name => Action::Refuse(format!(
                "its name on the target, {name}, collides with {other}, since Kafka takes '.' and '_' for the same; rename one with target_topic in a mirror of its own, or exclude it"
            )),
            _ => {
                self.taken.insert(metric_name(name), name.to_owned());
                Action::Create { partitions }
            }
        }
    }

    /// A copy with partitions that no source topic writes to stays as it is.
    fn notice(&self, action: &Action, name: &str, wanted: u32) -> Option<String> {
        let has = self.topics.get(name)?.partitions;
        (*action == Action::Mirror && has > wanted).then(|| {
            format!("target topic {name} has {has} partitions and the source {wanted}: the others get nothing from it, and stay")
        })
    }
}

/// What to do with a topic whose copy is there.
fn existing(mirror: &Mirror, copy: &TopicInfo, wanted: u32) -> Action {
    let (name, has) = (&copy.name, copy.partitions);
    match &copy.error {
        // It shows no partitions then, and must not be taken for one that is to grow.
        Some(failure) => Action::Refuse(format!(
            "its copy cannot be used: {}",
            reason::not_shown(&mirror.target, name, failure)
        )),
        None if has >= wanted => Action::Mirror,
        None if mirror.sync_partitions => Action::Grow {
            from: has,
            to: wanted,
        },
        None => Action::Refuse(format!(
            "target topic {name} has {has} partitions and the source {wanted}, so that records could not keep theirs; add partitions to {name}, or set sync_partitions: true"
        )),
    }
}

/// What a topic is called in Kafka's own metrics: names that are the same there may not exist side by side.
fn metric_name(topic: &str) -> String {
    topic.replace('.', "_")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(super) mod tests;
