//! Claims about looking inside batches: every framing is read, and no bytes whatever do harm.

use proptest::prelude::*;

use super::batch::Header;
use super::compression::{compress, decompress, decompress_within, xerial};
use super::records::Records;
use super::sample::Sample;

#[test]
fn snappy_is_read_raw_and_framed_as_snappy_java_does() {
    let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    assert_eq!(
        decompress(2, &xerial(&plain, 32 * 1024).expect("packed")).expect("framed"),
        plain
    );
    let raw = snap::raw::Encoder::new()
        .compress_vec(&plain)
        .expect("small");
    assert_eq!(decompress(2, &raw).expect("raw"), plain);
}

#[test]
fn a_batch_that_unfolds_without_bounds_is_refused() {
    let plain = vec![0; 100_000];
    for codec in 1..=4 {
        let packed = compress(codec, &plain).expect("packed");
        assert!(
            decompress_within(codec, &packed, 100_000).is_ok(),
            "codec {codec}"
        );
        assert!(
            decompress_within(codec, &packed, 99_999).is_err(),
            "codec {codec}"
        );
    }
    let claims_4_gib = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert!(decompress(2, &claims_4_gib).is_err());
}

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(
        times in prop::collection::vec(0..1_i64 << 40, 1..50),
        codec in 0..=4_i16,
    ) {
        let sample = Sample { attributes: codec, ..Sample::at(&times) };
        let incoming = sample.incoming();
        let records = Records::open(&incoming.header, &incoming.bytes).expect("sound");
        let read: Vec<i64> = records.iter().map(|record| {
            let record = record.expect("sound");
            assert_eq!(record.key, Some(b"key".as_slice()));
            incoming.header.base_timestamp + record.timestamp_delta
        }).collect();
        prop_assert_eq!(read, times);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 61..400), codec in 0..=5_i16) {
        let header = Header::read(&bytes).expect("long enough for a header");
        if let Ok(records) = Records::open(&Header { attributes: codec, ..header }, &bytes) {
            prop_assert!(records.iter().count() <= bytes.len() + 1 || codec != 0);
        }
    }
}
