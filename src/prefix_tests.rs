//! Claims about the acknowledged prefix, by case and against a model that looks at every record.

use std::rc::Rc;

use proptest::prelude::*;

use super::*;

fn offsets(range: Range<i64>) -> impl Iterator<Item = SourceOffset> {
    range.map(SourceOffset::new)
}

/// Acknowledges records whose target offsets do not matter.
fn acknowledge<T>(prefix: &mut AckedPrefix<T>, places: Range<Sequence>) {
    prefix.acknowledge(places, None, |_| {}, |_, _| {});
}

fn prefix() -> AckedPrefix<()> {
    AckedPrefix::at(SourceOffset::new(100))
}

#[test]
fn nothing_acknowledged_leaves_the_position_at_the_start() {
    let mut prefix = prefix();
    prefix.send(offsets(100..110), 0, ());
    assert_eq!(prefix.position(), SourceOffset::new(100));
}

#[test]
fn a_hole_holds_the_position_back() {
    let mut prefix = prefix();
    let first = prefix.send(offsets(100..110), 0, ());
    let second = prefix.send(offsets(110..120), 0, ());
    acknowledge(&mut prefix, second);
    assert_eq!(prefix.position(), SourceOffset::new(100));
    acknowledge(&mut prefix, first);
    assert_eq!(prefix.position(), SourceOffset::new(120));
}

#[test]
fn a_batch_acknowledged_in_part_moves_the_position_within_it() {
    let mut prefix = prefix();
    prefix.send(offsets(100..110), 0, ());
    acknowledge(&mut prefix, 0..4);
    assert_eq!(prefix.position(), SourceOffset::new(104));
    assert_eq!(prefix.in_flight(), 6);
}

#[test]
fn gaps_in_the_source_are_bridged() {
    let mut prefix = prefix();
    prefix.send(offsets(100..102).chain(offsets(150..152)), 0, ());
    acknowledge(&mut prefix, 0..2);
    assert_eq!(prefix.position(), SourceOffset::new(150));
    acknowledge(&mut prefix, 2..4);
    assert_eq!(prefix.position(), SourceOffset::new(152));
}

#[test]
fn the_position_gets_past_markers_with_the_last_record_before_them() {
    let mut prefix = prefix();
    let sent = prefix.send(offsets(100..101), 0, ());
    prefix.reach(SourceOffset::new(103));
    assert_eq!(prefix.position(), SourceOffset::new(100));
    acknowledge(&mut prefix, sent);
    assert_eq!(prefix.position(), SourceOffset::new(103));
    prefix.reach(SourceOffset::new(105));
    assert_eq!(prefix.position(), SourceOffset::new(105));
}

#[test]
fn a_batch_holds_its_permit_until_its_last_record_is_acknowledged() {
    let permit = Rc::new(());
    let mut prefix = AckedPrefix::at(SourceOffset::new(0));
    prefix.send(offsets(0..3), 0, Rc::clone(&permit));
    acknowledge(&mut prefix, 0..2);
    assert_eq!(Rc::strong_count(&permit), 2);
    acknowledge(&mut prefix, 2..3);
    assert_eq!(Rc::strong_count(&permit), 1);
}

/// Batch sizes, the gap before each batch, and the order in which single records are acknowledged.
fn history() -> impl Strategy<Value = (Vec<(usize, i64)>, Vec<usize>)> {
    prop::collection::vec((1usize..8, 0i64..3), 1..12).prop_flat_map(|batches| {
        let records: usize = batches.iter().map(|(size, _)| size).sum();
        let order = Just((0..records).collect::<Vec<_>>()).prop_shuffle();
        (Just(batches), order)
    })
}

proptest! {
    #[test]
    fn the_position_is_the_first_record_not_acknowledged((batches, order) in history()) {
        let mut prefix = AckedPrefix::at(SourceOffset::new(0));
        let mut sources = Vec::new();
        let mut next = 0;
        for (size, gap) in batches {
            next += gap;
            let range = next..next + size as i64;
            sources.extend(range.clone());
            prefix.send(offsets(range.clone()), 0, ());
            next = range.end;
        }
        let mut acked = vec![false; sources.len()];
        for place in order {
            acked[place] = true;
            acknowledge(&mut prefix, place as u64..place as u64 + 1);
            match acked.iter().position(|acked| !acked) {
                // Between batches the position may stand before a gap, which holds no record.
                Some(hole) => {
                    let below = if hole == 0 { 0 } else { sources[hole - 1] + 1 };
                    let position = prefix.position().get();
                    prop_assert!(position == sources[hole] || position == below);
                }
                None => prop_assert_eq!(prefix.position(), SourceOffset::new(next)),
            }
        }
        prop_assert_eq!(prefix.in_flight(), 0);
    }

    #[test]
    fn each_record_of_the_prefix_is_mapped_once_and_in_order((batches, order) in history()) {
        let mut prefix = AckedPrefix::at(SourceOffset::new(0));
        let mut sources = Vec::new();
        for (size, gap) in batches {
            let next = sources.last().map_or(0, |last| last + 1) + gap;
            let range = next..next + size as i64;
            sources.extend(range.clone());
            prefix.send(offsets(range), 0, ());
        }
        let mut mapped = Vec::new();
        for place in order {
            // Each third is passed over.
            let target = (place % 3 != 0).then(|| TargetOffset::new(1_000 + place as i64));
            let place = place as u64;
            let take = |run: Run| mapped.push((run.source.get(), run.target.get(), run.length));
            prefix.acknowledge(place..place + 1, target, take, |_, _| {});
        }
        let expected = sources.iter().zip(1_000..).enumerate();
        let expected = expected.filter(|(place, _)| place % 3 != 0);
        let expected: Vec<_> = expected.map(|(_, (source, target))| (*source, target, 1)).collect();
        prop_assert_eq!(mapped, expected);
    }
}

#[test]
fn an_acknowledgement_is_mapped_by_the_gaps_of_the_source() {
    let mut prefix = prefix();
    prefix.send(offsets(100..102).chain(offsets(150..152)), 0, ());
    prefix.send(offsets(152..155), 0, ());
    let mut mapped = Vec::new();
    let first = Some(TargetOffset::new(7));
    prefix.acknowledge(0..6, first, |run| mapped.push(run), |_, _| {});
    let runs = [(100, 7, 2), (150, 9, 2), (152, 11, 2)];
    let runs = runs.map(|(source, target, length)| Run {
        source: SourceOffset::new(source),
        target: TargetOffset::new(target),
        length,
    });
    assert_eq!(mapped, runs);
}
