//! Sets and resets single configs of topics (KIP-339), many topics in one request, each with its own outcome.

use std::collections::HashMap;
use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaResourceType};

use super::batch::{self, Outcome};
use super::{Event, Failure, Session, array, c_string, outcome, owned_error_outcome, text};

/// One config to change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigChange {
    /// Key, for example `retention.ms`.
    pub name: String,
    /// The value to set; `None` resets it to what the broker has for it.
    pub value: Option<String>,
}

/// What is to change on one topic: all of it happens, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicChanges {
    /// Its name.
    pub topic: String,
    /// Each key once.
    pub changes: Vec<ConfigChange>,
}

/// Changes topics in one request, which names each of them once. Outcomes are in the order of `topics`; a failure is
/// that of the request as a whole.
pub fn alter<C: ClientContext>(
    client: &Client<C>,
    topics: &[TopicChanges],
    timeout: Duration,
) -> Result<Vec<Outcome>, Failure> {
    batch::outcomes(
        topics,
        |topic| &topic.topic,
        Request::new,
        |requests| send(client, requests, timeout),
    )
}

fn send<C: ClientContext>(
    client: &Client<C>,
    requests: &[Request],
    timeout: Duration,
) -> Result<HashMap<String, Outcome>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
    let session = Session::open(client, operation, timeout);
    let options = session.options(0);
    let mut pointers: Vec<_> = requests.iter().map(|one| one.0.as_ptr()).collect();
    // SAFETY: requests and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_IncrementalAlterConfigs(
            session.client.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(read(&session.only()?))
}

struct Request(NonNull<sys::rd_kafka_ConfigResource_t>);

impl Request {
    fn new(topic: &TopicChanges) -> Result<Self, Failure> {
        let name = c_string(&topic.topic)?;
        let kind = RDKafkaResourceType::RD_KAFKA_RESOURCE_TOPIC;
        // SAFETY: the name is NUL-terminated and copied.
        let request = unsafe { sys::rd_kafka_ConfigResource_new(kind, name.as_ptr()) };
        let request = NonNull::new(request)
            .map(Self)
            .ok_or_else(|| Failure::invalid(format!("{:?} has no configs", topic.topic)))?;
        for change in &topic.changes {
            request.add(change)?;
        }
        Ok(request)
    }

    fn add(&self, change: &ConfigChange) -> Result<(), Failure> {
        use sys::rd_kafka_AlterConfigOpType_t as Operation;
        let name = c_string(&change.name)?;
        let value: Option<CString> = change.value.as_deref().map(c_string).transpose()?;
        let (operation, value) = match &value {
            Some(value) => (Operation::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, value.as_ptr()),
            None => (Operation::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, ptr::null()),
        };
        // SAFETY: the request is alive, both strings are NUL-terminated, or null, and copied; the returned error is
        // ours.
        unsafe {
            owned_error_outcome(sys::rd_kafka_ConfigResource_add_incremental_config(
                self.0.as_ptr(),
                name.as_ptr(),
                operation,
                value,
            ))
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: ours; librdkafka copied it when it was sent.
        unsafe { sys::rd_kafka_ConfigResource_destroy(self.0.as_ptr()) };
    }
}

fn read(event: &Event) -> HashMap<String, Outcome> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
        let topics = array(topics, count).iter();
        let outcomes = topics.map(|&topic| {
            let outcome = outcome(
                sys::rd_kafka_ConfigResource_error(topic),
                text(sys::rd_kafka_ConfigResource_error_string(topic)),
            );
            (
                text(sys::rd_kafka_ConfigResource_name(topic)).unwrap_or_default(),
                outcome,
            )
        });
        outcomes.collect()
    }
}
