//! Asks librdkafka's admin requests, and reads what comes back.
//!
//! The safe binding lacks most of these calls, and where it has one (creating topics, describing
//! configs) it drops the broker's own words or a single resource's error.
//!
//! - [`topic_creation`], [`topic_growth`]: create topics and add partitions to them;
//! - [`config_changes`]: set and reset configs of topics;
//! - [`acls`]: who may use which topic;
//! - [`partition_offsets`]: log starts, log ends and offsets by time, each partition with its own error;
//! - [`group_listing`]: which groups there are;
//! - [`group_offsets`], [`group_offset_changes`]: committed offsets of groups that this process is no member of; set them;
//! - [`group_members`]: who is in a group and what it was assigned;
//! - [`cluster_description`]: nodes, cluster id and what this client may do;
//! - [`topic_rights`]: what this client may do on topics.
//!
//! What changes a cluster takes many changes in one request, and has an outcome for each ([`batch`]).
//!
//! Every function blocks until its deadline at the latest: call them from a blocking thread.

pub mod acls;
pub mod batch;
pub mod cluster_description;
pub mod config_changes;
pub mod group_listing;
pub mod group_members;
pub mod group_offset_changes;
pub mod group_offsets;
pub mod partition_offsets;
mod session;
pub mod topic_creation;
pub mod topic_growth;
pub mod topic_rights;

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaRespErr;

use batch::Outcome;
use cluster_description::AclOperation;
use session::{Event, Options, Session, timed_out};

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

    /// What a broker's error code stands for, in its own words where it sent some; `None` for success.
    pub fn of_broker(code: i16, message: Option<String>) -> Option<Self> {
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN;
        let code = RDKafkaRespErr::try_from(i32::from(code)).unwrap_or(unknown);
        outcome(code, message).err()
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: RDKafkaErrorCode::InvalidArgument,
            message: message.into(),
        }
    }
}

/// An error of librdkafka as a result; its own description stands in for an absent message.
fn outcome(code: RDKafkaRespErr, message: Option<String>) -> Result<(), Failure> {
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let failure = Failure::of(code);
    Err(match message {
        // What a broker left empty librdkafka puts behind the name of the request.
        Some(message) if message.ends_with(": ") => Failure {
            message: message + &failure.message,
            ..failure
        },
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

/// Reads an `rd_kafka_error_t` that a call handed over, and destroys it.
///
/// # Safety
/// `error` is null or points to a live error that is ours.
unsafe fn owned_error_outcome(error: *mut sys::rd_kafka_error_t) -> Outcome {
    // SAFETY: as the caller states; what is read of it is copied.
    unsafe {
        let outcome = error_outcome(error);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
        }
        outcome
    }
}

/// What became of each topic of a request.
///
/// # Safety
/// `first` points to `count` live topic results.
unsafe fn topic_outcomes(
    first: *mut *const sys::rd_kafka_topic_result_t,
    count: usize,
) -> HashMap<String, Outcome> {
    // SAFETY: alive, as the caller states, and so is everything that they lend out.
    unsafe {
        let topics = array(first.cast_const(), count).iter();
        let outcomes = topics.map(|&topic| {
            let outcome = outcome(
                sys::rd_kafka_topic_result_error(topic),
                text(sys::rd_kafka_topic_result_error_string(topic)),
            );
            let name = text(sys::rd_kafka_topic_result_name(topic));
            (name.unwrap_or_default(), outcome)
        });
        outcomes.collect()
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
