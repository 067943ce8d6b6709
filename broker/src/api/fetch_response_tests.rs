//! Claims about the handwritten response of Fetch: the generated decoder reads in it what was meant.

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, FetchResponse, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, HeaderVersion, StrBytes};
use uuid::Uuid;

use super::fetch_response::{FetchAnswer, Found, FoundTopic};
use super::{IntoReply, Reply};
use crate::log::{AppendRules, Ending, Isolation, Marker, PartitionLog, sample::Sample};
use crate::net::frame::Request;

fn request(version: i16) -> Request {
    let (client_id, body) = (StrBytes::new(), Bytes::new());
    Request {
        api: ApiKey::Fetch,
        version,
        correlation_id: 4711,
        client_id,
        body,
    }
}

/// What a client reads, with the length prefix and the header checked.
fn read(answer: FetchAnswer, version: i16) -> FetchResponse {
    let Ok(Reply::Respond(frame)) = answer.into_reply(&request(version)) else {
        panic!("a fetch is always answered");
    };
    let written: BytesMut = frame.into_parts().into_iter().flatten().collect();
    let mut written = written.freeze();
    assert_eq!(written.get_i32() as usize, written.len());
    let header = ResponseHeader::decode(&mut written, FetchResponse::header_version(version))
        .expect("a header");
    assert_eq!(header.correlation_id, 4711);
    let response = FetchResponse::decode(&mut written, version).expect("a response");
    assert!(written.is_empty(), "v{version}");
    response
}

const RULES: AppendRules = AppendRules {
    log_append_time: false,
    segment_bytes: u64::MAX,
    now: 0,
    disk_full: false,
    denied: None,
};

fn log() -> PartitionLog {
    let mut log = PartitionLog::new(None);
    for _ in 0..3 {
        log.append(Sample::at(&[1, 2, 3]).incoming(), RULES)
            .expect("sound");
    }
    log
}

/// A log with the aborted transactions of producers 7 and 8, of one record each.
fn aborted() -> PartitionLog {
    let mut log = PartitionLog::new(None);
    for producer_id in [7, 8] {
        let sample = Sample {
            attributes: 1 << 4,
            ..Sample::of((producer_id, 0, 0), 1)
        };
        log.append(sample.incoming(), RULES).expect("sound");
        let marker = Marker {
            producer_id,
            producer_epoch: 0,
            ending: Ending::Abort,
        };
        log.append_marker(marker, RULES).expect("there is room");
    }
    log
}

#[test]
fn every_version_carries_the_aborted_transactions_between_bounds_and_batches() {
    let log = aborted();
    let slice = || log.read(0, usize::MAX, true, Isolation::Committed);
    for version in 4..=16 {
        let topic = FoundTopic {
            name: TopicName(StrBytes::from_static_str("orders")),
            id: Uuid::from_u128(7),
            partitions: vec![Found::records(0, &log, slice())],
        };
        let response = read(FetchAnswer::found(vec![topic]), version);
        let partition = &response.responses[0].partitions[0];
        let told = partition.aborted_transactions.iter().flatten();
        let told: Vec<_> = told.map(|it| (it.producer_id.0, it.first_offset)).collect();
        assert_eq!(told, [(7, 0), (8, 2)], "v{version}");
        let records = partition.records.as_deref();
        assert_eq!(records, Some(slice().batches.concat().as_slice()));
    }
}

#[test]
fn every_version_carries_the_batches_and_the_bounds_of_the_log() {
    let log = log();
    let from = |offset| log.read(offset, usize::MAX, true, Isolation::Uncommitted);
    let stored = from(0).batches.concat();
    let id = Uuid::from_u128(7);
    for version in 4..=16 {
        let partitions = vec![
            Found::records(3, &log, from(0)),
            Found::records(4, &log, from(9)),
            Found::failed(5, ResponseError::OffsetOutOfRange, Some(&log)),
        ];
        let name = TopicName(StrBytes::from_static_str("orders"));
        let by_id = version >= 13;
        let response = read(
            FetchAnswer::found(vec![FoundTopic {
                name,
                id,
                partitions,
            }]),
            version,
        );
        let topic = &response.responses[0];
        let named = if by_id {
            topic.topic_id == id
        } else {
            topic.topic.as_str() == "orders"
        };
        assert!(named, "v{version}");
        let [full, empty, failed] = topic.partitions.as_slice() else {
            panic!("three partitions")
        };
        assert_eq!((full.partition_index, full.error_code), (3, 0));
        assert_eq!((full.high_watermark, full.last_stable_offset), (9, 9));
        assert_eq!(full.log_start_offset, if version >= 5 { 0 } else { -1 });
        assert_eq!(
            full.records.as_deref(),
            Some(stored.as_slice()),
            "v{version}"
        );
        assert_eq!(
            empty.records.as_deref(),
            Some([].as_slice()),
            "empty is not null"
        );
        assert_eq!((failed.error_code, failed.high_watermark), (1, 9));
    }
}

#[test]
fn a_refused_request_has_no_topics() {
    let response = read(
        FetchAnswer::failed(ResponseError::FetchSessionIdNotFound),
        12,
    );
    assert_eq!(
        (
            response.error_code,
            response.session_id,
            response.responses.len()
        ),
        (70, 0, 0)
    );
}
