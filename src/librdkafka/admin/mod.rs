//! Sends admin requests of librdkafka and collects their results by one deadline.
//!
//! The safe binding lacks most of these calls, and where it has one (creating topics, describing
//! configs) it drops the broker's own words or a single resource's error.
//!
//! - [`topic_creation`]: create topics, each with its own outcome;
//! - [`configs`]: what is set on topics and brokers;
//! - [`partition_offsets`]: log starts, log ends and offsets by time, each partition with its own error;
//! - [`group_offsets`]: committed offsets of groups that this process is no member of;
//! - [`group_members`]: who is in a group and what it was assigned;
//! - [`cluster_description`]: nodes, cluster id and what this client may do;
//! - [`topic_descriptions`]: ids of topics and what this client may do on them.
//!
//! Every function blocks until its deadline at the latest: call them from a blocking thread.

pub mod cluster_description;
pub mod configs;
pub mod group_members;
pub mod group_offsets;
pub mod partition_offsets;
pub mod topic_creation;
pub mod topic_descriptions;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafka, RDKafkaAdminOp, RDKafkaRespErr};

/// One partition of one topic. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Name of the topic.
    pub topic: Arc<str>,
    /// Number of the partition.
    pub partition: i32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// The answer for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOffset {
    /// The partition asked about.
    pub at: TopicPartition,
    /// The offset; `None` when there is none (nothing committed, no record at or after the time); or why
    /// this partition has no answer.
    pub offset: Result<Option<i64>, Failure>,
}

/// Why a request, or one part of it, failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// librdkafka's or the broker's code.
    pub code: RDKafkaErrorCode,
    /// The broker's own words where it sent some, else the code's description.
    pub message: String,
}

impl Failure {
    /// A failure of which nothing but its code is known.
    pub fn of(code: RDKafkaRespErr) -> Self {
        // SAFETY: librdkafka returns a static text for every code.
        let message = unsafe { text(sys::rd_kafka_err2str(code)) };
        Self {
            code: RDKafkaErrorCode::from(code),
            message: message.unwrap_or_default(),
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: RDKafkaErrorCode::InvalidArgument,
            message: message.into(),
        }
    }
}

/// Results collected after librdkafka's own time-out, so that its error is seen rather than ours.
const GRACE: Duration = Duration::from_secs(1);

/// Requests of one kind on one client, and the queue that their results arrive on.
struct Session<'client> {
    client: NonNull<RDKafka>,
    queue: NonNull<sys::rd_kafka_queue_t>,
    operation: RDKafkaAdminOp,
    timeout: Duration,
    deadline: Instant,
    _client: PhantomData<&'client ()>,
}

impl<'client> Session<'client> {
    fn open<C: ClientContext>(
        client: &'client Client<C>,
        operation: RDKafkaAdminOp,
        timeout: Duration,
    ) -> Self {
        let client =
            NonNull::new(client.native_ptr()).expect("a constructed client has a native handle");
        // SAFETY: the client is alive for `'client`.
        let queue = unsafe { sys::rd_kafka_queue_new(client.as_ptr()) };
        Self {
            client,
            queue: NonNull::new(queue).expect("librdkafka aborts rather than return no queue"),
            operation,
            timeout,
            deadline: Instant::now() + timeout + GRACE,
            _client: PhantomData,
        }
    }

    /// Options of one request; `tag` comes back with its result.
    fn options(&self, tag: usize) -> Options {
        // SAFETY: the client is alive for as long as `self`.
        let options =
            unsafe { sys::rd_kafka_AdminOptions_new(self.client.as_ptr(), self.operation) };
        let options =
            Options(NonNull::new(options).expect("the operation is one that librdkafka knows"));
        let timeout = c_int::try_from(self.timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut error = [0 as c_char; 128];
        // SAFETY: the options are alive, and the buffer is as long as stated.
        unsafe {
            sys::rd_kafka_AdminOptions_set_opaque(options.as_ptr(), tag as *mut c_void);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                // librdkafka refuses more than an hour, and the default (60 s) would then apply.
                timeout.min(3_600_000),
                error.as_mut_ptr(),
                error.len(),
            );
        }
        options
    }

