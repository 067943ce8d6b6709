//! Decides once per name whether a source topic is selected, what it is called on the target, and what its name forbids.

use std::collections::HashMap;

use crate::clusters::TopicInfo;
use crate::config::{ConsumerGroups, Mirror, validate_topic_name};
use crate::pipeline;

/// A topic that the patterns select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Names of topic, copy and group.
    pub names: pipeline::Plan,
    /// Why its name, or that of its copy, forbids to mirror it.
    pub refused: Option<String>,
}

/// What was decided about each name. Nothing but the configuration bears on it, so with ten thousand topics no pattern
/// is matched twice.
#[derive(Debug, Default)]
pub struct Selection(HashMap<String, Option<Selected>>);

impl Selection {
    /// The selected ones among `topics`. Names that are gone are forgotten.
    pub fn select<'t, 's>(
        &'s mut self,
        mirror: &Mirror,
        topics: &'t [TopicInfo],
    ) -> Vec<(&'t TopicInfo, &'s Selected)> {
        for topic in topics {
            if !self.0.contains_key(&topic.name) {
                self.0
                    .insert(topic.name.clone(), decide(mirror, &topic.name));
            }
        }
        if self.0.len() > topics.len() {
            let present: std::collections::HashSet<_> =
                topics.iter().map(|topic| &topic.name).collect();
            self.0.retain(|name, _| present.contains(name));
        }
        let decided = topics.iter().map(|topic| (topic, &self.0[&topic.name]));
        decided
            .filter_map(|(topic, selected)| Some((topic, selected.as_ref()?)))
            .collect()
    }
}

fn decide(mirror: &Mirror, topic: &str) -> Option<Selected> {
    mirror.selects(topic).then(|| {
        let names = names(mirror, topic);
        let refused = forbidden(mirror, &names);
        Selected { names, refused }
    })
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

fn forbidden(mirror: &Mirror, names: &pipeline::Plan) -> Option<String> {
    if let Some(cluster) = mirror.came_from(&names.source_topic) {
        return Some(format!(
            "its name says that it came from {cluster}, so that it would go round in a circle; exclude it, or write a target_topic without {{source}}. in front"
        ));
    }
    let name = &names.target_topic;
    let invalid = validate_topic_name(name).err()?;
    Some(format!(
        "{name} cannot be its name on the target: {invalid}"
    ))
}
