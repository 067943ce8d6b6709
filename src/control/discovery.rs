//! Observes both clusters once per interval, plans, has the plan carried out, and reports: the control loop of a mirror.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acl_sync::AclSync;
use super::config_sync::ConfigSync;
use super::copies::Copies;
use super::ends::{Ends, set_configs};
use super::plan::{Action, TopicPlan, plan_selected};
use super::reason;
use super::report::{About, Report};
use super::rights::Rights;
use super::selection::Selection;
use super::wanted_configs::{Wanted, wanted};
use crate::board::MirrorBoard;
use crate::clusters::{Error, Inspector, TopicInfo};
use crate::config;
use crate::librdkafka::admin::topic_creation::TopicSpec;
use crate::metrics::Metrics;
use crate::pipeline;
use crate::target::Limits;

/// Longest wait for one answer of a cluster.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Both clusters of a mirror, as seen from outside the data path.
pub struct Discovery {
    ends: Ends,
    metrics: Metrics,
    report: Report,
    selection: Selection,
    copies: Copies,
    configs: ConfigSync,
    acls: AclSync,
    readable: Rights,
    writable: Rights,
    /// What both clusters held at the last look; nothing is planned anew while they hold the same.
    seen: Option<Listings>,
    /// What came of the last plan.
    plans: Arc<[TopicPlan]>,
    /// Target topics that have more partitions than at the look before.
    grown: Vec<String>,
    /// Source topics that are there but may not be seen any more, with the right that is missing.
    hidden: BTreeMap<String, String>,
    /// Why the last look at each cluster failed, so that trouble is said once.
    trouble: BTreeMap<String, String>,
}

struct Listings {
    source: Arc<[TopicInfo]>,
    target: Arc<[TopicInfo]>,
}

impl Listings {
    fn are(&self, others: &Self) -> bool {
        let is = |one: &Arc<[_]>, other| Arc::ptr_eq(one, other) || one == other;
        is(&self.source, &others.source) && is(&self.target, &others.target)
    }
}

impl Discovery {
    /// Looks through `source` and `target`, and reports on `board`.
    pub fn new(
        mirror: config::Mirror,
        source: Inspector,
        target: Inspector,
        metrics: Metrics,
        board: Arc<MirrorBoard>,
    ) -> Self {
        Self {
            ends: Ends {
                mirror,
                source,
                target,
            },
            report: Report::new(board, metrics.clone()),
            metrics,
            selection: Selection::default(),
            copies: Copies::default(),
            configs: ConfigSync::default(),
            acls: AclSync::default(),
            readable: Rights::to_read(),
            writable: Rights::to_write(),
            seen: None,
            plans: Arc::new([]),
            grown: Vec::new(),
            hidden: BTreeMap::new(),
            trouble: BTreeMap::new(),
        }
    }

    /// What is to be done with each topic, by name, missing copies having been created and small ones grown; or why that
    /// cannot be told now.
    pub async fn look(&mut self) -> Result<Arc<[TopicPlan]>, String> {
        let (source, target) = (&self.ends.source, &self.ends.target);
        let (source, target) = tokio::join!(source.topics(), target.topics());
        let source = self.heard(self.ends.source.cluster().to_owned(), source);
        let target = self.heard(self.ends.target.cluster().to_owned(), target);
        let seen = Listings {
            source: source?,
            target: target?,
        };
        let is_news = !self.seen.as_ref().is_some_and(|before| before.are(&seen));
        if is_news || self.is_due(Instant::now()) {
            self.plan(&seen).await;
            if let Some(before) = self.seen.replace(seen) {
                self.see_grown(&before.target);
            }
        }
        Ok(Arc::clone(&self.plans))
    }

