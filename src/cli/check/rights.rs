//! Compares what a client may do with what mirroring needs of it.

use super::Problems;
use crate::librdkafka::admin::Failure;
use crate::librdkafka::admin::cluster_description::AclOperation;
use crate::librdkafka::admin::group_members::GroupDescription;
use crate::librdkafka::admin::topic_descriptions::PerTopic;

type TopicRights = PerTopic<Vec<AclOperation>>;

/// Topics on `cluster` that the client may not use as `needed`, each with the ACL to add. A broker that
/// does not tell what is allowed is believed to allow it.
pub(super) fn topics(cluster: &str, needed: AclOperation, topics: &[TopicRights]) -> Problems {
    let problem = |topic: &TopicRights| {
        let name = &topic.topic;
        match &topic.answer {
            Err(failure) => Some(format!("topic {name} on {cluster}: {failure}")),
            Ok(Some(rights)) if !allows(rights, needed) => {
                let right = name_of(needed);
                Some(format!(
                    "topic {name} on {cluster}: {right} is not allowed; add an ACL for {right} on it"
                ))
            }
            Ok(_) => None,
        }
    };
    topics.iter().filter_map(problem).collect()
}

/// Groups on `cluster` that the client may not look at, and so not join either.
pub(super) fn groups<'a>(
    cluster: &str,
    groups: impl IntoIterator<Item = (&'a String, &'a Result<GroupDescription, Failure>)>,
) -> Problems {
    let refused = groups.into_iter().filter_map(|(name, answer)| {
        let failure = answer.as_ref().err()?;
        Some(format!(
            "group {name} on {cluster}: {failure}; add an ACL for READ on groups that begin with kmirror."
        ))
    });
    refused.collect()
}

fn allows(rights: &[AclOperation], needed: AclOperation) -> bool {
    rights.contains(&needed) || rights.contains(&AclOperation::RD_KAFKA_ACL_OPERATION_ALL)
}

fn name_of(operation: AclOperation) -> &'static str {
    match operation {
        AclOperation::RD_KAFKA_ACL_OPERATION_READ => "READ",
        AclOperation::RD_KAFKA_ACL_OPERATION_WRITE => "WRITE",
        _ => "access",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_READ;
    const WRITE: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_WRITE;
    const ALL: AclOperation = AclOperation::RD_KAFKA_ACL_OPERATION_ALL;

    fn topic(rights: Option<Vec<AclOperation>>) -> TopicRights {
        TopicRights {
            topic: "orders".to_owned(),
            answer: Ok(rights),
        }
    }

    #[test]
    fn a_right_is_missing_only_where_the_broker_says_so() {
        let enough = [topic(None), topic(Some(vec![READ])), topic(Some(vec![ALL]))];
        assert_eq!(topics("paris", READ, &enough), Problems::new());
        assert_eq!(
            topics("paris", READ, &[topic(Some(vec![WRITE]))]),
            ["topic orders on paris: READ is not allowed; add an ACL for READ on it"]
        );
    }
}
