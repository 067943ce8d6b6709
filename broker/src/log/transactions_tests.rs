//! Claims about transactions in a log: what a reader of committed records is shown, also of logs that are cut and compacted.

use super::batch::{Header, TRANSACTIONAL};
use super::cut::Epoch;
use super::marker::{Ending, Marker};
use super::partition_log::{AppendRules, Isolation, PartitionLog};
use super::sample::Sample;
use super::transactions::Aborted;
use crate::store::PartitionDir;

const RULES: AppendRules = AppendRules {
    log_append_time: false,
    segment_bytes: 300,
    now: 5000,
    disk_full: false,
    denied: None,
};

/// When the records say that they were written: their nulls outlive the markers.
const LATER: i64 = 9000;

/// Appends a record of a transaction with a key.
fn put(log: &mut PartitionLog, producer_id: i64, sequence: i32, key: &'static str) {
    let sample = Sample {
        attributes: TRANSACTIONAL,
        base_timestamp: LATER,
        records: vec![(Some(key), LATER)],
        ..Sample::of((producer_id, 0, sequence), 1)
    };
    log.append(sample.incoming(), RULES).expect("sound");
}

fn end(log: &mut PartitionLog, producer_id: i64, ending: Ending) {
    let marker = Marker {
        producer_id,
        producer_epoch: 0,
        ending,
    };
    log.append_marker(marker, RULES).expect("there is room");
}

/// Producer 1 commits offsets 0 and 2, producer 2 aborts 1 and 4; the markers are at 3 and 5. Offset 6 stays open.
fn filled(dir: Option<PartitionDir>) -> PartitionLog {
    let mut log = PartitionLog::new(dir);
    put(&mut log, 1, 0, "a");
    put(&mut log, 2, 0, "a");
    put(&mut log, 1, 1, "b");
    end(&mut log, 1, Ending::Commit);
    put(&mut log, 2, 1, "b");
    end(&mut log, 2, Ending::Abort);
    put(&mut log, 1, 2, "a");
    log
}

fn offsets(log: &PartitionLog, isolation: Isolation) -> Vec<i64> {
    let slice = log.read(0, usize::MAX, true, isolation);
    let base = |batch: &bytes::Bytes| Header::read(batch).expect("whole").base_offset;
    slice.batches.iter().map(base).collect()
}

const ABORTED: Aborted = Aborted {
    producer_id: 2,
    first_offset: 1,
    marker_offset: 5,
};

