//! Keeps access control lists as an authorizer does, and finds those that a filter describes. Nothing is enforced.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The numbers of the protocol, the same for a resource's type, its pattern's type, an operation and a permission.
const UNKNOWN: i8 = 0;
const ANY: i8 = 1;
/// Pattern types: everything that applies to a name; a name in full; the beginning of names.
const MATCH: i8 = 2;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
/// Resource types: the highest there is, and the cluster, of which there is one.
const HIGHEST_RESOURCE: i8 = 7;
const CLUSTER: i8 = 4;
const CLUSTER_NAME: &str = "kafka-cluster";
const HIGHEST_OPERATION: i8 = 15;
const HIGHEST_PERMISSION: i8 = 3;

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) resource_type: i8,
    pub(crate) name: String,
    pub(crate) pattern_type: i8,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Acl {
    pub(crate) pattern: Pattern,
    pub(crate) principal: String,
    pub(crate) host: String,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
}

impl Acl {
    /// Whether an authorizer takes it.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Pattern {
            resource_type,
            name,
            pattern_type,
        } = &self.pattern;
        let is_known = |number: i8, highest| number > ANY && number <= highest;
        if !is_known(*resource_type, HIGHEST_RESOURCE) {
            return Err(format!("Invalid resource type {resource_type}."));
        }
        if ![LITERAL, PREFIXED].contains(pattern_type) {
            return Err(format!("Invalid pattern type {pattern_type}."));
        }
        if name.is_empty() {
            return Err("Resource name should not be empty.".to_owned());
        }
        if *resource_type == CLUSTER && name != CLUSTER_NAME {
            return Err(format!(
                "The only valid name for the CLUSTER resource is {CLUSTER_NAME}."
            ));
        }
        if !is_known(self.operation, HIGHEST_OPERATION) {
            return Err(format!("Invalid operation {}.", self.operation));
        }
        if !is_known(self.permission, HIGHEST_PERMISSION) {
            return Err(format!("Invalid permission type {}.", self.permission));
        }
        match self.principal.split_once(':') {
            Some((kind, _)) if !kind.is_empty() => Ok(()),
            _ => Err(format!(
                "Could not parse principal from `{}`; it is of the form type:name.",
                self.principal
            )),
        }
    }
}

/// Describes entries; what is absent stands for anything.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) resource_type: i8,
    pub(crate) name: Option<String>,
    pub(crate) pattern_type: i8,
    pub(crate) principal: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
}

impl Filter {
    /// Whether it describes anything.
    pub(crate) fn is_known(&self) -> bool {
        let numbers = [
            self.resource_type,
            self.pattern_type,
            self.operation,
            self.permission,
        ];
        !numbers.contains(&UNKNOWN)
    }

    /// Whether `acl` is among what it describes.
    pub(crate) fn matches(&self, acl: &Acl) -> bool {
        let number = |wanted: i8, is: i8| wanted == ANY || wanted == is;
        let text = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        number(self.resource_type, acl.pattern.resource_type)
            && self.matches_pattern(&acl.pattern)
            && text(&self.principal, &acl.principal)
            && text(&self.host, &acl.host)
            && number(self.operation, acl.operation)
            && number(self.permission, acl.permission)
    }

    fn matches_pattern(&self, pattern: &Pattern) -> bool {
        let of_type = [ANY, MATCH, pattern.pattern_type].contains(&self.pattern_type);
        let Some(name) = &self.name else {
            return of_type;
        };
        let is_named = pattern.name == *name;
        let applies = match pattern.pattern_type {
            PREFIXED => name.starts_with(&pattern.name),
            _ => is_named || pattern.name == "*",
        };
        of_type && (is_named || self.pattern_type == MATCH && applies)
    }
}

/// All entries of a cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Acls(BTreeSet<Acl>);

impl Acls {
    /// Adds an entry; one that is there is the same.
    pub(crate) fn add(&mut self, acl: Acl) {
        self.0.insert(acl);
    }

    /// The entries that a filter describes, those about the same resource one after the other.
    pub(crate) fn find(&self, filter: &Filter) -> Vec<Acl> {
        let found = self.0.iter().filter(|acl| filter.matches(acl));
        found.cloned().collect()
    }

    /// Takes the entries away that a filter describes.
    pub(crate) fn remove(&mut self, filter: &Filter) -> Vec<Acl> {
        let removed = self.0.extract_if(.., |acl| filter.matches(acl));
        removed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: i8 = 2;
    const READ: i8 = 3;
    const ALLOW: i8 = 3;

    fn acl(name: &str, pattern_type: i8) -> Acl {
        Acl {
            pattern: Pattern {
                resource_type: TOPIC,
                name: name.to_owned(),
                pattern_type,
            },
            principal: "User:alice".to_owned(),
            host: "*".to_owned(),
            operation: READ,
            permission: ALLOW,
        }
    }

    fn filter(name: Option<&str>, pattern_type: i8) -> Filter {
        Filter {
            resource_type: TOPIC,
            name: name.map(str::to_owned),
            pattern_type,
            principal: None,
            host: None,
            operation: ANY,
            permission: ANY,
        }
    }

    #[test]
    fn a_filter_finds_patterns_by_kafkas_rules() {
        let mut acls = Acls::default();
        let all = [
            acl("orders", LITERAL),
            acl("orders", PREFIXED),
            acl("ord", PREFIXED),
            acl("*", LITERAL),
            acl("payments", LITERAL),
        ];
        all.iter().cloned().for_each(|acl| acls.add(acl));
        acls.add(all[0].clone());
        for (name, pattern_type, count) in [
            (None, ANY, 5),
            (None, LITERAL, 3),
            (None, PREFIXED, 2),
            (Some("orders"), ANY, 2),
            (Some("orders"), LITERAL, 1),
            (Some("orders"), MATCH, 4),
            (Some("visits"), MATCH, 1),
            (Some("visits"), ANY, 0),
        ] {
            let found = acls.find(&filter(name, pattern_type));
            assert_eq!(found.len(), count, "{name:?} {pattern_type}");
        }
        assert_eq!(acls.remove(&filter(Some("orders"), ANY)).len(), 2);
        assert_eq!(acls.find(&filter(None, ANY)).len(), 3);
    }

    #[test]
    fn what_no_authorizer_takes_is_refused() {
        assert_eq!(acl("orders", LITERAL).check(), Ok(()));
        assert!(acl("", LITERAL).check().is_err());
        assert!(acl("orders", ANY).check().is_err());
        let nobody = Acl {
            principal: "alice".to_owned(),
            ..acl("orders", LITERAL)
        };
        assert!(nobody.check().is_err());
        let anything = Acl {
            operation: ANY,
            ..acl("orders", LITERAL)
        };
        assert!(anything.check().is_err());
    }
}
