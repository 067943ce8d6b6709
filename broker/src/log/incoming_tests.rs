//! Claims about what a produce request may bring into a log.

use bytes::{Bytes, BytesMut};
use kafka_protocol::error::ResponseError;

use super::incoming::{Incoming, Rejected};
use super::sample::Sample;

fn check(records: impl Into<Bytes>) -> Result<Incoming, ResponseError> {
    Incoming::check(Some(&records.into()), 9).map_err(|rejected| rejected.error)
}

#[test]
fn a_sound_batch_of_every_codec_is_taken() {
    for codec in 0..=4 {
        let sample = Sample {
            attributes: codec,
            ..Sample::default()
        };
        assert_eq!(
            check(sample.bytes()).map(|incoming| incoming.header.codec()),
            Ok(codec)
        );
    }
}

#[test]
fn what_is_not_one_whole_batch_is_refused() {
    let sound = Sample::default().bytes();
    let cases: [(Bytes, ResponseError); 4] = [
        (Bytes::new(), ResponseError::CorruptMessage),
        (sound.slice(..30), ResponseError::CorruptMessage),
        (
            sound.slice(..sound.len() - 1),
            ResponseError::CorruptMessage,
        ),
        (sound.repeat(2).into(), ResponseError::InvalidRecord),
    ];
    for (records, error) in cases {
        let length = records.len();
        assert_eq!(check(records).map(drop), Err(error), "{length} bytes");
    }
}

#[test]
fn what_is_wrong_with_a_batch_is_told_by_kafkas_code() {
    use ResponseError::{InvalidRecord, UnsupportedCompressionType, UnsupportedForMessageFormat};
    let refused = |change: fn(&mut Sample)| {
        let mut sample = Sample::default();
        change(&mut sample);
        check(sample.bytes()).expect_err("something is wrong")
    };
    assert_eq!(refused(|it| it.magic = 1), UnsupportedForMessageFormat);
    assert_eq!(refused(|it| it.attributes = 5), UnsupportedCompressionType);
    assert_eq!(
        refused(|it| it.attributes = 0x30),
        InvalidRecord,
        "a control batch"
    );
    assert_eq!(refused(|it| it.records.clear()), InvalidRecord);
    assert_eq!(refused(|it| it.last_offset_delta = Some(1)), InvalidRecord);
    assert_eq!(
        refused(|it| it.producer = (1, 0, -1)),
        InvalidRecord,
        "no sequence"
    );
    assert_eq!(
        refused(|it| it.producer = (1, -1, 0)),
        InvalidRecord,
        "no epoch"
    );
}

#[test]
fn a_flipped_bit_is_noticed_wherever_the_checksum_reaches() {
    let sound = Sample::default().bytes();
    for at in 17..sound.len() {
        let mut flipped = BytesMut::from(sound.as_ref());
        flipped[at] ^= 1;
        assert!(check(flipped.freeze()).is_err(), "byte {at}");
    }
}

#[test]
fn a_length_that_cannot_be_true_is_refused() {
    for length in [i32::MIN, -1, 0, 48, i32::MAX] {
        let mut batch = BytesMut::from(Sample::default().bytes().as_ref());
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(
            check(batch.freeze()).map(drop),
            Err(ResponseError::CorruptMessage),
            "{length}"
        );
    }
}

#[test]
fn zstd_needs_a_produce_version_that_knows_it() {
    let sample = Sample {
        attributes: 4,
        ..Sample::default()
    }
    .bytes();
    let error = Incoming::check(Some(&sample), 6)
        .map(drop)
        .map_err(|rejected| rejected.error);
    assert_eq!(error, Err(ResponseError::UnsupportedCompressionType));
    assert!(Incoming::check(Some(&sample), 7).is_ok());
}

#[test]
fn records_without_a_key_are_named_also_when_compressed() {
    for codec in 0..=4 {
        let records = vec![(Some("a"), 0), (None, 0), (Some(""), 0), (None, 0)];
        let sample = Sample {
            attributes: codec,
            records,
            ..Sample::default()
        };
        let Rejected { error, records, .. } = sample
            .incoming()
            .check_keys()
            .expect_err("keys are missing");
        assert_eq!(
            (error, records),
            (ResponseError::InvalidRecord, vec![1, 3]),
            "codec {codec}"
        );
    }
    assert_eq!(Sample::default().incoming().check_keys(), Ok(()));
}

#[test]
fn timestamps_may_lie_only_so_far_from_the_clock() {
    let check = |time| {
        Sample::at(&[time])
            .incoming()
            .check_timestamps(10_000, 5_000, 1_000)
            .is_ok()
    };
    assert!(check(5_000) && check(10_000) && check(11_000));
    assert!(!check(4_999) && !check(11_001) && !check(i64::MAX));
    assert!(check(-1), "no timestamp is no wrong timestamp");
}
