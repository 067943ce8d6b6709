//! The map against a plain list of what became of each record.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{Topic, begin, run, source};
use super::*;

/// What happens to a partition, one thing after the other.
#[derive(Debug, Clone)]
enum Step {
    /// So many source offsets hold no record.
    Gap(u64),
    /// So many target offsets are taken by others.
    Foreign(u64),
    /// So many records are mirrored.
    Mirror(u64),
    /// So many records are mirrored, each with a gap behind it.
    Runs(u64),
    /// The map is saved.
    Save,
    /// What is not saved is written, unless a write is under way.
    Write,
    /// The map is told of it.
    Written,
    /// The process dies, and another goes on at what was saved.
    Restart,
    /// The process reads again from so many records back.
    Again(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5_u64).prop_map(Step::Gap),
        (1..5_u64).prop_map(Step::Foreign),
        (1..40_u64).prop_map(Step::Mirror),
        (1..12_u64).prop_map(Step::Runs),
        Just(Step::Save),
        Just(Step::Write),
        Just(Step::Written),
        Just(Step::Restart),
        (1..20_u64).prop_map(Step::Again),
    ]
}

proptest! {
    /// The model: for each source offset the target offset of its last copy, and the runs cut short by nothing.
    #[test]
    fn every_offset_is_translated_to_the_first_unread_record(steps in prop::collection::vec(any_step(), 1..120)) {
        let mut topic = Topic::default();
        let mut map = begin(Past::default(), 0, 0);
        topic.save(&mut map);
        let mut copies: BTreeMap<i64, i64> = BTreeMap::new();
        let (mut next, mut end) = (0_i64, 0_i64);
        let mut under_way = None;
        for step in steps {
            match step {
                Step::Gap(count) => {
                    // A record that was there before is there still.
                    let is_new = copies.last_key_value().is_none_or(|(last, _)| *last < next);
                    if is_new {
                        next += count as i64;
                        map.reach(source(next));
                    }
                }
                Step::Foreign(count) => end += count as i64,
                Step::Mirror(count) => {
                    copies.split_off(&next);
                    map.record(run(next, end, count), None);
                    for n in 0..count as i64 {
                        copies.insert(next + n, end + n);
                    }
                    next += count as i64;
                    end += count as i64;
                }
                Step::Runs(count) => {
                    copies.split_off(&next);
                    for _ in 0..count {
                        map.record(run(next, end, 1), None);
                        copies.insert(next, end);
                        (next, end) = (next + 2, end + 1);
                        map.reach(source(next));
                    }
                }
                Step::Save => topic.save(&mut map),
                Step::Write => under_way = under_way.or_else(|| topic.write(&map)),
                Step::Written => if let Some((unsaved, places)) = under_way.take() {
                    map.saved(&unsaved, &places);
                },
                Step::Restart => {
                    under_way = None;
                    let past = topic.past();
                    next = past.mirrored_to().expect("it was saved").get();
                    copies.split_off(&next);
                    map = begin(past, next, end);
                    topic.save(&mut map);
                }
                Step::Again(count) => {
                    under_way = None;
                    let back = copies.keys().rev().nth(count as usize - 1).copied();
                    next = back.unwrap_or(next);
                    map = begin(topic.past(), next.min(topic.past().mirrored_to().expect("it was saved").get()), end);
                    next = map.mirrored_to().get();
                    copies.split_off(&next);
                    topic.save(&mut map);
                }
            }
            for asked in 0..=map.mirrored_to().get() {
                let first = copies.range(asked..).next().map(|(_, copy)| *copy);
                match topic.translate(&map, source(asked)) {
                    Translation::Exact(found) => match first {
                        Some(first) => prop_assert_eq!(found.get(), first, "asked for {}", asked),
                        None => prop_assert!(copies.values().all(|copy| *copy < found.get()) && found.get() <= end),
                    },
                    other => prop_assert!(false, "{:?} for {}", other, asked),
                }
            }
        }
    }
}
