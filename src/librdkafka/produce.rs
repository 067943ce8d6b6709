//! Hands consumed records to a producer: by topic handle, with their headers moved.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafka;

use super::Owner;
use super::message::{Header, Messages, OwnedMessage, Record};

/// A header that each record of a topic gets behind its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its name.
    pub name: &'static CStr,
    /// Its value.
    pub value: String,
}

/// A record as it is written.
pub struct Outgoing<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers, and the topic's own behind them.
    pub headers: Vec<Header<'a>>,
    /// Milliseconds since 1970; -1 when it has none.
    pub timestamp: i64,
}

/// A topic of one producer.
pub struct TopicHandle {
    client: NonNull<RDKafka>,
    topic: NonNull<sys::rd_kafka_topic_t>,
    name: String,
    stamp: Option<Stamp>,
    _owner: Owner,
}

// SAFETY: librdkafka topic handles are reference-counted and internally locked.
unsafe impl Send for TopicHandle {}
// SAFETY: as above.
unsafe impl Sync for TopicHandle {}

impl TopicHandle {
    /// Opens `name` on the producer. `None` when librdkafka refuses the name.
    pub fn open<C: ProducerContext + 'static>(
        producer: &Arc<BaseProducer<C>>,
        name: &str,
        stamp: Option<Stamp>,
    ) -> Option<Self> {
        let terminated = CString::new(name).ok()?;
        let client = NonNull::new(producer.client().native_ptr())?;
        // SAFETY: the client is alive (borrowed), the name NUL-terminated; a null config means the defaults.
        let topic = unsafe {
            sys::rd_kafka_topic_new(client.as_ptr(), terminated.as_ptr(), ptr::null_mut())
        };
        Some(Self {
            client,
            topic: NonNull::new(topic)?,
            name: name.to_owned(),
            stamp,
            _owner: Arc::clone(producer) as Owner,
        })
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What [`TopicHandle::send`] makes of a record.
    pub fn outgoing<'a>(&'a self, record: Record<'a>) -> Outgoing<'a> {
        let stamp = self.stamp.iter().map(|stamp| Header {
            name: stamp.name,
            value: Some(stamp.value.as_bytes()),
        });
        Outgoing {
            key: record.key(),
            value: record.value(),
            headers: record.all_headers().chain(stamp).collect(),
            timestamp: sendable_timestamp(&record),
        }
    }

    /// Queues the records for `partition`, in order. `tag(i)` comes back with the delivery report of the
    /// `i`-th; `refused(i, code)` is called for each that librdkafka does not take, for which no report
    /// will come. Never blocks.
    pub fn send(
        &self,
        partition: i32,
        mut messages: Messages,
        tag: impl Fn(usize) -> usize,
        mut refused: impl FnMut(usize, RDKafkaErrorCode),
    ) {
        for (index, mut message) in messages.drain().enumerate() {
            if let Err(code) = self.send_one(partition, &mut message, tag(index)) {
                refused(index, code);
            }
        }
    }

    fn send_one(
        &self,
        partition: i32,
        message: &mut OwnedMessage,
        tag: usize,
    ) -> Result<(), RDKafkaErrorCode> {
        let headers = match &self.stamp {
            None => detach_headers(message),
            Some(stamp) => stamped(detach_headers(message), stamp),
        };
        let record = message.record();
        let (key, key_length) = parts(record.key());
        let (value, value_length) = parts(record.value());
        // SAFETY: the variadic list is pairs of type and value as librdkafka defines them, closed by END;
        // MSG_F_COPY makes it copy key and value before it returns.
        let code = unsafe {
            sys::rd_kafka_producev(
                self.client.as_ptr(),
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT,
                self.topic.as_ptr(),
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
                partition,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS,
                sys::RD_KAFKA_MSG_F_COPY,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
                value,
                value_length,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
                key,
                key_length,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE,
                tag as *mut c_void,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP,
                sendable_timestamp(&record),
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
                headers,
                sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
            )
        };
        match RDKafkaErrorCode::from(code) {
            RDKafkaErrorCode::NoError => Ok(()),
            code => {
                if !headers.is_null() {
                    // SAFETY: librdkafka takes the headers over only when it takes the record.
                    unsafe { sys::rd_kafka_headers_destroy(headers) };
                }
                Err(code)
            }
        }
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and the client is alive until `_owner` drops after this.
        unsafe { sys::rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}

/// Moves the headers out of the message; null when it has none.
fn detach_headers(message: &mut OwnedMessage) -> *mut sys::rd_kafka_headers_t {
    let mut headers = ptr::null_mut();
    // SAFETY: the message is exclusively ours; on success the headers are, too, and on failure
    // (no headers) `headers` stays null.
    unsafe { sys::rd_kafka_message_detach_headers(message.as_ptr(), &mut headers) };
    headers
}

/// Adds a header behind the others.
fn stamped(headers: *mut sys::rd_kafka_headers_t, stamp: &Stamp) -> *mut sys::rd_kafka_headers_t {
    let value = stamp.value.as_bytes();
    let length = isize::try_from(value.len()).expect("no buffer is larger");
    // SAFETY: the headers are ours or made here; name and value are copied before the call returns, and the name is
    // NUL-terminated, as its length of -1 says. It fails for read-only headers only, and detached ones are not.
    unsafe {
        let headers = match headers.is_null() {
            true => sys::rd_kafka_headers_new(1),
            false => headers,
        };
        sys::rd_kafka_header_add(
            headers,
            stamp.name.as_ptr(),
            -1,
            value.as_ptr().cast(),
            length,
        );
        headers
    }
}

/// librdkafka takes a timestamp of 0 for "now", so the one millisecond that it cannot express, the first of
/// 1970, is sent as the next.
fn sendable_timestamp(record: &Record<'_>) -> i64 {
    match record.timestamp() {
        0 => 1,
        timestamp => timestamp,
    }
}

/// Pointer and length, null for `None`.
fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| {
        (bytes.as_ptr().cast_mut().cast(), bytes.len())
    })
}
