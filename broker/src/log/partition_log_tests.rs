//! Claims about one partition's log: what is appended is read, what is deleted stays deleted, all of it also after a kill.

use kafka_protocol::error::ResponseError;

use super::batch::Header;
use super::partition_log::{AppendRules, Isolation, PartitionLog};
use super::sample::Sample;
use crate::store::PartitionDir;

const RULES: AppendRules = AppendRules {
    log_append_time: false,
    segment_bytes: 200,
    now: 5000,
    disk_full: false,
    denied: None,
};

fn append(log: &mut PartitionLog, sample: &Sample) -> Result<i64, ResponseError> {
    let appended = log.append(sample.incoming(), RULES);
    appended
        .map(|appended| appended.base_offset)
        .map_err(|rejected| rejected.error)
}

fn filled(dir: Option<PartitionDir>) -> PartitionLog {
    let mut log = PartitionLog::new(dir);
    for number in 0..10 {
        append(
            &mut log,
            &Sample::at(&[number * 10, number * 10 + 1, number * 10 + 2]),
        )
        .expect("sound");
    }
    log
}

fn base_offsets(log: &PartitionLog, offset: i64, max_bytes: usize, at_least_one: bool) -> Vec<i64> {
    let slice = log.read(offset, max_bytes, at_least_one, Isolation::Uncommitted);
    assert_eq!(
        slice.size,
        slice.batches.iter().map(bytes::Bytes::len).sum::<usize>()
    );
    slice
        .batches
        .iter()
        .map(|batch| Header::read(batch).expect("a whole header").base_offset)
        .collect()
}

#[test]
fn offset_and_epoch_are_assigned_and_the_checksum_stays_right() {
    let log = filled(None);
    let slice = log.read(27, usize::MAX, false, Isolation::Uncommitted);
    let header = Header::read(&slice.batches[0]).expect("a whole header");
    assert_eq!((header.base_offset, header.leader_epoch), (27, 0));
    assert_eq!(header.crc, super::batch::checksum(&slice.batches[0]));
    assert_eq!((log.start(), log.end()), (0, 30));
}

#[test]
fn a_read_gives_whole_batches_from_the_one_that_holds_the_offset() {
    let log = filled(None);
    let size = log.read(0, 1, true, Isolation::Uncommitted).size;
    assert_eq!(base_offsets(&log, 4, usize::MAX, false)[0], 3);
    assert_eq!(base_offsets(&log, 0, 2 * size, false), [0, 3]);
    assert_eq!(base_offsets(&log, 0, 2 * size + 1, false), [0, 3]);
    assert!(base_offsets(&log, 30, usize::MAX, true).is_empty());
}

#[test]
fn the_first_batch_is_given_whatever_its_size_only_where_it_is_owed() {
    let log = filled(None);
    assert_eq!(base_offsets(&log, 0, 1, true), [0]);
    assert!(base_offsets(&log, 0, 1, false).is_empty());
}

#[test]
fn the_brokers_clock_stamps_the_batch_with_a_new_checksum() {
    let mut log = PartitionLog::new(None);
    let rules = AppendRules {
        log_append_time: true,
        ..RULES
    };
    let appended = log
        .append(Sample::default().incoming(), rules)
        .expect("sound");
    assert_eq!(appended.log_append_time, Some(5000));
    let batch = &log
        .read(0, usize::MAX, true, Isolation::Uncommitted)
        .batches[0];
    let header = Header::read(batch).expect("a whole header");
    assert!(header.is_log_append_time());
    assert_eq!(
        (header.max_timestamp, header.crc),
        (5000, super::batch::checksum(batch))
    );
}

#[test]
fn the_start_moves_forward_only_and_takes_whole_batches_along() {
    let mut log = filled(None);
    log.advance_start(7).expect("there are no files");
    assert_eq!(
        (log.start(), base_offsets(&log, 7, usize::MAX, false)[0]),
        (7, 6)
    );
    log.advance_start(3).expect("there are no files");
    log.advance_start(31).expect("there are no files");
    assert_eq!(log.start(), 7);
}

#[test]
fn retention_counts_whole_batches_from_the_oldest() {
    let log = filled(None);
    let size = log.read(0, 1, true, Isolation::Uncommitted).size as u64;
    // The largest timestamps are 2, 12, 22 and so on.
    assert_eq!(
        [0, 2, 3, 12, 13].map(|since| log.start_by_age(since)),
        [0, 0, 3, 3, 6]
    );
    assert_eq!(log.start_by_age(i64::MAX), 30);
    assert_eq!(log.start_by_size(3 * size), 21);
    assert_eq!(log.start_by_size(3 * size - 1), 21);
    assert_eq!(log.start_by_size(0), 30);
    assert_eq!(log.start_by_size(u64::MAX), 0);
}

