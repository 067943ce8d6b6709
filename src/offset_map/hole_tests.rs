//! Holes of the map: what nobody mapped is unknown, and a reader that begins before it skips nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{Topic, begin, run, source, target};
use super::*;

#[test]
fn what_nobody_mapped_is_unknown_and_not_skipped() {
    let mut topic = Topic::default();
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 10), None);
    topic.save(&mut map);
    let map = begin(topic.past(), 20, 30);
    let unknown = Translation::Unknown {
        known_from: source(20),
        at_least: Some(target(10)),
    };
    assert_eq!(map.translate(source(9)), Translation::Exact(target(9)));
    assert_eq!(map.translate(source(10)), unknown);
    assert_eq!(map.translate(source(20)), Translation::Exact(target(30)));
}

#[test]
fn behind_a_copy_that_was_cut_back_nothing_is_promised() {
    let mut topic = Topic::default();
    let mut map = begin(Past::default(), 0, 0);
    map.record(run(0, 0, 10), None);
    topic.save(&mut map);
    let map = begin(topic.past(), 20, 5);
    let unknown = Translation::Unknown {
        known_from: source(20),
        at_least: None,
    };
    assert_eq!(map.translate(source(15)), unknown);
}

proptest! {
    /// Stretches with holes between them, whose records are on the target all the same, behind what is known before.
    #[test]
    fn an_offset_in_a_hole_has_a_floor_that_skips_no_record(
        stretches in prop::collection::vec((1..12_u64, 1..9_u64, 0..3_u64), 1..12),
        at_once: bool,
    ) {
        let mut topic = Topic::default();
        let mut map = begin(Past::default(), 5, 3);
        let mut copies: BTreeMap<i64, i64> = BTreeMap::new();
        let (mut next, mut end) = (5_i64, 3_i64);
        for (known, hole, foreign) in stretches {
            for _ in 0..known {
                map.record(run(next, end, 1), None);
                copies.insert(next, end);
                // Runs of one record each, so that stretches are sealed and put aside.
                (next, end) = (next + 2, end + 1);
            }
            map.reach(source(next));
            for n in 0..hole as i64 {
                copies.insert(next + n, end + n);
            }
            next += hole as i64;
            end += (hole + foreign) as i64;
            map = match at_once {
                true => {
                    map.leave_unknown(source(next), target(end));
                    map
                }
                false => {
                    topic.save(&mut map);
                    begin(topic.past(), next, end)
                }
            };
        }
        topic.save(&mut map);
        for asked in 5..=next {
            let first = copies.range(asked..).next().map_or(end, |(_, copy)| *copy);
            match topic.translate(&map, source(asked)) {
                Translation::Exact(found) => {
                    let may_be = if copies.range(asked..).next().is_some() { first..=first } else { 0..=end };
                    prop_assert!(may_be.contains(&found.get()), "{:?} for {}", found, asked);
                }
                Translation::Unknown { at_least: Some(floor), .. } => {
                    prop_assert!(floor.get() <= first, "{:?} for {}", floor, asked);
                    let read = copies.range(..asked).next_back().map_or(0, |(_, copy)| *copy);
                    prop_assert!(read + 1 - floor.get() < 9, "{:?} for {}", floor, asked);
                }
                other => prop_assert!(false, "{:?} for {}", other, asked),
            }
        }
    }
}
