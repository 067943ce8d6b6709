//! Copies the ACLs of source topics to their copies, every so often, where `sync_acls` asks for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode;

use super::ends::Ends;
use super::plan::{Action, TopicPlan};
use super::reason;
use super::report::Report;
use super::wanted_acls::missing;
use crate::clusters::{ChangeError, Error, Inspector};
use crate::librdkafka::admin::acls::TopicAcl;
use crate::librdkafka::admin::cluster_description::AclOperation;

/// Time between two looks at the ACLs of both clusters: they change seldom, and one request answers with all of them.
const INTERVAL: Duration = Duration::from_secs(30);

/// When the ACLs are to be looked at again.
#[derive(Default)]
pub struct AclSync {
    looked_at: Option<Instant>,
}

impl AclSync {
    /// Looks at the ACLs of both clusters if it is time to, and creates what the copies lack.
    pub async fn look(&mut self, ends: &Ends, plans: &[TopicPlan], report: &mut Report) {
        let is_due = self.looked_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        let copies = copies(plans);
        if !is_due || copies.is_empty() {
            return;
        }
        self.looked_at = Some(Instant::now());
        let trouble = match lacking(ends, &copies).await {
            Ok(acls) => create(ends, acls, report).await,
            Err(error) => Some(error),
        };
        if let Some(trouble) = &trouble {
            report.count(trouble.kind);
        }
        report.say("ACLs", trouble.map(|it| it.reason));
    }
}

/// Why ACLs are not followed.
pub struct Trouble {
    kind: reason::Kind,
    /// In words, with the remedy.
    pub reason: String,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self {
            kind: (&error).into(),
            reason: error.to_string(),
        }
    }
}

/// The copies of mirrored topics.
fn copies(plans: &[TopicPlan]) -> BTreeMap<String, String> {
    let mirrored = plans.iter().filter(|plan| plan.action == Action::Mirror);
    let names = mirrored.map(|plan| plan.names.clone());
    names
        .map(|names| (names.source_topic, names.target_topic))
        .collect()
}

/// The ACLs that `copies`, by source topic, do not have yet.
pub async fn lacking(
    ends: &Ends,
    copies: &BTreeMap<String, String>,
) -> Result<Vec<TopicAcl>, Trouble> {
    for cluster in [&ends.source, &ends.target] {
        check_right_to_describe(cluster).await?;
    }
    let (source, target) = tokio::try_join!(ends.source.topic_acls(), ends.target.topic_acls())?;
    Ok(missing(copies, &source, &target))
}

/// Without this right a cluster shows no ACLs at all, which is not the same as having none.
async fn check_right_to_describe(inspector: &Inspector) -> Result<(), Trouble> {
    const ENOUGH: [AclOperation; 3] = [
        AclOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
        AclOperation::RD_KAFKA_ACL_OPERATION_ALTER,
        AclOperation::RD_KAFKA_ACL_OPERATION_ALL,
    ];
    let rights = inspector.describe().await?.rights;
    match rights {
        Some(rights) if !rights.iter().any(|right| ENOUGH.contains(right)) => Err(Trouble {
            kind: reason::Kind::Denied,
            reason: reason::missing_cluster_right(inspector.cluster(), "DESCRIBE"),
        }),
        _ => Ok(()),
    }
}

async fn create(ends: &Ends, acls: Vec<TopicAcl>, report: &Report) -> Option<Trouble> {
    let outcomes = ends.target.create_topic_acls(acls.clone()).await;
    let mut trouble = None;
    for (acl, outcome) in acls.iter().zip(outcomes) {
        match outcome {
            Ok(()) => tracing::info!(
                topic = acl.topic,
                principal = acl.principal,
                host = acl.host,
                operation = acl.operation_name(),
                permission = acl.permission_name(),
                "ACL created on the target"
            ),
            Err(error) => {
                let refused = refused(&ends.mirror.target, acl, &error);
                report.count(refused.kind);
                trouble = Some(refused);
            }
        }
    }
    trouble
}

fn refused(cluster: &str, acl: &TopicAcl, error: &ChangeError) -> Trouble {
    let reason = if error.is(RDKafkaErrorCode::SecurityDisabled) {
        format!(
            "{cluster} has no authorizer, so that it takes no ACLs; configure one there, or set sync_acls: false"
        )
    } else if error.is(RDKafkaErrorCode::ClusterAuthorizationFailed) {
        reason::missing_cluster_right(cluster, "ALTER")
    } else {
        let (topic, principal) = (&acl.topic, &acl.principal);
        format!("an ACL of {principal} on topic {topic} was not created: {error}")
    };
    Trouble {
        kind: error.into(),
        reason,
    }
}
