//! Decides which ACLs a copy is to have after those of its source topic: MirrorMaker 2's rules, a pure function.

use std::collections::{BTreeMap, HashSet};

use crate::librdkafka::admin::acls::{AclPermission, TopicAcl};
use crate::librdkafka::admin::cluster_description::AclOperation;

/// The ACLs that copies do not have yet, in the order of the source's; `copies` names the copy of each mirrored source
/// topic. None is ever taken away from a copy: who else may use it is for its cluster to say.
pub fn missing(
    copies: &BTreeMap<String, String>,
    source: &[TopicAcl],
    target: &[TopicAcl],
) -> Vec<TopicAcl> {
    let mut there: HashSet<TopicAcl> = target.iter().cloned().collect();
    let wanted = source.iter().filter_map(|acl| {
        let copy = copies.get(&acl.topic)?;
        of_copy(acl, copy)
    });
    wanted.filter(|acl| there.insert(acl.clone())).collect()
}

/// The ACL of a copy after one of its source topic. Whoever may write to the source may not write to the copy, where a
/// record of their own would shift all that follow; whoever may do everything may read.
fn of_copy(acl: &TopicAcl, copy: &str) -> Option<TopicAcl> {
    use AclOperation::{
        RD_KAFKA_ACL_OPERATION_ALL as ALL, RD_KAFKA_ACL_OPERATION_READ as READ,
        RD_KAFKA_ACL_OPERATION_UNKNOWN as UNKNOWN, RD_KAFKA_ACL_OPERATION_WRITE as WRITE,
    };
    use AclPermission::{
        RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW as ALLOW, RD_KAFKA_ACL_PERMISSION_TYPE_UNKNOWN as NONE,
    };
    let operation = match (acl.permission, acl.operation) {
        (ALLOW, WRITE) | (_, UNKNOWN) | (NONE, _) => return None,
        (ALLOW, ALL) => READ,
        (_, operation) => operation,
    };
    Some(TopicAcl {
        topic: copy.to_owned(),
        operation,
        ..acl.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use AclOperation as Op;
    use AclPermission as May;

    const ALLOW: May = May::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW;
    const DENY: May = May::RD_KAFKA_ACL_PERMISSION_TYPE_DENY;
    const ALL: Op = Op::RD_KAFKA_ACL_OPERATION_ALL;
    const READ: Op = Op::RD_KAFKA_ACL_OPERATION_READ;
    const WRITE: Op = Op::RD_KAFKA_ACL_OPERATION_WRITE;
    const DESCRIBE: Op = Op::RD_KAFKA_ACL_OPERATION_DESCRIBE;
    const UNKNOWN: Op = Op::RD_KAFKA_ACL_OPERATION_UNKNOWN;

    fn acl(topic: &str, permission: May, operation: Op) -> TopicAcl {
        TopicAcl {
            topic: topic.to_owned(),
            principal: "User:alice".to_owned(),
            host: "*".to_owned(),
            operation,
            permission,
        }
    }

    fn copies() -> BTreeMap<String, String> {
        BTreeMap::from([("orders".to_owned(), "a.orders".to_owned())])
    }

    #[test]
    fn mirrormakers_rules_are_kept() {
        for (permission, operation, copied) in [
            (ALLOW, READ, Some((ALLOW, READ))),
            (ALLOW, DESCRIBE, Some((ALLOW, DESCRIBE))),
            (ALLOW, WRITE, None),
            (ALLOW, ALL, Some((ALLOW, READ))),
            (DENY, READ, Some((DENY, READ))),
            (DENY, WRITE, Some((DENY, WRITE))),
            (DENY, ALL, Some((DENY, ALL))),
            (ALLOW, UNKNOWN, None),
        ] {
            let found = missing(&copies(), &[acl("orders", permission, operation)], &[]);
            let expected =
                copied.map(|(permission, operation)| acl("a.orders", permission, operation));
            assert_eq!(
                found,
                Vec::from_iter(expected),
                "{permission:?} {operation:?}"
            );
        }
    }

    #[test]
    fn what_the_copy_has_is_not_created_again_and_what_it_has_beside_stays() {
        let source = [acl("orders", ALLOW, READ), acl("orders", ALLOW, ALL)];
        assert_eq!(
            missing(&copies(), &source, &[]).len(),
            1,
            "both become READ"
        );
        let there = [acl("a.orders", ALLOW, READ), acl("a.orders", ALLOW, WRITE)];
        assert_eq!(missing(&copies(), &source, &there), []);
    }

    #[test]
    fn topics_that_are_not_mirrored_are_passed_over() {
        let source = [acl("payments", ALLOW, READ), acl("*", ALLOW, READ)];
        assert_eq!(missing(&copies(), &source, &[]), []);
    }
}
