//! Claims about where leader epochs end (KIP-320).

use super::epochs::{EpochEnd, LeaderEpochs};

/// Epoch 0 wrote 0 to 9, epoch 2 wrote 10 to 19, epoch 5 writes from 20 on.
fn three() -> LeaderEpochs {
    let text =
        r#"{"entries":[{"epoch":0,"start":0},{"epoch":2,"start":10},{"epoch":5,"start":20}]}"#;
    serde_json::from_str(text).expect("as in a checkpoint")
}

fn end_of(epochs: &LeaderEpochs, epoch: i32) -> Option<(i32, i64)> {
    epochs
        .end_of(epoch, 33)
        .map(|EpochEnd { epoch, end_offset }| (epoch, end_offset))
}

#[test]
fn an_epoch_ends_where_the_next_one_begins() {
    let epochs = three();
    assert_eq!(end_of(&epochs, 0), Some((0, 10)));
    assert_eq!(end_of(&epochs, 2), Some((2, 20)));
    assert_eq!(end_of(&epochs, 5), Some((5, 33)));
}

#[test]
fn an_epoch_that_wrote_nothing_is_answered_by_the_one_before() {
    let epochs = three();
    assert_eq!(end_of(&epochs, 1), Some((0, 10)));
    assert_eq!(end_of(&epochs, 4), Some((2, 20)));
}

#[test]
fn an_epoch_to_come_is_unknown() {
    assert_eq!(end_of(&three(), 6), None);
}

#[test]
fn a_record_belongs_to_the_epoch_that_wrote_it() {
    let epochs = three();
    let wrote: Vec<i32> = [0, 9, 10, 19, 20, 99]
        .into_iter()
        .map(|offset| epochs.of(offset))
        .collect();
    assert_eq!(wrote, [0, 0, 2, 2, 5, 5]);
}

#[test]
fn epochs_whose_records_are_all_deleted_are_forgotten() {
    let mut epochs = three();
    epochs.advance(15);
    assert_eq!(
        end_of(&epochs, 0),
        Some((0, 15)),
        "what it wrote is gone, so it ends where the log starts"
    );
    assert_eq!(end_of(&epochs, 2), Some((2, 20)));
    assert_eq!((epochs.current(), epochs.of(15)), (5, 2));
}
