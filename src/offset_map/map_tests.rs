//! The map through turns, saves that are under way, and topics that are made anew.

use std::collections::BTreeMap;

use super::super::past::Stored;
use super::*;

pub(super) fn source(offset: i64) -> SourceOffset {
    SourceOffset::new(offset)
}

pub(super) fn target(offset: i64) -> TargetOffset {
    TargetOffset::new(offset)
}

pub(super) fn run(source_offset: i64, target_offset: i64, length: u64) -> Run {
    Run {
        source: source(source_offset),
        target: target(target_offset),
        length,
    }
}

fn at() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

pub(super) fn begin(past: Past, from: i64, target_from: i64) -> Map {
    let (from, target_from) = (source(from), target(target_from));
    Map::begin("a-b", at(), past, Ends::default(), from, target_from)
}

/// The records of the map's topic, as compaction would leave them.
#[derive(Default)]
pub(super) struct Topic {
    records: BTreeMap<Key, (Place, Vec<u8>)>,
    end: i64,
}

impl Topic {
    pub(super) fn save(&mut self, map: &mut Map) {
        if let Some((unsaved, places)) = self.write(map) {
            map.saved(&unsaved, &places);
        }
    }

    /// Writes what is not saved; the map has yet to be told.
    pub(super) fn write(&mut self, map: &Map) -> Option<(Unsaved, Vec<Place>)> {
        let unsaved = map.unsaved()?;
        let mut places = Vec::new();
        for change in &unsaved.changes {
            let place = Place {
                partition: 0,
                offset: self.end,
            };
            self.end += 1;
            places.push(place);
            match &change.value {
                Some(value) => self
                    .records
                    .insert(change.key.clone(), (place, value.clone())),
                None => self.records.remove(&change.key),
            };
        }
        Some((unsaved, places))
    }

    pub(super) fn past(&self) -> Past {
        self.past_of(None)
    }

    /// Of a partition that is committed up to there.
    fn past_of(&self, committed: Option<SourceOffset>) -> Past {
        let stored = self.records.iter().map(|(key, (place, value))| {
            let chunk = Chunk::read(value).expect("the map writes whole chunks");
            Stored::new(key.clone(), *place, chunk)
        });
        Past::of(stored.collect(), &Ends::default(), committed)
    }

    pub(super) fn translate(&self, map: &Map, mut at: SourceOffset) -> Translation {
        loop {
            let aside = match map.translate(at) {
                Translation::Aside(aside) => aside,
                told => return told,
            };
            let mut records = self.records.values();
            let record = records.find(|(place, _)| *place == aside.place);
            let (_, value) = record.expect("a stretch that counts is there");
            let chunk = Chunk::read(value).expect("the map writes whole chunks");
            match aside.find(&chunk, at) {
                Some(found) => return Translation::Exact(found),
                None => at = aside.to,
            }
        }
    }
}

#[test]
fn a_partition_in_step_is_one_run_through_all_turns() {
    let mut topic = Topic::default();
    for turn in 0..50 {
        let mut map = begin(topic.past(), turn * 10, turn * 10);
        for offset in turn * 10..(turn + 1) * 10 {
            map.record(run(offset, offset, 1), None);
            topic.save(&mut map);
        }
    }
    assert_eq!(topic.records.len(), 1);
    let (_, value) = topic.records.values().next().expect("one record");
    assert!(value.len() < 20, "{} bytes", value.len());
    let map = begin(topic.past(), 500, 500);
    assert_eq!(map.translate(source(123)), Translation::Exact(target(123)));
}

#[test]
fn the_end_is_the_counterpart_of_the_end_and_nothing_lies_beyond() {
    let mut map = begin(Past::default(), 5, 100);
    assert_eq!(map.translate(source(5)), Translation::Exact(target(100)));
    map.record(run(5, 103, 2), None);
    map.reach(source(9));
    for (asked, found) in [(5, 103), (6, 104), (7, 105), (9, 105)] {
        assert_eq!(
            map.translate(source(asked)),
            Translation::Exact(target(found))
        );
    }
    let not_yet = Translation::NotYet {
        mirrored_to: source(9),
    };
    assert_eq!(map.translate(source(10)), not_yet);
    let unknown = Translation::Unknown {
        known_from: source(5),
        at_least: None,
    };
    assert_eq!(map.translate(source(4)), unknown);
}

