//! Takes events off a librdkafka queue without blocking, and wakes a task when one arrives.

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys::{bindings as sys, types::RDKafka};
use tokio::sync::Notify;

use super::Owner;
use super::admin::TopicPartition;
use super::message::Messages;

/// A queue with a waker on it.
pub(super) struct Queue {
    handle: NonNull<sys::rd_kafka_queue_t>,
    wake: Arc<Notify>,
    owner: Owner,
}

// SAFETY: librdkafka queues are internally locked and may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above; no method hands out a reference into the queue.
unsafe impl Sync for Queue {}

impl Queue {
    /// Takes over the reference `handle` and enables its wake-ups.
    pub(super) fn watch(handle: NonNull<sys::rd_kafka_queue_t>, owner: Owner) -> Self {
        let wake = Arc::new(Notify::new());
        // SAFETY: `wake` lives as long as `Queue`, whose drop disables the callback first.
        unsafe {
            sys::rd_kafka_queue_cb_event_enable(
                handle.as_ptr(),
                Some(wake_up),
                Arc::as_ptr(&wake).cast_mut().cast::<c_void>(),
            );
        }
        // Events that came before the callback was set would otherwise be seen only with the next.
        wake.notify_one();
        Self {
            handle,
            wake,
            owner,
        }
    }

    /// The queue for librdkafka calls.
    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.handle.as_ptr()
    }

    /// Waits until something may have arrived; spurious wake-ups happen. Cancel-safe.
    pub(super) async fn readable(&self) {
        self.wake.notified().await;
    }

    /// Whether nothing is queued.
    fn is_empty(&self) -> bool {
        // SAFETY: the queue is alive for as long as `self`.
        unsafe { sys::rd_kafka_queue_length(self.handle.as_ptr()) == 0 }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: disabling takes the queue's lock, under which the callback runs, so no callback is
        // under way afterwards; the reference was ours to give back. `owner` is dropped after this.
        unsafe {
            sys::rd_kafka_queue_cb_event_enable(self.handle.as_ptr(), None, ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.handle.as_ptr());
        }
    }
}

/// Called by librdkafka when the queue goes from empty to non-empty; only sends the message.
unsafe extern "C" fn wake_up(_client: *mut RDKafka, wake: *mut c_void) {
    // SAFETY: `Queue::watch` passed a pointer to the `Notify` that outlives the callback.
    let wake = unsafe { &*wake.cast::<Notify>() };
    wake.notify_one();
}

/// Records of one partition, apart from all others of the consumer.
///
/// Separate queues give back-pressure per partition: what is not taken stays prefetched, up to
/// `queued.max.messages.kbytes` per queue, while the consumer's own queue is polled on and the group
/// membership stays alive (`max.poll.interval.ms`).
pub struct PartitionQueue {
    queue: Queue,
    client: NonNull<RDKafka>,
    /// The partition, for asking its position.
    list: TopicPartitionList,
}

// SAFETY: the client is internally locked and kept alive by the queue's owner; the list is only used by
// `position`, through `&mut self`.
unsafe impl Send for PartitionQueue {}
// SAFETY: as above.
unsafe impl Sync for PartitionQueue {}

impl PartitionQueue {
    /// Splits the partition off the consumer's queue.
    ///
    /// Must be called before the partition is assigned: librdkafka leaves the forwarding of a queue
    /// alone once the application has set it, so no record can reach the consumer's queue instead.
    /// `None` when the topic name holds a NUL byte or librdkafka refuses the partition.
    pub fn split_off<C: ConsumerContext + 'static>(
        consumer: &Arc<StreamConsumer<C>>,
        at: &TopicPartition,
    ) -> Option<Self> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&at.topic, at.partition);
        let topic = CString::new(&*at.topic).ok()?;
        let client = NonNull::new(consumer.client().native_ptr())?;
        // SAFETY: the client is alive (borrowed) and the name is NUL-terminated.
        let handle = unsafe {
            sys::rd_kafka_queue_get_partition(client.as_ptr(), topic.as_ptr(), at.partition)
        };
        let handle = NonNull::new(handle)?;
        // SAFETY: forwarding to null keeps the records in this queue.
        unsafe { sys::rd_kafka_queue_forward(handle.as_ptr(), ptr::null_mut()) };
        let owner: Owner = Arc::clone(consumer) as Owner;
        Some(Self {
            queue: Queue::watch(handle, owner),
            client,
            list,
        })
    }

    /// The offset after everything that was taken: records, and markers and aborted records between and behind
    /// them, of which no record tells. `None` until something was taken since the partition was assigned.
    ///
    /// `enable.partition.eof` would tell it too, but taking its event in a batch moves librdkafka's own position
    /// one beyond the log end, from where it goes on after the next rebalance.
    pub fn position(&mut self) -> Option<i64> {
        // SAFETY: client and list are alive, and the list is not shared.
        unsafe { sys::rd_kafka_position(self.client.as_ptr(), self.list.ptr()) };
        let elements = self.list.elements();
        let element = elements.first()?;
        match element.offset() {
            Offset::Offset(offset) if element.error().is_ok() => Some(offset),
            _ => None,
        }
    }

    /// Waits until records may have arrived; spurious wake-ups happen.
    pub async fn readable(&self) {
        self.queue.readable().await;
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes up to `most` records and errors that are there now, in order, without waiting.
    pub fn take(&self, most: usize) -> Messages {
        let mut pointers: Vec<*mut sys::rd_kafka_message_t> = Vec::with_capacity(most);
        // SAFETY: the buffer holds `most` pointers; librdkafka fills the first `taken` of them with
        // messages that are ours to destroy. A negative count cannot come with a valid queue.
        let taken = unsafe {
            let taken = sys::rd_kafka_consume_batch_queue(
                self.queue.handle.as_ptr(),
                0,
                pointers.as_mut_ptr(),
                most,
            );
            let taken = usize::try_from(taken).unwrap_or(0);
            pointers.set_len(taken);
            taken
        };
        // Each partition keeps what it took last.
        pointers.shrink_to_fit();
        if taken == most {
            // The rest is still there, and the wake-up for it has been spent.
            self.queue.wake.notify_one();
        }
        // SAFETY: all pointers are messages that we own, of the client that `owner` keeps alive.
        unsafe { Messages::from_raw(pointers, Arc::clone(&self.queue.owner)) }
    }
}

/// The queue on which a producer reports deliveries.
pub struct DeliveryQueue {
    queue: Queue,
}

impl DeliveryQueue {
    /// Watches the producer's main queue.
    pub fn of<C: ProducerContext + 'static>(producer: &Arc<BaseProducer<C>>) -> Self {
        // SAFETY: the client is alive (borrowed); every client has a main queue, so it is not null.
        let handle = unsafe { sys::rd_kafka_queue_get_main(producer.client().native_ptr()) };
        let handle = NonNull::new(handle).expect("every librdkafka client has a main queue");
        let owner: Owner = Arc::clone(producer) as Owner;
        Self {
            queue: Queue::watch(handle, owner),
        }
    }

    /// Waits until events may have arrived; spurious wake-ups happen.
    pub async fn readable(&self) {
        self.queue.readable().await;
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