    /// Waits for the next result, whichever request it belongs to.
    fn next(&self) -> Result<Event, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = c_int::try_from(left.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive for as long as `self`; a returned event is ours to destroy.
        let event = unsafe { sys::rd_kafka_queue_poll(self.queue.as_ptr(), left) };
        NonNull::new(event)
            .map(Event)
            .ok_or_else(|| Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT))
    }

    /// Waits for the result of the only request, and fails as it failed.
    fn only(&self) -> Result<Event, Failure> {
        let event = self.next()?;
        event.check()?;
        Ok(event)
    }

    /// Waits for one result per request, and puts each in the place that its tag names.
    fn collect<T>(
        &self,
        mut results: Vec<Result<T, Failure>>,
        read: impl Fn(&Event) -> Result<T, Failure>,
    ) -> Vec<Result<T, Failure>> {
        for _ in 0..results.len() {
            let Ok(event) = self.next() else { break };
            if let Some(place) = results.get_mut(event.tag()) {
                *place = event.check().and_then(|()| read(&event));
            }
        }
        results
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is ours; librdkafka drops results that come for a destroyed queue.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Options of one request.
struct Options(NonNull<sys::rd_kafka_AdminOptions_t>);

impl Options {
    fn as_ptr(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.0.as_ptr()
    }

    /// Asks for the operations that the client may perform, too (KIP-430).
    fn with_authorized_operations(self) -> Self {
        // SAFETY: the options are alive; the returned error, null for the operations that know the
        // option, is ours to destroy.
        unsafe {
            let error =
                sys::rd_kafka_AdminOptions_set_include_authorized_operations(self.as_ptr(), 1);
            if !error.is_null() {
                sys::rd_kafka_error_destroy(error);
            }
        }
        self
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: ours; requests copy what they need of it.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) };
    }
}

/// The result of one request. What it lends out lives as long as it does.
struct Event(NonNull<sys::rd_kafka_event_t>);

impl Event {
    fn as_ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.0.as_ptr()
    }

    fn tag(&self) -> usize {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_opaque(self.as_ptr()) as usize }
    }

    fn check(&self) -> Result<(), Failure> {
        // SAFETY: the event is alive, and so is its error string, null or NUL-terminated.
        let (code, message) = unsafe {
            (
                sys::rd_kafka_event_error(self.as_ptr()),
                text(sys::rd_kafka_event_error_string(self.as_ptr())),
            )
        };
        outcome(code, message)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, and nothing borrowed from it outlives it.
        unsafe { sys::rd_kafka_event_destroy(self.as_ptr()) };
    }
}

/// An error of librdkafka as a result; its own description stands in for an absent message.
fn outcome(code: RDKafkaRespErr, message: Option<String>) -> Result<(), Failure> {
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let failure = Failure::of(code);
    Err(match message {
        Some(message) if !message.is_empty() => Failure { message, ..failure },
        _ => failure,
    })
}

/// Reads an `rd_kafka_error_t` that an event lends out.
///
/// # Safety
/// `error` is null or points to a live error.
unsafe fn error_outcome(error: *const sys::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: alive, as the caller states; the string is NUL-terminated.
    unsafe {
        outcome(
            sys::rd_kafka_error_code(error),
            text(sys::rd_kafka_error_string(error)),
        )
    }
}

/// Copies a C string; `None` for null.
///
/// # Safety
/// `string` is null or points to a NUL-terminated string.
unsafe fn text(string: *const c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: as the caller states.
    let string = unsafe { CStr::from_ptr(string) };
    Some(string.to_string_lossy().into_owned())
}

/// The array that librdkafka returns as a pointer and a count.
///
/// # Safety
/// `first` is null (then `count` is 0) or points to `count` elements that live for `'a`.
unsafe fn array<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: as the caller states.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// One element of a native partition list.
struct PartitionEntry {
    at: TopicPartition,
    offset: i64,
    /// What was committed beside the offset.
    metadata: String,
    outcome: Result<(), Failure>,
}

/// Reads one element of a native partition list.
///
/// # Safety
/// `entry` points to a live element.
unsafe fn partition_entry(entry: *const sys::rd_kafka_topic_partition_t) -> PartitionEntry {
    // SAFETY: alive, as the caller states; the topic is NUL-terminated. The code is read as a number,
    // since a broker newer than this library may send one that the enum lacks.
    unsafe {
        let code = (&raw const (*entry).err).cast::<i32>().read();
        PartitionEntry {
            at: TopicPartition::new(text((*entry).topic).unwrap_or_default(), (*entry).partition),
            offset: (*entry).offset,
            metadata: String::from_utf8_lossy(array(
                (*entry).metadata.cast::<u8>(),
                (*entry).metadata_size,
            ))
            .into_owned(),
            outcome: outcome(
                RDKafkaRespErr::try_from(code).unwrap_or(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN),
                None,
            ),
        }
    }
}

/// Reads a native partition list.
///
/// # Safety
/// `list` is null or points to a live list.
unsafe fn partition_entries(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> Vec<PartitionEntry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: alive, as the caller states; `elems` holds `cnt` elements.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        (0..count)
            .map(|index| partition_entry((*list).elems.add(index)))
            .collect()
    }
}

fn c_string(string: &str) -> Result<CString, Failure> {
    CString::new(string).map_err(|_| Failure::invalid(format!("{string:?} holds a NUL byte")))
}

/// What stands in each result's place until it has come.
fn timed_out<T>(count: usize) -> Vec<Result<T, Failure>> {
    (0..count)
        .map(|_| Err(Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT)))
        .collect()
}
