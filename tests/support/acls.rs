//! Access control lists of topics, as an administrator sees them.

use anyhow::{Context, Result};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::{CreateAclsRequest, DescribeAclsRequest};
use kafka_protocol::protocol::StrBytes;

use super::client::Client;
use super::wire::refused;

const CREATE_ACLS: i16 = 1;
const DESCRIBE_ACLS: i16 = 1;

/// Kafka's numbers.
const ANY: i8 = 1;
const TOPIC: i8 = 2;
const LITERAL: i8 = 3;

/// What an ACL is about, with Kafka's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
}

/// What an ACL says, with Kafka's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum Permission {
    Deny = 2,
    Allow = 3,
}

impl Client {
    /// Adds an ACL for a principal from anywhere.
    pub fn add_acl(
        &mut self,
        topic: &str,
        principal: &str,
        permission: Permission,
        operation: Operation,
    ) -> Result<()> {
        let creation = AclCreation::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.to_owned()))
            .with_resource_pattern_type(LITERAL)
            .with_principal(StrBytes::from_string(principal.to_owned()))
            .with_host(StrBytes::from_static_str("*"))
            .with_operation(operation as i8)
            .with_permission_type(permission as i8);
        let request = CreateAclsRequest::default().with_creations(vec![creation]);
        for result in self.ask(CREATE_ACLS, &request)?.results {
            refused(result.error_code)
                .with_context(|| format!("ACL of {topic}: {:?}", result.error_message))?;
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
