//! Claims about idempotent producers: a repeat is recognised, a gap refused, an old instance fenced.

use kafka_protocol::error::ResponseError;
use proptest::prelude::*;

use super::batch::Header;
use super::producers::{Producers, Verdict};
use super::sample::Sample;

fn batch(epoch: i16, sequence: i32, count: usize) -> Header {
    Sample::of((7, epoch, sequence), count).incoming().header
}

/// A producer that wrote batches of two records from `sequence` on, at offsets from 100 on.
fn wrote(sequence: i32, batches: i32) -> Producers {
    let mut producers = Producers::default();
    for number in 0..batches {
        let first = sequence.wrapping_add(2 * number) & i32::MAX;
        producers.record(&batch(3, first, 2), 100 + 2 * i64::from(number));
    }
    producers
}

#[test]
fn a_batch_is_judged_by_what_was_written_before() {
    use ResponseError::{InvalidProducerEpoch, OutOfOrderSequenceNumber};
    let producers = wrote(0, 7); // sequences 0 to 13, of which 4 to 13 are in the window
    let cases = [
        ("the next", batch(3, 14, 1), Ok(Verdict::Next)),
        (
            "the newest again",
            batch(3, 12, 2),
            Ok(Verdict::Repeat { base_offset: 112 }),
        ),
        (
            "the oldest of the window again",
            batch(3, 4, 2),
            Ok(Verdict::Repeat { base_offset: 104 }),
        ),
        (
            "one from before the window",
            batch(3, 2, 2),
            Err(OutOfOrderSequenceNumber),
        ),
        ("a gap", batch(3, 15, 1), Err(OutOfOrderSequenceNumber)),
        (
            "a repeat cut differently",
            batch(3, 12, 1),
            Err(OutOfOrderSequenceNumber),
        ),
        (
            "a repeat that goes on",
            batch(3, 12, 3),
            Err(OutOfOrderSequenceNumber),
        ),
        ("a newer instance from 0", batch(4, 0, 1), Ok(Verdict::Next)),
        (
            "a newer instance from elsewhere",
            batch(4, 14, 1),
            Err(OutOfOrderSequenceNumber),
        ),
        (
            "an older instance",
            batch(2, 14, 1),
            Err(InvalidProducerEpoch),
        ),
    ];
    for (what, header, verdict) in cases {
        assert_eq!(producers.judge(&header), verdict, "{what}");
    }
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    assert_eq!(
        Producers::default().judge(&batch(3, 1234, 1)),
        Ok(Verdict::Next)
    );
}

#[test]
fn a_batch_without_a_producer_is_never_judged() {
    let plain = Sample::default().incoming().header;
    let mut producers = Producers::default();
    producers.record(&plain, 0);
    assert_eq!(producers.judge(&plain), Ok(Verdict::Next));
    assert_eq!(producers, Producers::default());
}

#[test]
fn a_new_epoch_forgets_the_batches_of_the_old_one() {
    let mut producers = wrote(0, 3);
    producers.record(&batch(4, 0, 2), 200);
    assert_eq!(
        producers.judge(&batch(4, 0, 2)),
        Ok(Verdict::Repeat { base_offset: 200 })
    );
    assert_eq!(
        producers.judge(&batch(4, 4, 2)),
        Err(ResponseError::OutOfOrderSequenceNumber)
    );
}

#[test]
fn a_producer_whose_records_are_old_is_forgotten_unless_its_transaction_is_open() {
    let gap = batch(3, 9, 1);
    let refused = Err(ResponseError::OutOfOrderSequenceNumber);
    // The samples' records are of 1000.
    let mut producers = wrote(0, 1);
    producers.expire(999, |_| false);
    assert_eq!(producers.judge(&gap), refused);
    producers.expire(1000, |id| id == 7);
    assert_eq!(producers.judge(&gap), refused);
    producers.expire(1000, |_| false);
    assert_eq!(producers.judge(&gap), Ok(Verdict::Next));
}

proptest! {
    #[test]
    fn in_order_batches_are_taken_once_each_across_the_wrap(
        start in prop_oneof![0..=i32::MAX, i32::MAX - 40..=i32::MAX],
        counts in prop::collection::vec(1..20_usize, 1..30),
    ) {
        let mut producers = Producers::default();
        let (mut sequence, mut offset) = (start, 0_i64);
        for count in counts {
            let header = batch(3, sequence, count);
            prop_assert_eq!(producers.judge(&header), Ok(Verdict::Next));
            producers.record(&header, offset);
            prop_assert_eq!(producers.judge(&header), Ok(Verdict::Repeat { base_offset: offset }));
            sequence = sequence.wrapping_add(count as i32) & i32::MAX;
            offset += count as i64;
        }
    }
}