#[test]
fn of_records_that_were_written_twice_the_later_copies_count() {
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 10), None);
    map.record(run(6, 10, 4), None);
    for (asked, found) in [(5, 5), (6, 10), (9, 13), (10, 14)] {
        assert_eq!(
            map.translate(source(asked)),
            Translation::Exact(target(found))
        );
    }
}

#[test]
fn the_newest_record_is_known_on_both_sides() {
    let mut map = begin(Past::default(), 0, 0);
    assert_eq!(map.newest(), None);
    map.record(run(0, 3, 10), None);
    map.reach(source(12));
    assert_eq!(map.newest(), Some((source(9), target(12))));
    map.leave_unknown(source(20), target(30));
    assert_eq!(map.newest(), Some((source(9), target(12))));
    map.record(run(20, 30, 1), None);
    assert_eq!(map.newest(), Some((source(20), target(30))));
}

/// Records of a map that is in step nowhere, so that each is a run.
fn record_runs(map: &mut Map, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let n = n as i64;
        map.record(run(2 * n, n, 1), None);
    }
}

#[test]
fn a_chunk_that_is_sealed_while_it_is_written_is_written_whole_once_more() {
    let (mut topic, mut map) = (Topic::default(), begin(Past::default(), 0, 0));
    record_runs(&mut map, 0..SEALED_AT - 2);
    let (unsaved, places) = topic.write(&map).expect("it is new");
    record_runs(&mut map, SEALED_AT - 2..5 * SEALED_AT);
    map.saved(&unsaved, &places);
    topic.save(&mut map);
    let last = begin(
        topic.past(),
        map.mirrored_to().get(),
        map.target_end().get(),
    );
    for map in [map, last] {
        for n in 0..5 * SEALED_AT as i64 {
            let found = topic.translate(&map, source(2 * n));
            assert_eq!(found, Translation::Exact(target(n)));
        }
    }
}

#[test]
fn a_chunk_that_is_voided_while_it_is_written_is_forgotten() {
    let (mut topic, mut map) = (Topic::default(), begin(Past::default(), 0, 0));
    record_runs(&mut map, 0..3);
    let (unsaved, places) = topic.write(&map).expect("it is new");
    // The copy was created anew.
    map.record(run(6, 0, 1), None);
    map.saved(&unsaved, &places);
    topic.save(&mut map);
    assert_eq!(topic.records.len(), 1);
}

#[test]
fn a_turn_that_begins_while_the_map_is_written_is_written() {
    let (mut topic, mut map) = (Topic::default(), begin(Past::default(), 0, 0));
    record_runs(&mut map, 0..3);
    let (unsaved, places) = topic.write(&map).expect("it is new");
    let before = map.key();
    map.take_turn(topic.past().last_turn());
    map.saved(&unsaved, &places);
    topic.save(&mut map);
    assert_ne!(map.key(), before);
    let stored: Vec<_> = topic.records.keys().cloned().collect();
    assert_eq!(stored, [map.key()]);
}

#[test]
fn a_copy_that_was_created_anew_voids_what_was_known() {
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 10), None);
    map.record(run(10, 0, 5), None);
    let unknown = Translation::Unknown {
        known_from: source(10),
        at_least: None,
    };
    assert_eq!(map.translate(source(3)), unknown);
    assert_eq!(map.translate(source(12)), Translation::Exact(target(2)));
}

#[test]
fn a_topic_that_was_created_anew_takes_nothing_over() {
    let ends = |id: &str| Ends {
        source: Some(crate::clusters::TopicId::new(id)),
        target: None,
    };
    let mut old = Map::begin(
        "a-b",
        at(),
        Past::default(),
        ends("old"),
        source(0),
        target(0),
    );
    old.record(run(0, 0, 10), None);
    let value = old.unsaved().expect("it is new").changes[0].value.clone();
    let chunk = Chunk::read(&value.expect("a value")).expect("a chunk");
    let place = Place {
        partition: 0,
        offset: 0,
    };
    let stored = Stored::new(old.key(), place, chunk);
    assert_eq!(
        Past::of(vec![stored.clone()], &ends("old"), None).mirrored_to(),
        Some(source(10))
    );
    let past = Past::of(vec![stored], &ends("new"), None);
    assert_eq!(past.mirrored_to(), None);
    let mut map = Map::begin("a-b", at(), past, ends("new"), source(0), target(10));
    map.record(run(0, 10, 1), None);
    let forgotten = map.unsaved().expect("it grew").changes.pop();
    let forgotten = forgotten.expect("the old chunk");
    assert_eq!((forgotten.key, forgotten.value), (old.key(), None));
}

