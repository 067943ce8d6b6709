//! What is new, what waits and what is settled.

use super::*;
use crate::config::Counterpart;

fn at(offset: i64) -> Position {
    Position {
        offset: SourceOffset::new(offset),
        metadata: "".into(),
        read_at: offset * 10,
    }
}

fn exact(offset: i64) -> Translated {
    Translated::Exact(TargetOffset::new(offset))
}

fn not_yet() -> Translated {
    Translated::NotYet {
        mirrored_to: SourceOffset::new(0),
    }
}

/// The source offset that is published at a position, as the mirror has got to `mirrored_to`, one to one.
fn step(entry: &mut Entry, position: i64, mirrored_to: i64) -> Option<i64> {
    let translate = |offset: i64| match offset <= mirrored_to {
        true => exact(offset),
        false => not_yet(),
    };
    let now = at(position);
    let earlier = entry.earlier(now.offset).map(|earlier| earlier.offset);
    let earlier = earlier.map(|offset| translate(offset.get()));
    let known = entry.newest(&now, &translate(position), earlier.as_ref())?;
    assert_eq!(known.target.get(), known.position.offset.get());
    Some(known.position.offset.get())
}

#[test]
fn a_group_that_is_always_ahead_of_the_mirror_is_followed_one_round_behind() {
    let mut entry = Entry::default();
    let published: Vec<_> = (1..6)
        .map(|round| step(&mut entry, round * 100, round * 100 - 50))
        .collect();
    assert_eq!(
        published,
        [None, Some(100), Some(200), Some(300), Some(400)]
    );
    assert_eq!(step(&mut entry, 600, 600), Some(600), "it got level");
    assert_eq!(entry.earlier(SourceOffset::new(1_000)), None);
}

#[test]
fn while_the_mirror_stands_still_the_oldest_position_waits() {
    let mut entry = Entry::default();
    for position in [200, 300, 400] {
        assert_eq!(step(&mut entry, position, 100), None);
    }
    assert_eq!(step(&mut entry, 500, 250), Some(200));
    assert_eq!(step(&mut entry, 600, 550), Some(500));
}

#[test]
fn what_a_group_had_read_before_it_went_back_does_not_count() {
    let mut entry = Entry::default();
    assert_eq!(step(&mut entry, 200, 100), None);
    assert_eq!(step(&mut entry, 150, 100), None);
    assert_eq!(step(&mut entry, 400, 300), Some(150));
}

#[test]
fn nothing_is_published_of_what_nobody_knows() {
    let mut entry = Entry::default();
    let unknown = Translated::Unknown {
        known_from: SourceOffset::new(9),
        at_least: None,
    };
    assert_eq!(entry.newest(&at(5), &unknown, None), None);
    let failed = Translated::Failed("why".to_owned());
    assert_eq!(entry.newest(&at(5), &failed, Some(&exact(4))), None);
}

#[test]
fn where_it_is_not_known_exactly_what_skips_nothing_is_published() {
    let floor = TargetOffset::new(3);
    let unknown = Translated::Unknown {
        known_from: SourceOffset::new(9),
        at_least: Some(floor),
    };
    let known = Entry::default().newest(&at(5), &unknown, None);
    assert_eq!(known.map(|known| known.target), Some(floor));
}

#[test]
fn only_what_differs_from_the_last_is_new() {
    let mut entry = Entry::default();
    let known = |offset: i64, target: i64, metadata: &str| Known {
        position: Position {
            metadata: metadata.into(),
            ..at(offset)
        },
        target: TargetOffset::new(target),
    };
    assert!(entry.is_new(&known(5, 4, "")));
    entry.set_published(&known(5, 4, ""));
    let later = Known {
        position: Position {
            read_at: 1,
            ..at(5)
        },
        target: TargetOffset::new(4),
    };
    assert!(!entry.is_new(&later));
    for other in [known(6, 4, ""), known(5, 5, ""), known(5, 4, "m")] {
        assert!(entry.is_new(&other), "{other:?}");
    }
}

#[test]
fn a_refusal_counts_once_until_there_is_another() {
    let mut entry = Entry::default();
    let (active, backwards) = (Refused::Active, Refused::Backwards);
    let told: Vec<_> = [(active, 5), (active, 5), (active, 6), (backwards, 6)]
        .into_iter()
        .map(|(reason, of)| entry.refuse(reason, of))
        .collect();
    assert_eq!(told, [true, false, true, true]);
    assert!(entry.is_open(TargetOffset::new(6)));
    entry.settle(TargetOffset::new(6), None);
    assert!(!entry.is_open(TargetOffset::new(6)));
    assert!(entry.is_open(TargetOffset::new(7)));
}

#[test]
fn what_is_not_seen_for_a_round_is_forgotten() {
    let held = Held {
        group: "billing".into(),
        at: TopicPartition::new("orders", 0),
        copy: TopicPartition::new("a.orders", 0),
        position: at(5),
        counterpart: Counterpart::Own,
    };
    let target = TargetOffset::new(5);
    let mut memory = Memory::default();
    memory.begin();
    memory
        .of(&held)
        .settle(target, Some("it is at 9".to_owned()));
    assert_eq!(memory.of(&held).ahead(), Some("it is at 9"));
    memory.begin();
    assert!(!memory.of(&held).is_open(target));
    memory.begin();
    memory.begin();
    assert!(memory.of(&held).is_open(target));
}

#[test]
fn each_refusal_of_an_offset_is_counted_once_for_its_reason() {
    let mut entry = Entry::default();
    let mut refuse = |reason, of| entry.refuse(reason, of);
    assert!(refuse(Refused::Deleted, 10) && refuse(Refused::Active, 10));
    assert!(!refuse(Refused::Deleted, 10) && !refuse(Refused::Active, 10));
    assert!(refuse(Refused::Deleted, 20));
}

#[test]
fn what_the_target_has_deleted_is_followed_where_its_log_begins() {
    let mut entry = Entry::default();
    let deleted = |log_start| Translated::Deleted {
        log_start: TargetOffset::new(log_start),
        wanted: TargetOffset::new(10),
    };
    let now = at(10);
    let known = entry.newest(&now, &deleted(40), None);
    assert_eq!(known.map(|known| known.target.get()), Some(40));
    // The group was ahead of the mirror, and what it had reached by then is deleted by now.
    assert_eq!(entry.newest(&at(100), &not_yet(), None), None);
    let known = entry.newest(&at(200), &not_yet(), Some(&deleted(60)));
    let known = known.map(|known| (known.position.offset.get(), known.target.get()));
    assert_eq!(known, Some((100, 60)));
}
