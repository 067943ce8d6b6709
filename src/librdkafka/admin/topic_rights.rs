//! Asks what this client may do on topics.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::cluster_description::AclOperation;
use super::{Event, Failure, Session, array, c_string, error_outcome, text};

/// What the client may do on one topic.
#[derive(Debug, Clone)]
pub struct TopicRights {
    /// Name of the topic.
    pub topic: String,
    /// Absent when the broker does not tell (before KIP-430); or why the topic cannot be described.
    pub rights: Result<Option<Vec<AclOperation>>, Failure>,
}

/// Asks about each topic, in one request.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<TopicRights>, Failure> {
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
    let options = session.options(0).with_authorized_operations();
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
    Ok(answers(&session.only()?))
}

fn answers(event: &Event) -> Vec<TopicRights> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let topics = array(topics, count).iter();
        let answers = topics.map(|&topic| TopicRights {
            topic: text(sys::rd_kafka_TopicDescription_name(topic)).unwrap_or_default(),
            rights: error_outcome(sys::rd_kafka_TopicDescription_error(topic))
                .map(|()| rights(topic)),
        });
        answers.collect()
    }
}

/// # Safety
/// `topic` points to a live topic description.
unsafe fn rights(topic: *const sys::rd_kafka_TopicDescription_t) -> Option<Vec<AclOperation>> {
    let mut count = 0;
    // SAFETY: alive, as the caller states, and so is what it lends out.
    unsafe {
        let rights = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut count);
        (!rights.is_null()).then(|| array(rights, count).to_vec())
    }
}
