//! Looks at both clusters once per interval, plans, and creates what is missing on the target.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use super::plan::{Action, TopicPlan, plan_topics};
use crate::clusters::inspector::CreateTopicError;
use crate::clusters::{Error, Inspector, TopicId, TopicInfo};
use crate::config;
use crate::metrics::{Metrics, Stage};
use crate::target::Limits;

/// Longest wait for one answer of a cluster.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Topics that are created at the same time.
const CREATING: usize = 16;

/// Both clusters of a mirror, as seen from outside the data path.
pub struct Discovery {
    mirror: config::Mirror,
    source: Inspector,
    target: Inspector,
    metrics: Metrics,
    /// Why the last look at each cluster failed, so that trouble is said once.
    trouble: BTreeMap<String, String>,
}

impl Discovery {
    /// Looks through `source` and `target`.
    pub fn new(
        mirror: config::Mirror,
        source: Inspector,
        target: Inspector,
        metrics: Metrics,
    ) -> Self {
        Self {
            mirror,
            source,
            target,
            metrics,
            trouble: BTreeMap::new(),
        }
    }

    /// What is to be done with each topic, missing copies having been created; or why that cannot be told now.
    pub async fn look(&mut self) -> Result<Vec<TopicPlan>, String> {
        let (source, target) = tokio::join!(self.source.topics(), self.target.topics());
        let source = self.heard(self.source.cluster().to_owned(), source);
        let target = self.heard(self.target.cluster().to_owned(), target);
        let mut plans = plan_topics(&self.mirror, &source?, &target?);
        self.create(&mut plans).await;
        Ok(plans)
    }

    /// What target topics take, as far as their configs may be read.
    pub async fn limits(&self, topics: &[String]) -> BTreeMap<String, Limits> {
        let answers = match self.target.all_topic_configs(topics).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, "target topic configs cannot be read, their limits are taken for the defaults");
                return BTreeMap::new();
            }
        };
        let limits = answers.into_iter();
        let limits = limits.filter_map(|topic| Some((topic.name, Limits::of(&topic.values.ok()?))));
        limits.collect()
    }

    /// Ids of those planned source topics that exist, where the source tells them; empty when it does not answer.
    pub async fn source_ids(&self, plans: &[TopicPlan]) -> BTreeMap<String, TopicId> {
        let mirrored = plans.iter().filter(|plan| plan.action == Action::Mirror);
        let names: Vec<_> = mirrored
            .map(|plan| plan.names.source_topic.clone())
            .collect();
        let ids = self.source.topic_ids(&names).await;
        ids.unwrap_or_else(|error| {
            tracing::debug!(%error, "topic ids cannot be read");
            BTreeMap::new()
        })
    }

    /// Notes whether a cluster answered.
    fn heard(
        &mut self,
        cluster: String,
        answer: Result<Vec<TopicInfo>, Error>,
    ) -> Result<Vec<TopicInfo>, String> {
        self.metrics.set_cluster_up(&cluster, answer.is_ok());
        match answer {
            Ok(topics) => {
                if self.trouble.remove(&cluster).is_some() {
                    tracing::warn!(cluster, "cluster answers again");
                }
                Ok(topics)
            }
            Err(error) => {
                let reason = error.to_string();
                self.metrics
                    .error(&self.mirror.name, Stage::Control, kind(&error));
                let before = self.trouble.insert(cluster.clone(), reason.clone());
                if before.is_none() {
                    tracing::error!(cluster, reason, "cluster does not answer, retrying");
                }
                Err(reason)
            }
        }
    }

    /// Creates the copies that are missing; a plan whose copy was refused says so.
    async fn create(&self, plans: &mut [TopicPlan]) {
        let missing = plans
            .iter_mut()
            .filter(|plan| plan.action == Action::Create);
        let mut missing: Vec<_> = missing.collect();
        for some in missing.chunks_mut(CREATING) {
            let configs = self.configs(some).await;
            let mut creating = JoinSet::new();
            for (index, plan) in some.iter().enumerate() {
                let target = self.target.clone();
                let name = plan.names.target_topic.clone();
                let partitions = plan.partitions;
                let replication = self.mirror.replication_factor;
                let configs = configs
                    .get(&plan.names.source_topic)
                    .cloned()
                    .unwrap_or_default();
                creating.spawn(async move {
                    let created = target
                        .create_topic(&name, partitions, replication, configs)
                        .await;
                    (index, created)
                });
            }
            while let Some(created) = creating.join_next().await {
                let (index, created) = created.expect("creating a topic does not panic");
                some[index].action = self.created(some[index], created);
            }
        }
    }

    fn created(&self, plan: &TopicPlan, created: Result<(), CreateTopicError>) -> Action {
        let topic = &plan.names.target_topic;
        match created {
            Ok(()) => {
                tracing::info!(topic, partitions = plan.partitions, "target topic created");
                Action::Mirror
            }
            // Another process of the same mirror was faster.
            Err(CreateTopicError::Exists) => Action::Mirror,
            Err(CreateTopicError::Refused(error)) => {
                self.metrics
                    .error(&self.mirror.name, Stage::Control, kind(&error));
                Action::Refuse(format!("target topic {topic} was not created: {error}"))
            }
        }
    }

    /// What is set on each source topic and belongs on its copy, from the copy's first moment.
    async fn configs(&self, plans: &[&mut TopicPlan]) -> BTreeMap<String, Vec<(String, String)>> {
        if !self.mirror.sync_topic_configs {
            return BTreeMap::new();
        }
        let names: Vec<_> = plans
            .iter()
            .map(|plan| plan.names.source_topic.clone())
            .collect();
        let answers = match self.source.topic_configs(&names).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, "source topic configs cannot be read, copies get the target's defaults");
                return BTreeMap::new();
            }
        };
        let topics = answers.into_iter().filter_map(|topic| {
            let values = topic.values.ok()?;
            let wanted = values
                .into_iter()
                .filter(|value| !self.mirror.exclude_configs.contains(&value.name));
            let configs = wanted.filter_map(|config| Some((config.name, config.value?)));
            Some((topic.name, configs.collect()))
        });
        topics.collect()
    }
}

/// A word for the metric.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Unreachable { .. } => "Unreachable",
        Error::Denied { .. } => "Denied",
        Error::Other { .. } => "Refused",
    }
}