#[test]
fn the_offset_at_a_time_is_found_inside_batches_of_every_codec() {
    for codec in 0..=4 {
        let mut log = PartitionLog::new(None);
        for first in [100, 200, 300] {
            let sample = Sample {
                attributes: codec,
                ..Sample::at(&[first, first + 50, first + 20])
            };
            append(&mut log, &sample).expect("sound");
        }
        let at = |time| {
            let found = log.search_time(time).run().expect("the batches are sound");
            (found.offset, found.timestamp)
        };
        assert_eq!(
            [at(0), at(100), at(101), at(160), at(251)],
            [(0, 100), (0, 100), (1, 150), (3, 200), (6, 300)]
        );
        assert_eq!(at(351), (-1, -1));
        let newest = log.search_newest().run().expect("the batches are sound");
        assert_eq!((newest.offset, newest.timestamp), (7, 350));
    }
}

#[test]
fn a_log_comes_back_from_its_directory_as_it_was() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = || PartitionDir::new(root.path().join("0"));
    let mut log = filled(Some(dir()));
    append(&mut log, &Sample::of((7, 0, 0), 2)).expect("sound");
    log.advance_start(7).expect("the directory can be written");
    drop(log);
    let mut log = PartitionLog::load(dir(), 0).expect("the directory can be read");
    assert_eq!((log.start(), log.end()), (7, 32));
    assert_eq!(
        base_offsets(&log, 7, usize::MAX, false),
        [6, 9, 12, 15, 18, 21, 24, 27, 30]
    );
    assert_eq!(
        append(&mut log, &Sample::of((7, 0, 0), 2)),
        Ok(30),
        "a repeat is recognised"
    );
    assert_eq!(append(&mut log, &Sample::of((7, 0, 2), 2)), Ok(32));
}

#[test]
fn producers_outlive_the_batches_that_told_of_them() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = || PartitionDir::new(root.path().join("0"));
    let mut log = PartitionLog::new(Some(dir()));
    append(&mut log, &Sample::of((7, 0, 0), 5)).expect("sound");
    for _ in 0..10 {
        append(&mut log, &Sample::default()).expect("sound");
    }
    log.advance_start(15).expect("the directory can be written");
    drop(log);
    let mut log = PartitionLog::load(dir(), 0).expect("the directory can be read");
    assert_eq!((log.start(), log.end()), (15, 15));
    assert_eq!(
        append(&mut log, &Sample::of((7, 0, 9), 1)),
        Err(ResponseError::OutOfOrderSequenceNumber)
    );
}

#[test]
fn a_torn_tail_is_cut_off_and_written_over() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = || PartitionDir::new(root.path().to_owned());
    let one = Sample::default().bytes().len() as u64;
    for torn in [1, 11, 60, one - 1] {
        let mut log = PartitionLog::new(Some(dir()));
        log.advance_start(0).expect("nothing is to be done");
        let rules = AppendRules {
            segment_bytes: u64::MAX,
            ..RULES
        };
        for _ in 0..2 {
            log.append(Sample::default().incoming(), rules)
                .expect("sound");
        }
        drop(log);
        let path = root.path().join("00000000000000000000.log");
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(one + torn))
            .expect("cut");
        let mut log = PartitionLog::load(dir(), 0).expect("a torn tail is no damage");
        assert_eq!(log.end(), 1, "{torn} bytes of the second batch");
        assert_eq!(append(&mut log, &Sample::default()), Ok(1));
        drop(log);
        assert_eq!(PartitionLog::load(dir(), 0).expect("whole again").end(), 2);
        std::fs::remove_file(&path).expect("the file is there");
    }
}

#[test]
fn damage_in_the_middle_is_told_and_not_cut_off() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = || PartitionDir::new(root.path().to_owned());
    drop(filled(Some(dir())));
    let path = root.path().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).expect("the file is there");
    bytes[70] ^= 1;
    std::fs::write(&path, bytes).expect("the file can be written");
    let error = PartitionLog::load(dir(), 0)
        .expect_err("the file is damaged")
        .to_string();
    assert!(error.contains("00000000000000000000.log"), "{error}");
}
