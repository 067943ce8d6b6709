//! Writes the response of Fetch by hand, so that stored batches go to the socket without being copied.

use bytes::{BufMut, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use super::{IntoReply, Reply};
use crate::log::{PartitionLog, Slice};
use crate::net::frame::{Frame, Refusal, Request};

/// The first version with compact lengths and tags.
const FLEXIBLE_FROM: i16 = 12;
/// The first version that names topics by id.
pub(super) const TOPIC_IDS_FROM: i16 = 13;

/// What one partition is answered.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) index: i32,
    pub(super) error: Option<ResponseError>,
    high_watermark: i64,
    last_stable: i64,
    log_start: i64,
    pub(super) slice: Slice,
}

impl Found {
    /// Records, or none yet.
    pub(super) fn records(index: i32, log: &PartitionLog, slice: Slice) -> Self {
        let (high_watermark, last_stable, log_start) = (log.end(), log.last_stable(), log.start());
        Self {
            index,
            error: None,
            high_watermark,
            last_stable,
            log_start,
            slice,
        }
    }

    /// An error, with the bounds of the log if it was found.
    pub(super) fn failed(index: i32, error: ResponseError, log: Option<&PartitionLog>) -> Self {
        let bounds = log.map_or((-1, -1, -1), |log| {
            (log.end(), log.last_stable(), log.start())
        });
        let (high_watermark, last_stable, log_start) = bounds;
        Self {
            index,
            error: Some(error),
            high_watermark,
            last_stable,
            log_start,
            slice: Slice::default(),
        }
    }
}

/// What one topic is answered.
#[derive(Debug)]
pub(super) struct FoundTopic {
    pub(super) name: TopicName,
    pub(super) id: Uuid,
    pub(super) partitions: Vec<Found>,
}

/// The whole response.
#[derive(Debug)]
pub(crate) struct FetchAnswer {
    error: Option<ResponseError>,
    topics: Vec<FoundTopic>,
    /// Milliseconds.
    pub(super) throttle_time_ms: i32,
}

impl FetchAnswer {
    /// Refuses the request as a whole.
    pub(super) fn failed(error: ResponseError) -> Self {
        Self {
            error: Some(error),
            topics: Vec::new(),
            throttle_time_ms: 0,
        }
    }

    /// Answers each partition.
    pub(super) fn found(topics: Vec<FoundTopic>) -> Self {
        Self {
            error: None,
            topics,
            throttle_time_ms: 0,
        }
    }

    /// The code of the request, then those of the partitions; 0 is none.
    pub(super) fn errors(&self) -> impl Iterator<Item = i16> {
        let partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        std::iter::once(code(self.error)).chain(partitions.map(|found| code(found.error)))
    }
}

impl IntoReply for FetchAnswer {
    fn into_reply(self, request: &Request) -> Result<Reply, Refusal> {
        let version = request.version;
        let header_version = i16::from(version >= FLEXIBLE_FROM);
        let mut writer = Writer {
            frame: Frame::respond(request.correlation_id, header_version),
            version,
        };
        writer.response(self);
        Ok(Reply::Respond(writer.frame))
    }
}

/// Knows the layout of versions 4 to 16.
struct Writer {
    frame: Frame,
    version: i16,
}

impl Writer {
    fn response(&mut self, answer: FetchAnswer) {
        self.buffer().put_i32(answer.throttle_time_ms);
        if self.version >= 7 {
            self.buffer().put_i16(code(answer.error));
            self.buffer().put_i32(0); // no session
        }
        self.length(answer.topics.len());
        for topic in answer.topics {
            self.topic(topic);
        }
        self.no_tags();
    }

    fn topic(&mut self, topic: FoundTopic) {
        if self.version >= TOPIC_IDS_FROM {
            self.buffer().put_slice(topic.id.as_bytes());
        } else {
            self.string(&topic.name);
        }
        self.length(topic.partitions.len());
        for partition in topic.partitions {
            self.partition(partition);
        }
        self.no_tags();
    }

    fn partition(&mut self, found: Found) {
        let version = self.version;
        let buffer = self.buffer();
        buffer.put_i32(found.index);
        buffer.put_i16(code(found.error));
        buffer.put_i64(found.high_watermark);
        buffer.put_i64(found.last_stable);
        if version >= 5 {
            buffer.put_i64(found.log_start);
        }
        self.length(found.slice.aborted.len());
        for aborted in &found.slice.aborted {
            self.buffer().put_i64(aborted.producer_id);
            self.buffer().put_i64(aborted.first_offset);
            self.no_tags();
        }
        if version >= 11 {
            self.buffer().put_i32(-1); // no preferred replica
        }
        // Never null, also without records: librdkafka takes a null for a broken response.
        self.length(found.slice.size);
        for batch in found.slice.batches {
            self.frame.share(batch);
        }
        self.no_tags();
    }

    fn buffer(&mut self) -> &mut BytesMut {
        self.frame.encoder()
    }

    fn is_flexible(&self) -> bool {
        self.version >= FLEXIBLE_FROM
    }

    /// Arrays and records have the same length prefix: four bytes, or a varint of one more.
    fn length(&mut self, length: usize) {
        let length = u32::try_from(length)
            .expect("a response is bounded by fetch.max.bytes and its request");
        if self.is_flexible() {
            self.varint(length + 1);
        } else {
            self.buffer().put_u32(length);
        }
    }

    fn string(&mut self, text: &str) {
        let length =
            u16::try_from(text.len()).expect("a topic name came in a string of the same kind");
        if self.is_flexible() {
            self.varint(u32::from(length) + 1);
        } else {
            self.buffer().put_u16(length);
        }
        self.buffer().put_slice(text.as_bytes());
    }

    fn no_tags(&mut self) {
        if self.is_flexible() {
            self.buffer().put_u8(0);
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buffer().put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer().put_u8(value as u8);
    }
}

fn code(error: Option<ResponseError>) -> i16 {
    error.map_or(0, |error| error.code())
}
