//! Compares what a client may do with what mirroring needs of it.

use std::collections::HashMap;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::Problems;
use crate::librdkafka::admin::Failure;
use crate::librdkafka::admin::cluster_description::AclOperation;
pub(super) use crate::librdkafka::admin::topic_rights::TopicRights;

pub(super) const READ: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_READ;
pub(super) const WRITE: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_WRITE;
pub(super) const ALTER: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_ALTER;
pub(super) const DESCRIBE: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE;

/// What it may do with a group or a cluster; absent where the broker does not tell.
pub(super) type Rights = Option<Vec<AclOperation>>;

/// Groups that are named; of more only their number is said.
const NAMED: usize = 5;

/// Topics on `cluster` that the client may not use as `needed`, each with the ACLs to add. A broker that does not tell
/// what is allowed is believed to allow it.
pub(super) fn topics(cluster: &str, needed: &[AclOperation], topics: &[TopicRights]) -> Problems {
    topics
        .iter()
        .filter_map(|one| topic(cluster, needed, one))
        .collect()
}

/// The same of one topic.
pub(super) fn topic(cluster: &str, needed: &[AclOperation], topic: &TopicRights) -> Option<String> {
    let name = &topic.topic;
    let missing = match &topic.rights {
        Ok(rights) => missing(rights.as_deref(), needed),
        // Whoever may read or write may describe, too.
        Err(failure) if failure.code == Code::TopicAuthorizationFailed => needed.to_vec(),
        Err(failure) => return Some(format!("topic {name} on {cluster}: {failure}")),
    };
    let remedy = remedy(&missing)?;
    Some(format!("topic {name} on {cluster}: {remedy} it"))
}

/// What is missing on `cluster` as a whole, and what for.
pub(super) fn whole_cluster(
    cluster: &str,
    rights: &Rights,
    needed: &[AclOperation],
    purpose: &str,
) -> Option<String> {
    let remedy = remedy(&missing(rights.as_deref(), needed))?;
    Some(format!(
        "cluster {cluster}: {remedy} the cluster, {purpose}"
    ))
}

/// Groups on `cluster` that the client may not use as `needed`, each with the ACL to add and with what it is for.
pub(super) fn groups<'a>(
    cluster: &str,
    needed: AclOperation,
    groups: impl IntoIterator<Item = (&'a String, &'a Result<Rights, Failure>)>,
    purpose: &str,
) -> Problems {
    let refused = groups.into_iter().filter_map(|(name, answer)| {
        let missing = match answer {
            Ok(rights) => missing(rights.as_deref(), &[needed]),
            Err(failure) if failure.code == Code::GroupAuthorizationFailed => vec![needed],
            // Nobody knows it yet, so that nobody tells.
            Err(failure) if failure.code == Code::GroupIdNotFound => Vec::new(),
            Err(failure) => return Some(format!("group {name} on {cluster}: {failure}")),
        };
        let remedy = remedy(&missing)?;
        Some(format!("group {name} on {cluster}: {remedy} it, {purpose}"))
    });
    shortened(refused.collect(), cluster)
}

/// The first few, and how many more there are.
fn shortened(mut problems: Problems, cluster: &str) -> Problems {
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    if more > 0 {
        problems.push(format!("{more} further groups on {cluster}: the same"));
    }
    problems
}

fn missing(rights: Option<&[AclOperation]>, needed: &[AclOperation]) -> Vec<AclOperation> {
    let Some(rights) = rights else {
        return Vec::new();
    };
    let is_missing = |operation: &&AclOperation| {
        let all = AclOperation::RD_KAFKA_ACL_OPERATION_ALL;
        !rights.contains(operation) && !rights.contains(&all)
    };
    needed.iter().filter(is_missing).copied().collect()
}

/// What is not allowed, and what to add; ends before what it is about. `None` when nothing is missing.
fn remedy(missing: &[AclOperation]) -> Option<String> {
    let names: Vec<_> = missing.iter().copied().map(name_of).collect();
    let words = names.join(" and ");
    match names.len() {
        0 => None,
        1 => Some(format!("{words} is not allowed; add an ACL for {words} on")),
        _ => Some(format!("{words} are not allowed; add ACLs for {words} on")),
    }
}

fn name_of(operation: AclOperation) -> &'static str {
    match operation {
        READ => "READ",
        WRITE => "WRITE",
        ALTER => "ALTER",
        DESCRIBE => "DESCRIBE",
        _ => "access",
    }
}

/// Answers by the topic that they are about.
pub(super) fn by_topic(answers: Vec<TopicRights>) -> HashMap<String, TopicRights> {
    let answers = answers.into_iter();
    answers.map(|one| (one.topic.clone(), one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_ALL;

    fn told(rights: Result<Rights, Failure>) -> TopicRights {
        TopicRights {
            topic: "orders".to_owned(),
            rights,
        }
    }

    fn denied(code: Code) -> Failure {
        Failure {
            code,
            message: "not authorized".to_owned(),
        }
    }

    #[test]
    fn a_right_is_missing_only_where_the_broker_says_so() {
        let enough = [None, Some(vec![READ]), Some(vec![ALL])];
        let enough = enough.map(|rights| told(Ok(rights)));
        assert_eq!(topics("paris", &[READ], &enough), Problems::new());
        assert_eq!(
            topics("paris", &[READ], &[told(Ok(Some(vec![WRITE])))]),
            ["topic orders on paris: READ is not allowed; add an ACL for READ on it"]
        );
    }

    #[test]
    fn of_a_topic_that_may_not_be_described_all_that_is_needed_is_missing() {
        let hidden = told(Err(denied(Code::TopicAuthorizationFailed)));
        assert_eq!(
            topic("paris", &[READ, WRITE], &hidden).as_deref(),
            Some(
                "topic orders on paris: READ and WRITE are not allowed; add ACLs for READ and WRITE on it"
            )
        );
    }

    #[test]
    fn of_many_groups_only_some_are_named() {
        let names: Vec<_> = (0..7).map(|number| format!("group-{number}")).collect();
        let answer = Err(denied(Code::GroupAuthorizationFailed));
        let told = groups(
            "paris",
            READ,
            names.iter().map(|name| (name, &answer)),
            "to x",
        );
        assert_eq!(told.len(), NAMED + 1);
        let first = "group group-0 on paris: READ is not allowed; add an ACL for READ on it, to x";
        assert_eq!(told[0], first);
        assert_eq!(told[NAMED], "2 further groups on paris: the same");
    }

    #[test]
    fn of_a_group_that_nobody_knows_nothing_is_told() {
        let (name, answer) = ("new".to_owned(), Err(denied(Code::GroupIdNotFound)));
        assert_eq!(
            groups("paris", READ, [(&name, &answer)], ""),
            Problems::new()
        );
    }
}
