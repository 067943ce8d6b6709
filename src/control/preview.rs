//! Observes and plans once, as the control loop does, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::acl_sync::lacking;
use super::config_sync::deciding;
use super::copies::Creation;
use super::ends::{Ends, SetConfigs, set_configs};
use super::plan::{Action, TopicPlan, plan_topics};
use super::reason;
use super::rehearsal::refused_creations;
use super::wanted_configs::{Wanted, changes, wanted};
use crate::clusters::{Error, Inspector};
use crate::config::Mirror;
use crate::librdkafka::admin::acls::TopicAcl;
use crate::librdkafka::admin::config_changes::ConfigChange;

/// What the control loop would do now.
#[derive(Debug)]
pub struct Preview {
    /// Every selected topic, by name.
    pub topics: Vec<TopicPreview>,
    /// ACLs that it would create on the target.
    pub acls: Vec<TopicAcl>,
    /// Why it cannot follow ACLs.
    pub acl_trouble: Option<String>,
}

/// What it would do for one topic.
#[derive(Debug)]
pub struct TopicPreview {
    /// Names and action; a copy that the target would not create is refused.
    pub plan: TopicPlan,
    /// What a new copy gets.
    pub configs: Wanted,
    /// What it would change on the copy that is there.
    pub changes: Vec<ConfigChange>,
    /// Why the copy does not follow in full, though the topic runs.
    pub notices: Vec<String>,
}

/// Looks at both clusters.
///
/// # Errors
///
/// When one of them does not answer.
pub async fn preview(
    mirror: &Mirror,
    source: &Inspector,
    target: &Inspector,
) -> Result<Preview, Error> {
    let ends = Ends {
        mirror: mirror.clone(),
        source: source.clone(),
        target: target.clone(),
    };
    let (listed, there) = tokio::try_join!(source.topics(), target.topics())?;
    let mut plans = plan_topics(mirror, &listed, &there);
    let seen = Seen::read(&ends, &plans).await?;
    refuse_impossible(&ends, &mut plans, &seen).await;
    let (acls, acl_trouble) = acls(&ends, &plans).await;
    let topics = plans.into_iter().map(|plan| seen.preview(&ends, plan));
    Ok(Preview {
        topics: topics.collect(),
        acls,
        acl_trouble,
    })
}

/// Wanted of both clusters, as far as they are followed.
struct Seen {
    source: SetConfigs,
    copies: SetConfigs,
    /// The source topics that decide about their copies.
    deciding: BTreeSet<String>,
}

impl Seen {
    async fn read(ends: &Ends, plans: &[TopicPlan]) -> Result<Self, Error> {
        let is_followed =
            |plan: &&TopicPlan| ends.mirror.sync_topic_configs && !is_refused(&plan.action);
        let followed = plans.iter().filter(is_followed).map(|plan| &plan.names);
        let followed = deciding(&ends.mirror, followed);
        let originals = followed.iter().map(|names| names.source_topic.clone());
        let originals: Vec<_> = originals.collect();
        let created = plans.iter().filter_map(Creation::of);
        let created: BTreeSet<_> = created.map(|one| one.configured_by).collect();
        let there = followed
            .iter()
            .filter(|names| !created.contains(&names.source_topic));
        let copies: Vec<_> = there.map(|names| names.target_topic.clone()).collect();
        let (source, copies) = tokio::try_join!(
            set_configs(&ends.source, &originals),
            set_configs(&ends.target, &copies)
        )?;
        Ok(Self {
            source,
            copies,
            deciding: originals.into_iter().collect(),
        })
    }

    fn wanted(&self, mirror: &Mirror, topic: &str) -> Wanted {
        let values = self.source.get(topic).and_then(|it| it.as_ref().ok());
        values.map(|it| wanted(mirror, it)).unwrap_or_default()
    }

    fn preview(&self, ends: &Ends, plan: TopicPlan) -> TopicPreview {
        let mirror = &ends.mirror;
        let (source_topic, copy) = (&plan.names.source_topic, &plan.names.target_topic);
        let mut notices: Vec<_> = plan.notice.iter().cloned().collect();
        let (mut configs, mut differing) = (Wanted::new(), Vec::new());
        if self.deciding.contains(source_topic) {
            let unread = |cluster, topic: &String, seen: &SetConfigs| match seen.get(topic) {
                Some(Err(failure)) => Some(reason::configs_unread(cluster, topic, failure)),
                _ => None,
            };
            notices.extend(unread(&mirror.source, source_topic, &self.source));
            notices.extend(unread(&mirror.target, copy, &self.copies));
            if matches!(plan.action, Action::Create { .. }) {
                configs = self.wanted(mirror, source_topic);
            } else if let (Some(Ok(source)), Some(Ok(copy))) =
                (self.source.get(source_topic), self.copies.get(copy))
            {
                differing = changes(mirror, source, copy);
            }
        }
        TopicPreview {
            plan,
            configs,
            changes: differing,
            notices,
        }
    }
}

/// Turns creations that the target would not make into refusals.
async fn refuse_impossible(ends: &Ends, plans: &mut [TopicPlan], seen: &Seen) {
    let mirror = &ends.mirror;
    let configs = |topic: &str| seen.wanted(mirror, topic);
    let refused = refused_creations(mirror, &ends.target, plans, configs).await;
    let refused: BTreeMap<_, _> = refused.into_iter().collect();
    for plan in plans {
        let copy = &plan.names.target_topic;
        if let Some(error) = refused.get(copy) {
            plan.action = Action::Refuse(reason::not_created(&mirror.target, copy, error));
        }
    }
}

async fn acls(ends: &Ends, plans: &[TopicPlan]) -> (Vec<TopicAcl>, Option<String>) {
    if !ends.mirror.sync_acls {
        return (Vec::new(), None);
    }
    let followed = plans.iter().filter(|plan| !is_refused(&plan.action));
    let copies = followed.map(|plan| {
        let names = plan.names.clone();
        (names.source_topic, names.target_topic)
    });
    match lacking(ends, &copies.collect()).await {
        Ok(acls) => (acls, None),
        Err(trouble) => (Vec::new(), Some(trouble.reason)),
    }
}

fn is_refused(action: &Action) -> bool {
    matches!(action, Action::Refuse(_))
}
