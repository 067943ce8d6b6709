//! Access control lists, as an administrator sees them.

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};
use kafka_protocol::protocol::StrBytes;

use super::client::Client;
use super::wire::refused;

const CREATE_ACLS: i16 = 1;
const DELETE_ACLS: i16 = 1;
const DESCRIBE_ACLS: i16 = 1;

/// Kafka's numbers.
const ANY: i8 = 1;
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const CLUSTER: i8 = 4;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;

/// What an ACL is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    /// All groups whose names begin so.
    GroupsOf(&'a str),
    /// The cluster as a whole.
    Cluster,
}

impl<'a> Resource<'a> {
    /// Type, name and type of the pattern.
    fn pattern(self) -> (i8, &'a str, i8) {
        match self {
            Self::Topic(name) => (TOPIC, name, LITERAL),
            Self::Group(name) => (GROUP, name, LITERAL),
            Self::GroupsOf(prefix) => (GROUP, prefix, PREFIXED),
            Self::Cluster => (CLUSTER, "kafka-cluster", LITERAL),
        }
    }
}

/// What an ACL lets or does not let do, with Kafka's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
    Create = 5,
    Alter = 7,
    Describe = 8,
    DescribeConfigs = 10,
    AlterConfigs = 11,
}

/// What an ACL says, with Kafka's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum Permission {
    Deny = 2,
    Allow = 3,
}

impl Client {
    /// Adds an ACL of a topic for a principal from anywhere.
    pub fn add_acl(
        &mut self,
        topic: &str,
        principal: &str,
        permission: Permission,
        operation: Operation,
    ) -> Result<()> {
        self.add_acl_of(Resource::Topic(topic), principal, permission, operation)
    }

    /// Adds an ACL for a principal from anywhere.
    pub fn add_acl_of(
        &mut self,
        resource: Resource<'_>,
        principal: &str,
        permission: Permission,
        operation: Operation,
    ) -> Result<()> {
        let (resource_type, name, pattern_type) = resource.pattern();
        let creation = AclCreation::default()
            .with_resource_type(resource_type)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_resource_pattern_type(pattern_type)
            .with_principal(StrBytes::from_string(principal.to_owned()))
            .with_host(StrBytes::from_static_str("*"))
            .with_operation(operation as i8)
            .with_permission_type(permission as i8);
        let request = CreateAclsRequest::default().with_creations(vec![creation]);
        for result in self.ask(CREATE_ACLS, &request)?.results {
            refused(result.error_code)
                .with_context(|| format!("ACL of {name}: {:?}", result.error_message))?;
        }
        Ok(())
    }

    /// Removes all ACLs about an operation on a resource.
    pub fn remove_acls_of(&mut self, resource: Resource<'_>, operation: Operation) -> Result<()> {
        let (resource_type, name, pattern_type) = resource.pattern();
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(resource_type)
            .with_resource_name_filter(Some(StrBytes::from_string(name.to_owned())))
            .with_pattern_type_filter(pattern_type)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(operation as i8)
            .with_permission_type(ANY);
        let request = DeleteAclsRequest::default().with_filters(vec![filter]);
        for result in self.ask(DELETE_ACLS, &request)?.filter_results {
            refused(result.error_code)?;
            ensure!(!result.matching_acls.is_empty(), "no ACL of {name}");
        }
        Ok(())
    }

    /// The ACLs of a topic: principal, permission and operation, sorted; the latter two in Kafka's numbers.
    pub fn acls(&mut self, topic: &str) -> Result<Vec<(String, i8, i8)>> {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(TOPIC)
            .with_resource_name_filter(Some(StrBytes::from_string(topic.to_owned())))
            .with_pattern_type_filter(LITERAL)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(ANY)
            .with_permission_type(ANY);
        let answer = self.ask(DESCRIBE_ACLS, &request)?;
        refused(answer.error_code).context("describe ACLs")?;
        let acls = answer
            .resources
            .into_iter()
            .flat_map(|resource| resource.acls);
        let mut acls: Vec<_> = acls
            .map(|acl| {
                (
                    acl.principal.to_string(),
                    acl.permission_type,
                    acl.operation,
                )
            })
            .collect();
        acls.sort();
        Ok(acls)
    }
}
