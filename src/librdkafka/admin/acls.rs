//! Reads and creates the ACLs of topics that are named in full (pattern type LITERAL).

use std::ffi::{CString, c_char};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaResourceType};
use sys::rd_kafka_ResourcePatternType_t as PatternType;

use super::batch::Outcome;
use super::{AclOperation, Event, Failure, Session, array, c_string, error_outcome, text};

/// Whether an ACL allows or denies.
pub use sys::rd_kafka_AclPermissionType_t as AclPermission;

const TOPIC: RDKafkaResourceType = RDKafkaResourceType::RD_KAFKA_RESOURCE_TOPIC;
const LITERAL: PatternType = PatternType::RD_KAFKA_RESOURCE_PATTERN_LITERAL;

/// One entry of a topic's access list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicAcl {
    /// The topic, by its full name.
    pub topic: String,
    /// Who, for example `User:alice`.
    pub principal: String,
    /// From where; `*` from everywhere.
    pub host: String,
    /// What. One that this librdkafka does not know is `UNKNOWN`.
    pub operation: AclOperation,
    /// Allowed or denied.
    pub permission: AclPermission,
}

impl TopicAcl {
    /// The operation as Kafka's tools write it, for example `DESCRIBE_CONFIGS`.
    pub fn operation_name(&self) -> String {
        // SAFETY: librdkafka returns a static text for every value.
        let name = unsafe { text(sys::rd_kafka_AclOperation_name(self.operation)) };
        name.unwrap_or_default()
    }

    /// `ALLOW` or `DENY`.
    pub fn permission_name(&self) -> String {
        // SAFETY: librdkafka returns a static text for every value.
        let name = unsafe { text(sys::rd_kafka_AclPermissionType_name(self.permission)) };
        name.unwrap_or_default()
    }
}

/// Reads the ACLs of all topics that are named in full, in one request.
///
/// librdkafka drops the error of the answer as a whole: a cluster without an authorizer, and one that denies DESCRIBE on
/// the cluster, look like one without ACLs.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<Vec<TopicAcl>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBEACLS;
    let session = Session::open(client, operation, timeout);
    let filter = every_literal_topic()?;
    let options = session.options(0);
    // SAFETY: filter and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_DescribeAcls(
            session.client.as_ptr(),
            filter.0.as_ptr(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(read(&session.only()?))
}

/// Creates ACLs in one request. Outcomes are in the order of `acls`; one that exists already is created all the same. A
/// failure is that of the request as a whole.
pub fn create<C: ClientContext>(
    client: &Client<C>,
    acls: &[TopicAcl],
    timeout: Duration,
) -> Result<Vec<Outcome>, Failure> {
    if acls.is_empty() {
        return Ok(Vec::new());
    }
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_CREATEACLS;
    let session = Session::open(client, operation, timeout);
    let bindings = acls
        .iter()
        .map(Binding::new)
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = bindings.iter().map(|one| one.0.as_ptr()).collect();
    let options = session.options(0);
    // SAFETY: bindings and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_CreateAcls(
            session.client.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(outcomes(&session.only()?))
}

/// An ACL, or a filter for some, in librdkafka's memory.
struct Binding(NonNull<sys::rd_kafka_AclBinding_t>);

impl Binding {
    fn new(acl: &TopicAcl) -> Result<Self, Failure> {
        let names: [CString; 3] = [
            c_string(&acl.topic)?,
            c_string(&acl.principal)?,
            c_string(&acl.host)?,
        ];
        let [topic, principal, host] = names.each_ref().map(|name| name.as_ptr());
        // SAFETY: the three strings are NUL-terminated and copied; the buffer is as long as stated.
        Self::made_by(|error, size| unsafe {
            sys::rd_kafka_AclBinding_new(
                TOPIC,
                topic,
                LITERAL,
                principal,
                host,
                acl.operation,
                acl.permission,
                error,
                size,
            )
        })
    }

    fn made_by(
        make: impl FnOnce(*mut c_char, usize) -> *mut sys::rd_kafka_AclBinding_t,
    ) -> Result<Self, Failure> {
        let mut error = [0 as c_char; 128];
        let made = make(error.as_mut_ptr(), error.len());
        // SAFETY: librdkafka leaves a NUL-terminated text in the buffer, which began as zeros.
        NonNull::new(made)
            .map(Self)
            .ok_or_else(|| unsafe { Failure::invalid(text(error.as_ptr()).unwrap_or_default()) })
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: ours; librdkafka copied it when it was sent.
        unsafe { sys::rd_kafka_AclBinding_destroy(self.0.as_ptr()) };
    }
}

fn every_literal_topic() -> Result<Binding, Failure> {
    // SAFETY: null stands for any name, principal and host; the buffer is as long as stated.
    Binding::made_by(|error, size| unsafe {
        sys::rd_kafka_AclBindingFilter_new(
            TOPIC,
            ptr::null(),
            LITERAL,
            ptr::null(),
            ptr::null(),
            AclOperation::RD_KAFKA_ACL_OPERATION_ANY,
            AclPermission::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
            error,
            size,
        )
    })
}

fn read(event: &Event) -> Vec<TopicAcl> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeAcls_result(event.as_ptr());
        let mut count = 0;
        let acls = sys::rd_kafka_DescribeAcls_result_acls(result, &raw mut count);
        array(acls, count).iter().map(|&one| acl(one)).collect()
    }
}

/// # Safety
/// `acl` points to a live ACL.
unsafe fn acl(acl: *const sys::rd_kafka_AclBinding_t) -> TopicAcl {
    // SAFETY: alive, as the caller states. librdkafka turns numbers outside its enums into UNKNOWN when it reads them.
    unsafe {
        TopicAcl {
            topic: text(sys::rd_kafka_AclBinding_name(acl)).unwrap_or_default(),
            principal: text(sys::rd_kafka_AclBinding_principal(acl)).unwrap_or_default(),
            host: text(sys::rd_kafka_AclBinding_host(acl)).unwrap_or_default(),
            operation: sys::rd_kafka_AclBinding_operation(acl),
            permission: sys::rd_kafka_AclBinding_permission_type(acl),
        }
    }
}

fn outcomes(event: &Event) -> Vec<Outcome> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_CreateAcls_result(event.as_ptr());
        let mut count = 0;
        let acls = sys::rd_kafka_CreateAcls_result_acls(result, &raw mut count);
        let outcomes = array(acls, count).iter();
        outcomes
            .map(|&one| error_outcome(sys::rd_kafka_acl_result_error(one)))
            .collect()
    }
}
