//! Commits positions without blocking and tells what became of each commit.
//!
//! The safe binding's asynchronous commit reports to a callback that librdkafka calls only when one was set in
//! the configuration, which the binding does not do; so the answers go to a queue of our own.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafka;

use super::Owner;
use super::admin::TopicPartition;
use super::queue::Queue;

/// What the group said to one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Partitions whose positions the group took.
    pub taken: Vec<TopicPartition>,
    /// The first reason why others, or all, were refused.
    pub refused: Option<RDKafkaErrorCode>,
}

/// Sends commits of one consumer.
pub struct Commits {
    client: NonNull<RDKafka>,
    queue: Queue,
}

// SAFETY: the client is internally locked and kept alive by the queue's owner.
unsafe impl Send for Commits {}
// SAFETY: as above.
unsafe impl Sync for Commits {}

impl Commits {
    /// For `consumer`.
    pub fn of<C: ConsumerContext + 'static>(consumer: &Arc<StreamConsumer<C>>) -> Self {
        let client = NonNull::new(consumer.client().native_ptr());
        let client = client.expect("a consumer has a native client");
        // SAFETY: the client is alive (borrowed).
        let queue = NonNull::new(unsafe { sys::rd_kafka_queue_new(client.as_ptr()) });
        let queue = queue.expect("librdkafka always makes a queue");
        let owner: Owner = Arc::clone(consumer) as Owner;
        Self {
            client,
            queue: Queue::watch(queue, owner),
        }
    }

    /// Sends a commit; [`Commits::answer`] gets what becomes of it.
    ///
    /// # Errors
    ///
    /// When there is no group to commit to.
    pub fn send(&self, positions: &TopicPartitionList) -> Result<(), RDKafkaErrorCode> {
        // SAFETY: client, list and queue are alive; librdkafka copies the list.
        let code = unsafe {
            sys::rd_kafka_commit_queue(
                self.client.as_ptr(),
                positions.ptr(),
                self.queue.as_ptr(),
                None,
                ptr::null_mut(),
            )
        };
        match RDKafkaErrorCode::from(code) {
            RDKafkaErrorCode::NoError => Ok(()),
            code => Err(code),
        }
    }

    /// Waits for the next answer. Cancel-safe.
    pub async fn answer(&self) -> Answer {
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            self.queue.readable().await;
        }
    }

    fn take(&self) -> Option<Answer> {
        // SAFETY: the queue is alive; the event is ours to destroy, and the list lives as long as it does.
        unsafe {
            let event = NonNull::new(sys::rd_kafka_queue_poll(self.queue.as_ptr(), 0))?;
            let code = RDKafkaErrorCode::from(sys::rd_kafka_event_error(event.as_ptr()));
            let list = sys::rd_kafka_event_topic_partition_list(event.as_ptr());
            let answer = read(code, list);
            sys::rd_kafka_event_destroy(event.as_ptr());
            Some(answer)
        }
    }
}

/// # Safety
///
/// `list` is null or alive.
unsafe fn read(code: RDKafkaErrorCode, list: *mut sys::rd_kafka_topic_partition_list_t) -> Answer {
    let mut refused = (code != RDKafkaErrorCode::NoError).then_some(code);
    let mut taken = Vec::new();
    // SAFETY: the caller's promise; librdkafka gives `cnt` elements at `elems`.
    let elements = unsafe {
        list.as_ref().map_or(&[][..], |list| {
            std::slice::from_raw_parts(list.elems, list.cnt.unsigned_abs() as usize)
        })
    };
    for element in elements {
        match RDKafkaErrorCode::from(element.err) {
            RDKafkaErrorCode::NoError if code == RDKafkaErrorCode::NoError => {
                // SAFETY: the name of a live element is NUL-terminated.
                let topic = unsafe { CStr::from_ptr(element.topic) };
                taken.push(TopicPartition::new(
                    topic.to_string_lossy(),
                    element.partition,
                ));
            }
            RDKafkaErrorCode::NoError => {}
            code => refused = refused.or(Some(code)),
        }
    }
    Answer { taken, refused }
}