#[test]
fn a_reader_of_committed_records_stops_before_the_oldest_open_transaction() {
    let log = filled(None);
    assert_eq!((log.last_stable(), log.end()), (6, 7));
    assert_eq!(offsets(&log, Isolation::Committed), [0, 1, 2, 3, 4, 5]);
    assert_eq!(offsets(&log, Isolation::Uncommitted), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn it_is_told_of_aborted_transactions_that_it_reads_a_part_of() {
    let log = filled(None);
    let told = |from, most| {
        let slice = log.read(from, most, true, Isolation::Committed);
        slice.aborted
    };
    assert_eq!(told(0, 1), [], "only the first batch is read");
    assert_eq!(told(2, 1), [ABORTED], "it began before, and goes on");
    assert_eq!(told(5, usize::MAX), [ABORTED]);
    assert_eq!(told(6, usize::MAX), [], "nothing is read");
    let all = log.read(0, usize::MAX, true, Isolation::Uncommitted);
    assert_eq!(all.aborted, [], "who reads everything need not know");
}

#[test]
fn several_are_told_in_the_order_of_their_first_offsets() {
    let mut log = PartitionLog::new(None);
    put(&mut log, 1, 0, "a");
    put(&mut log, 2, 0, "a");
    end(&mut log, 2, Ending::Abort);
    end(&mut log, 1, Ending::Abort);
    let slice = log.read(0, usize::MAX, true, Isolation::Committed);
    let first: Vec<i64> = slice.aborted.iter().map(|it| it.first_offset).collect();
    assert_eq!(first, [0, 1]);
}

#[test]
fn a_batch_outside_the_open_transaction_of_its_producer_is_refused() {
    let mut log = filled(None);
    let outside = Sample::of((1, 0, 3), 1).incoming();
    let refused = log.append(outside, RULES).expect_err("it is open");
    assert_eq!(refused.error.code(), 48);
}

#[test]
fn a_marker_in_a_newer_epoch_silences_the_older() {
    let mut log = filled(None);
    let marker = Marker {
        producer_id: 1,
        producer_epoch: 1,
        ending: Ending::Abort,
    };
    log.append_marker(marker, RULES).expect("there is room");
    for (producer, expected) in [
        ((1, 0, 3), Some(47)),
        ((1, 1, 3), Some(45)),
        ((1, 1, 0), None),
    ] {
        let taken = log.append(Sample::of(producer, 1).incoming(), RULES);
        let error = taken.err().map(|rejected| rejected.error.code());
        assert_eq!(error, expected, "{producer:?}");
    }
}

#[test]
fn a_log_that_starts_later_forgets_what_ended_before_and_keeps_what_is_open() {
    let mut log = filled(None);
    log.advance_start(5).expect("in memory");
    let slice = log.read(5, usize::MAX, true, Isolation::Committed);
    assert_eq!(slice.aborted, [ABORTED], "its marker is still there");
    log.advance_start(7).expect("in memory");
    assert_eq!(log.last_stable(), 7, "all of the open one is deleted");
    put(&mut log, 3, 0, "a");
    assert_eq!(log.last_stable(), 7, "and yet it goes on");
    end(&mut log, 1, Ending::Commit);
    end(&mut log, 3, Ending::Commit);
    assert_eq!(log.last_stable(), log.end());
}

#[test]
fn a_cut_before_a_marker_opens_its_transaction_again() {
    let mut log = filled(None);
    log.cut(5, Epoch::Current).expect("within the log");
    assert_eq!(log.last_stable(), 1);
    assert!(log.has_open_transaction(2) && !log.has_open_transaction(1));
    end(&mut log, 2, Ending::Commit);
    let slice = log.read(0, usize::MAX, true, Isolation::Committed);
    assert_eq!((slice.batches.len(), slice.aborted), (6, Vec::new()));
}

#[test]
fn a_cut_remembers_what_is_open_also_where_its_records_are_deleted() {
    let mut log = filled(None);
    log.advance_start(2).expect("in memory");
    log.cut(4, Epoch::Current).expect("within the log");
    assert!(log.has_open_transaction(2));
    assert_eq!(log.last_stable(), 2);
    log.lose().expect("in memory");
    assert_eq!((log.last_stable(), log.has_open_transaction(2)), (0, false));
}

#[test]
fn compaction_drops_aborted_records_and_none_that_may_still_be_aborted() {
    let mut log = filled(None);
    log.compact(RULES.now, 1000).expect("sound");
    assert_eq!(
        offsets(&log, Isolation::Uncommitted),
        [0, 2, 3, 5, 6],
        "neither the aborted nor the open record took the place of the one at 0"
    );
    end(&mut log, 1, Ending::Commit);
    log.compact(RULES.now, 1000).expect("sound");
    assert_eq!(offsets(&log, Isolation::Uncommitted), [2, 3, 5, 6, 7]);
}

#[test]
fn a_marker_without_records_goes_in_time_and_takes_its_entry_along() {
    let mut log = filled(None);
    log.compact(RULES.now + 1000, 1000).expect("sound");
    assert_eq!(offsets(&log, Isolation::Uncommitted), [0, 2, 3, 6]);
    let slice = log.read(0, usize::MAX, true, Isolation::Committed);
    assert_eq!(slice.aborted, []);
}

#[test]
fn what_is_open_and_what_was_aborted_comes_back_from_the_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = || PartitionDir::new(root.path().join("0"));
    let changes: [fn(&mut PartitionLog); 3] = [
        |_| {},
        |log| log.advance_start(2).expect("it is written"),
        |log| log.compact(RULES.now, 1000).expect("it is written"),
    ];
    let mut log = filled(Some(dir()));
    for change in changes {
        change(&mut log);
        put(&mut log, 1, 3, "c");
        end(&mut log, 1, Ending::Abort);
        put(&mut log, 1, 4, "c");
        let loaded = PartitionLog::load(dir(), RULES.now).expect("sound");
        assert_eq!(loaded.transactions, log.transactions);
        assert_eq!(loaded.last_stable(), log.last_stable());
        log = loaded;
        log.forget_producers().expect("it is written");
    }
}
