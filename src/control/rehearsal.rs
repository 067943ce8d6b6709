//! Has the target say which of the planned copies it would not create, and creates none.

use super::copies::Creation;
use super::plan::TopicPlan;
use super::wanted_configs::Wanted;
use crate::clusters::{ChangeError, Inspector};
use crate::config::Mirror;
use crate::librdkafka::admin::topic_creation::{Mode, TopicSpec};

/// The copies that would be refused, by name, each for the target's own reason: rights, name, replication factor or
/// configs. `configs` gives those that a copy gets after its source topic.
pub async fn refused_creations(
    mirror: &Mirror,
    target: &Inspector,
    plans: &[TopicPlan],
    configs: impl Fn(&str) -> Wanted,
) -> Vec<(String, ChangeError)> {
    let mut specs: Vec<TopicSpec> = plans
        .iter()
        .filter_map(Creation::of)
        .map(|creation| {
            let configs = configs(&creation.configured_by);
            creation.spec(mirror, configs)
        })
        .collect();
    // Several source topics may share a copy; the configs are those of the first.
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs.dedup_by(|later, first| later.name == first.name);
    let outcomes = target.create_topics(specs.clone(), Mode::Rehearse).await;
    let refused = specs.into_iter().zip(outcomes);
    let refused = refused.filter_map(|(topic, outcome)| Some((topic.name, outcome.err()?)));
    refused.collect()
}
