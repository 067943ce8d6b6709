//! Describes topics: their ids, and what this client may do on them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::cluster_description::AclOperation;
use super::{Event, Failure, Options, Session, array, c_string, error_outcome, text};

/// Tells a topic from another one that bore the same name before it (KIP-516), in the notation of Kafka's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicId(Arc<str>);

impl TopicId {
    /// An id as [`TopicId::as_str`] gave it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id in Kafka's base 64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A topic, with what was asked about it.
#[derive(Debug, Clone)]
pub struct PerTopic<T> {
    /// Name of the topic.
    pub topic: String,
    /// Absent when the broker does not tell; or why the topic cannot be described.
    pub answer: Result<Option<T>, Failure>,
}

/// Asks what the client may do on each topic, in one request. Absent before KIP-430.
pub fn rights<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<PerTopic<Vec<AclOperation>>>, Failure> {
    ask(
        client,
        topics,
        timeout,
        Options::with_authorized_operations,
        read_rights,
    )
}

/// Asks for the id of each topic, in one request. Absent before Kafka 2.8.
pub fn ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<PerTopic<TopicId>>, Failure> {
    ask(client, topics, timeout, |options| options, read_id)
}

/// Reads one thing of a description that is alive.
type Read<T> = unsafe fn(*const sys::rd_kafka_TopicDescription_t) -> Option<T>;

fn ask<C: ClientContext, T>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
    with: impl FnOnce(Options) -> Options,
    read: Read<T>,
) -> Result<Vec<PerTopic<T>>, Failure> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    let session = Session::open(client, operation, timeout);
    let names = topics
        .iter()
        .map(|topic| c_string(topic))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let options = with(session.options(0));
    // SAFETY: names and options are alive during the calls, which copy them; the collection is ours.
    unsafe {
        let collection =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(
            session.client.as_ptr(),
            collection,
            options.as_ptr(),
            session.queue.as_ptr(),
        );
        sys::rd_kafka_TopicCollection_destroy(collection);
    }
    Ok(answers(&session.only()?, read))
}

fn answers<T>(event: &Event, read: Read<T>) -> Vec<PerTopic<T>> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let topics = array(topics, count).iter();
        let answers = topics.map(|&topic| PerTopic {
            topic: text(sys::rd_kafka_TopicDescription_name(topic)).unwrap_or_default(),
            answer: error_outcome(sys::rd_kafka_TopicDescription_error(topic))
                .map(|()| read(topic)),
        });
        answers.collect()
    }
}

/// # Safety
/// `topic` points to a live topic description.
unsafe fn read_rights(topic: *const sys::rd_kafka_TopicDescription_t) -> Option<Vec<AclOperation>> {
    let mut count = 0;
    // SAFETY: alive, as the caller states, and so is what it lends out.
    unsafe {
        let rights = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut count);
        (!rights.is_null()).then(|| array(rights, count).to_vec())
    }
}

/// # Safety
/// `topic` points to a live topic description.
unsafe fn read_id(topic: *const sys::rd_kafka_TopicDescription_t) -> Option<TopicId> {
    // SAFETY: alive, as the caller states, and so is what it lends out.
    unsafe {
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let known = !id.is_null()
            && (sys::rd_kafka_Uuid_most_significant_bits(id) != 0
                || sys::rd_kafka_Uuid_least_significant_bits(id) != 0);
        known.then(|| text(sys::rd_kafka_Uuid_base64str(id)).map(TopicId::new))?
    }
}
