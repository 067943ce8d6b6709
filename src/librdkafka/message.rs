//! Holds consumed records as librdkafka lent them out and gives them back when dropped.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::slice;

use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;

use super::Owner;

/// Records in the order in which they were read, each owned until it is dropped.
pub struct Messages {
    pointers: Vec<NonNull<sys::rd_kafka_message_t>>,
    // Absent only when there are no messages.
    owner: Option<Owner>,
}

// SAFETY: librdkafka lets a message be read and destroyed by any one thread at a time, and `Messages` is
// the only holder of its pointers.
unsafe impl Send for Messages {}

impl Messages {
    /// # Safety
    ///
    /// Every pointer is a message not owned elsewhere, of a client that `owner` keeps alive.
    pub(super) unsafe fn from_raw(
        pointers: Vec<*mut sys::rd_kafka_message_t>,
        owner: Owner,
    ) -> Self {
        let pointers = pointers.into_iter().filter_map(NonNull::new).collect();
        Self {
            pointers,
            owner: Some(owner),
        }
    }

    /// No records.
    pub fn none() -> Self {
        Self {
            pointers: Vec::new(),
            owner: None,
        }
    }

    /// Number of records and events.
    pub fn len(&self) -> usize {
        self.pointers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    /// Kind of the first one.
    pub fn front(&self) -> Option<Kind> {
        self.iter().next().map(|first| first.kind())
    }

    /// librdkafka's words, when the first one is an error.
    pub fn front_reason(&self) -> String {
        let reason = self.iter().next().and_then(|first| first.value());
        String::from_utf8_lossy(reason.unwrap_or_default()).into_owned()
    }

    /// Borrows the records in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Record<'_>> {
        self.pointers.iter().map(|pointer| Record {
            // SAFETY: the message is ours and is not mutated while `self` is borrowed.
            raw: unsafe { pointer.as_ref() },
        })
    }

    /// Gives those records back for which `stays` is false.
    pub fn retain(&mut self, stays: impl Fn(Record<'_>) -> bool) {
        let Self { pointers, .. } = self;
        let going = pointers.extract_if(.., |pointer| {
            // SAFETY: the message is ours and is not mutated while it is looked at.
            let raw = unsafe { pointer.as_ref() };
            !stays(Record { raw })
        });
        going.for_each(|pointer| drop(OwnedMessage { pointer }));
    }

    /// Cuts off the first `count` records; the later ones stay in `self`.
    ///
    /// # Panics
    ///
    /// When there are fewer than `count`.
    #[must_use]
    pub fn split_front(&mut self, count: usize) -> Self {
        let rest = self.pointers.split_off(count);
        Self {
            pointers: std::mem::replace(&mut self.pointers, rest),
            owner: self.owner.clone(),
        }
    }

    /// Takes the records one by one.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = OwnedMessage> {
        self.pointers
            .drain(..)
            .map(|pointer| OwnedMessage { pointer })
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.drain().for_each(drop);
    }
}

/// One message, given back to librdkafka when dropped. Lives within methods of `Messages` only.
pub(super) struct OwnedMessage {
    pointer: NonNull<sys::rd_kafka_message_t>,
}

impl OwnedMessage {
    /// The message for librdkafka calls.
    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_message_t {
        self.pointer.as_ptr()
    }

    /// Borrows it.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            // SAFETY: the message is ours and alive.
            raw: unsafe { self.pointer.as_ref() },
        }
    }
}

impl Drop for OwnedMessage {
    fn drop(&mut self) {
        // SAFETY: the message is ours and is not used again; its client is alive, since the `Messages`
        // that is being drained or dropped holds the owner.
        unsafe { sys::rd_kafka_message_destroy(self.pointer.as_ptr()) };
    }
}

/// What a queue handed out: a record, or trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record.
    Record,
    /// librdkafka reports an error for the partition.
    Error(RDKafkaErrorCode),
}

/// A borrowed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name, any bytes but NUL.
    pub name: &'a CStr,
    /// Its value; `None` is null, which is not the same as empty.
    pub value: Option<&'a [u8]>,
}

/// A borrowed record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    raw: &'a sys::rd_kafka_message_t,
}

impl<'a> Record<'a> {
    /// A record that the safe binding lent out.
    pub fn of(message: &'a BorrowedMessage<'_>) -> Self {
        Self {
            // SAFETY: the message is alive for as long as it is borrowed, and only read.
            raw: unsafe { &*message.ptr() },
        }
    }

    /// What this is.
    pub fn kind(&self) -> Kind {
        match RDKafkaErrorCode::from(self.raw.err) {
            RDKafkaErrorCode::NoError => Kind::Record,
            code => Kind::Error(code),
        }
    }

    /// Offset on the source.
    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// Key; `None` is null, which is not the same as empty.
    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: librdkafka gives the pointer and the length of one buffer, alive with the message.
        unsafe { bytes(self.raw.key.cast(), self.raw.key_len) }
    }

    /// Value; `None` is null, a tombstone on compacted topics.
    pub fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: as for the key.
        unsafe { bytes(self.raw.payload.cast(), self.raw.len) }
    }

    /// Milliseconds since 1970 as the source holds them; -1 when the record has none.
    pub fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive and only read.
        unsafe { sys::rd_kafka_message_timestamp(self.raw, &mut kind) }
    }

    /// Epoch of the leader that wrote it; -1 when the source does not tell (before KIP-320).
    pub fn leader_epoch(&self) -> i32 {
        // SAFETY: the message is alive and only read.
        unsafe { sys::rd_kafka_message_leader_epoch(self.raw) }
    }

    /// Whether Kafka tells when it was appended rather than when it was created.
    pub fn is_log_append_time(&self) -> bool {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive and only read.
        unsafe { sys::rd_kafka_message_timestamp(self.raw, &mut kind) };
        kind == sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME
    }

    /// Values of the headers called `name`, in their order; null ones are left out. The first call parses the record's
    /// headers, which costs an allocation for each.
    pub fn headers(&self, name: &'a CStr) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.all_headers();
        let called = headers.filter(move |header| header.name == name);
        called.filter_map(|header| header.value)
    }

    /// All headers, in their order. The first call parses them, which costs an allocation for each.
    pub fn all_headers(&self) -> impl Iterator<Item = Header<'a>> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive. librdkafka parses headers in place when first asked; nobody else looks at this
        // message meanwhile, since whoever holds it hands out no second reference to another thread.
        unsafe { sys::rd_kafka_message_headers(self.raw, &raw mut headers) };
        (0..).map_while(move |index| {
            if headers.is_null() {
                return None;
            }
            let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers live as long as the message, and all three results are ours.
            let code = unsafe {
                sys::rd_kafka_header_get_all(
                    headers,
                    index,
                    &raw mut name,
                    &raw mut value,
                    &raw mut length,
                )
            };
            let found = RDKafkaErrorCode::from(code) == RDKafkaErrorCode::NoError;
            // SAFETY: the name is NUL-terminated; pointer and length are of one buffer. Both live as long as the headers.
            found.then(|| unsafe {
                Header {
                    name: CStr::from_ptr(name),
                    value: bytes(value.cast(), length),
                }
            })
        })
    }

    /// Bytes of key and value; headers are not counted, since asking would parse them.
    pub fn size(&self) -> usize {
        self.raw.key_len + self.raw.len
    }
}

/// # Safety
///
/// `start` is null or points at `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: promised by the caller.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, length) })
}
