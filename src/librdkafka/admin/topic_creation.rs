//! Creates topics, many in one request, each with its own outcome in the broker's words.

use std::collections::HashMap;
use std::ffi::{c_char, c_int};
use std::num::NonZeroU16;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaRespErr};

use super::batch::{self, Outcome};
use super::{Event, Failure, Options, Session, c_string, outcome, text, topic_outcomes};

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// Copies of each partition; the broker's `default.replication.factor` when absent.
    pub replication_factor: Option<NonZeroU16>,
    /// Topic configs that differ from the broker's defaults.
    pub configs: Vec<(String, String)>,
}

/// Whether a topic is created, or the broker only says whether it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Create it.
    Create,
    /// Check name, rights, replication factor and configs, and change nothing.
    Rehearse,
}

/// Creates topics in one request, and waits until the broker has done so or `timeout` has passed. Outcomes are in the
/// order of `topics`; a failure is that of the request as a whole.
pub fn create<C: ClientContext>(
    client: &Client<C>,
    topics: &[TopicSpec],
    mode: Mode,
    timeout: Duration,
) -> Result<Vec<Outcome>, Failure> {
    batch::outcomes(
        topics,
        |topic| &topic.name,
        Request::new,
        |requests| send(client, requests, mode, timeout),
    )
}

fn send<C: ClientContext>(
    client: &Client<C>,
    requests: &[Request],
    mode: Mode,
    timeout: Duration,
) -> Result<HashMap<String, Outcome>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_CREATETOPICS;
    let session = Session::open(client, operation, timeout);
    let options = session.options(0);
    if mode == Mode::Rehearse {
        set_validate_only(&options);
    }
    let mut pointers: Vec<_> = requests.iter().map(|one| one.0.as_ptr()).collect();
    // SAFETY: requests and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_CreateTopics(
            session.client.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(read(&session.only()?))
}

fn set_validate_only(options: &Options) {
    let mut error = [0 as c_char; 128];
    // SAFETY: the options are alive, and the buffer is as long as stated.
    let code = unsafe {
        sys::rd_kafka_AdminOptions_set_validate_only(
            options.as_ptr(),
            1,
            error.as_mut_ptr(),
            error.len(),
        )
    };
    // A rehearsal that is none would create topics on somebody's cluster.
    assert_eq!(
        code,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
        "CreateTopics takes the option"
    );
}

struct Request(NonNull<sys::rd_kafka_NewTopic_t>);

impl Request {
    fn new(topic: &TopicSpec) -> Result<Self, Failure> {
        let name = c_string(&topic.name)?;
        let partitions = c_int::try_from(topic.partitions).unwrap_or(c_int::MAX);
        // -1 asks for the broker's default (KIP-464).
        let replicas = topic
            .replication_factor
            .map_or(-1, |n| c_int::from(n.get()));
        let mut error = [0 as c_char; 512];
        // SAFETY: the name is NUL-terminated, and the buffer is as long as stated.
        let request = unsafe {
            sys::rd_kafka_NewTopic_new(
                name.as_ptr(),
                partitions,
                replicas,
                error.as_mut_ptr(),
                error.len(),
            )
        };
        // SAFETY: librdkafka leaves a NUL-terminated text in the buffer, which began as zeros.
        let request = NonNull::new(request)
            .map(Self)
            .ok_or_else(|| unsafe { Failure::invalid(text(error.as_ptr()).unwrap_or_default()) })?;
        for (key, value) in &topic.configs {
            request.set(key, value)?;
        }
        Ok(request)
    }

    fn set(&self, key: &str, value: &str) -> Result<(), Failure> {
        let (key, value) = (c_string(key)?, c_string(value)?);
        // SAFETY: the request is alive, both strings NUL-terminated and copied.
        let code = unsafe {
            sys::rd_kafka_NewTopic_set_config(self.0.as_ptr(), key.as_ptr(), value.as_ptr())
        };
        outcome(code, None)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: ours; librdkafka copied it when it was sent.
        unsafe { sys::rd_kafka_NewTopic_destroy(self.0.as_ptr()) };
    }
}

fn read(event: &Event) -> HashMap<String, Outcome> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_CreateTopics_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
        topic_outcomes(topics, count)
    }
}