#[test]
fn a_process_that_lost_its_turn_overwrites_nothing() {
    let mut topic = Topic::default();
    let mut zombie = begin(topic.past(), 0, 0);
    zombie.record(run(0, 0, 10), None);
    topic.save(&mut zombie);
    let mut owner = begin(topic.past(), 10, 10);
    owner.record(run(10, 10, 5), None);
    topic.save(&mut owner);
    zombie.record(run(10, 15, 100), None);
    topic.save(&mut zombie);
    let map = begin(topic.past(), 15, 115);
    assert_eq!(
        topic.translate(&map, source(12)),
        Translation::Exact(target(12))
    );
    assert_eq!(topic.past().mirrored_to(), Some(source(15)));
}

#[test]
fn a_turn_that_comes_late_hides_nothing_of_what_is_committed() {
    let mut topic = Topic::default();
    let mut first = begin(topic.past(), 0, 0);
    first.record(run(0, 0, 10), None);
    topic.save(&mut first);
    let mut zombie = begin(topic.past(), 10, 10);
    let mut owner = begin(topic.past(), 10, 10);
    owner.record(run(10, 10, 5), None);
    topic.save(&mut owner);
    // After two turns more than the owner's, and with as many records as lie between.
    zombie.take_turn(topic.past().last_turn());
    zombie.take_turn(topic.past().last_turn());
    zombie.record(run(10, 15, 3), None);
    topic.save(&mut zombie);
    let known = |committed| {
        let past = topic.past_of(committed);
        (past.mirrored_to(), past.target_end())
    };
    let (owner, zombie) = (
        (Some(source(15)), Some(target(15))),
        (Some(source(13)), Some(target(18))),
    );
    assert_eq!(known(Some(source(15))), owner);
    assert_eq!(known(Some(source(14))), owner);
    // Whoever goes back takes a later turn, and commits that.
    assert_eq!(known(Some(source(13))), zombie);
    assert_eq!(known(None), zombie);
    // Nothing has come as far: somebody else has moved the group.
    assert_eq!(known(Some(source(16))), zombie);
    let past = topic.past_of(Some(source(15)));
    let after = Map::begin("a-b", at(), past, Ends::default(), source(15), target(15));
    let changes = after.unsaved().expect("it has begun").changes;
    let forgotten = changes.iter().filter(|change| change.value.is_none());
    assert_eq!(
        forgotten.count(),
        2,
        "the owner's is gone on with, the other forgotten"
    );
}

#[test]
fn what_the_source_holds_no_more_is_forgotten() {
    let mut topic = Topic::default();
    let mut map = begin(Past::default(), 0, 0);
    for n in 0..10 * SEALED_AT as i64 {
        map.record(run(2 * n, n, 1), None);
    }
    topic.save(&mut map);
    let before = topic.records.len();
    map.forget_before(source(9 * SEALED_AT as i64));
    map.reach(map.mirrored_to().next());
    topic.save(&mut map);
    assert_eq!(before - topic.records.len(), 4);
}

fn witness(offset: i64) -> Witness {
    Witness::new(source(offset), 0, None, None)
}

#[test]
fn the_log_is_known_again_by_the_same_record_through_chunks_and_turns() {
    let mut topic = Topic::default();
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 1), None);
    map.see(witness(0));
    let runs = SEALED_AT as i64;
    for n in 1..runs {
        map.record(run(2 * n, n, 1), None);
    }
    assert_eq!(map.number, 1, "the first chunk is full");
    assert_eq!(map.witness(), Some(witness(0)));
    topic.save(&mut map);
    let map = begin(topic.past(), map.mirrored_to().get(), runs);
    assert_eq!(map.witness(), Some(witness(0)));
}

#[test]
fn the_log_is_not_known_again_by_a_record_that_is_copied_once_more() {
    let mut topic = Topic::default();
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 10), None);
    map.see(witness(9));
    topic.save(&mut map);
    assert_eq!(begin(topic.past(), 9, 10).witness(), None);
    assert_eq!(begin(topic.past(), 10, 10).witness(), Some(witness(9)));
    map.go_on(source(9));
    assert_eq!(map.witness(), None);
}