    /// Target topics that have grown since this was last asked, be it by this process.
    pub fn take_grown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.grown)
    }

    /// Brings configs and ACLs of copies after those of their source topics, as far as it is their turn.
    pub async fn follow(&mut self) {
        if self.ends.mirror.sync_topic_configs {
            self.configs.look(&self.ends, &mut self.report).await;
        }
        if self.ends.mirror.sync_acls {
            let plans = &self.plans;
            self.acls.look(&self.ends, plans, &mut self.report).await;
        }
    }

    /// Why a source topic is in no plan any more.
    pub fn why_gone(&self, topic: &str) -> String {
        let hidden = self.hidden.get(topic).cloned();
        hidden.unwrap_or_else(|| "the source topic is gone".to_owned())
    }

    /// What target topics take, as far as their configs may be read.
    pub async fn limits(&self, topics: &[String]) -> BTreeMap<String, Limits> {
        let answers = match self.ends.target.all_topic_configs(topics).await {
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

    /// Whether something that was refused is to be tried again by now.
    fn is_due(&self, now: Instant) -> bool {
        self.copies.is_due(now) || self.readable.is_due(now) || self.writable.is_due(now)
    }

    async fn plan(&mut self, seen: &Listings) {
        let Listings { source, target } = seen;
        let mirror = &self.ends.mirror;
        let mut plans = plan_selected(mirror, &mut self.selection, source, target);
        self.see_hidden(&plans).await;
        let creations = self.creations(&plans).await;
        let (target, report) = (&self.ends.target, &mut self.report);
        let carried_out = self.copies.carry_out(creations, &mut plans, target, report);
        carried_out.await;
        self.refuse_unusable(&mut plans).await;
        for plan in &plans {
            let notice = plan.notice.clone();
            self.report.notice(&plan.names, About::Partitions, notice);
        }
        self.configs.follow(&self.ends.mirror, &plans);
        self.plans = plans.into();
        self.forget_unplanned();
    }

    fn see_grown(&mut self, before: &[TopicInfo]) {
        let before: BTreeMap<_, _> = before.iter().map(|it| (&it.name, it.partitions)).collect();
        let target = self.seen.iter().flat_map(|seen| &*seen.target);
        let has_grown = |it: &&TopicInfo| before.get(&it.name).is_some_and(|n| *n < it.partitions);
        let grown = target.filter(has_grown).map(|it| it.name.clone());
        self.grown.extend(grown);
    }

    /// A topic that may be seen and not be read, or whose copy may not be written, is refused with the right that is missing.
    async fn refuse_unusable(&mut self, plans: &mut [TopicPlan]) {
        let (source, target) = (&self.ends.source, &self.ends.target);
        let mirrored = || plans.iter().filter(|plan| plan.action == Action::Mirror);
        let originals: Vec<_> = mirrored().map(|plan| &plan.names.source_topic).collect();
        let copies: Vec<_> = mirrored().map(|plan| &plan.names.target_topic).collect();
        self.readable.learn(source, &originals).await;
        self.writable.learn(target, &copies).await;
        for plan in plans
            .iter_mut()
            .filter(|plan| plan.action == Action::Mirror)
        {
            let (original, copy) = (&plan.names.source_topic, &plan.names.target_topic);
            let unreadable = self.readable.missing(source.cluster(), original);
            let missing = unreadable.or_else(|| self.writable.missing(target.cluster(), copy));
            if let Some(reason) = missing {
                plan.action = Action::Refuse(reason);
            }
        }
    }

    /// What is known of topics that are planned no longer.
    fn forget_unplanned(&mut self) {
        let plans = &self.plans;
        let is_planned = |topic: &str| {
            let found = plans.binary_search_by(|plan| plan.names.source_topic.as_str().cmp(topic));
            found.is_ok()
        };
        self.report.retain(is_planned);
        self.readable.retain(is_planned);
        let copies: HashSet<_> = plans.iter().map(|it| &*it.names.target_topic).collect();
        self.writable.retain(|copy| copies.contains(copy));
    }

    /// Finds out about topics that were planned and are listed no longer: one that may not be described looks as if it
    /// were gone.
    async fn see_hidden(&mut self, plans: &[TopicPlan]) {
        let listed: HashSet<_> = plans.iter().map(|plan| &plan.names.source_topic).collect();
        let planned = self.plans.iter().map(|plan| &plan.names.source_topic);
        let gone = planned.chain(self.hidden.keys());
        let gone: Vec<_> = gone
            .filter(|name| !listed.contains(name))
            .cloned()
            .collect();
        self.hidden.clear();
        if gone.is_empty() {
            return;
        }
        let Ok(denied) = self.ends.source.denied_topics(&gone).await else {
            return;
        };
        let cluster = &self.ends.mirror.source;
        let hidden = denied.into_iter().map(|(topic, failure)| {
            let reason = reason::not_shown(cluster, &topic, &failure);
            (topic, reason)
        });
        self.hidden = hidden.collect();
    }

    /// The copies to create now, with the configs that they get from the first moment. Without an answer about those none
    /// is created: what a copy deletes or compacts by wrong configs does not come back.
    async fn creations(&mut self, plans: &[TopicPlan]) -> Vec<TopicSpec> {
        let creations = self.copies.to_create(plans, Instant::now());
        let sources = creations.iter().map(|one| one.configured_by.clone());
        let mut configs = match self.wanted_configs(sources.collect()).await {
            Ok(configs) => configs,
            Err(error) => {
                let reason = format!(
                    "its copy is not created while the source does not tell the configs: {error}"
                );
                self.report.count((&error).into());
                self.copies.put_off(&creations, &reason);
                return Vec::new();
            }
        };
        let specs = creations.into_iter().map(|creation| {
            let configs = configs.remove(&creation.configured_by);
            creation.spec(&self.ends.mirror, configs.unwrap_or_default())
        });
        specs.collect()
    }

    async fn wanted_configs(&self, topics: Vec<String>) -> Result<BTreeMap<String, Wanted>, Error> {
        let mirror = &self.ends.mirror;
        if !mirror.sync_topic_configs || topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let answers = set_configs(&self.ends.source, &topics).await?.into_iter();
        let known =
            answers.filter_map(|(topic, values)| Some((topic, wanted(mirror, &values.ok()?))));
        Ok(known.collect())
    }

    /// Tells why a topic that runs is not as the plan wants it, or with `None` that it is.
    pub fn tell_refused(&mut self, names: &pipeline::Plan, reason: Option<String>) {
        self.report.notice(names, About::Copy, reason);
    }

    /// Notes whether a cluster answered.
    fn heard(
        &mut self,
        cluster: String,
        answer: Result<Arc<[TopicInfo]>, Error>,
    ) -> Result<Arc<[TopicInfo]>, String> {
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
                self.report.count((&error).into());
                let before = self.trouble.insert(cluster.clone(), reason.clone());
                if before.is_none() {
                    tracing::error!(cluster, reason, "cluster does not answer, retrying");
                }
                Err(reason)
            }
        }
    }
}
