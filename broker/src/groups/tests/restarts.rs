//! What the journal brings back.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const OUTSIDER: Caller<'static> = Caller {
    member_id: "",
    instance_id: None,
    generation: None,
};

/// Groups that keep their journal in `dir`, as a cluster that was killed and started again finds them.
fn open(dir: &Path) -> Room {
    let groups = Groups::new(GroupSettings::default(), Some(dir)).expect("the journal is sound");
    Room {
        groups,
        now: Instant::now(),
    }
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn journal(dir: &TempDir) -> String {
    fs::read_to_string(dir.path().join("groups.journal")).expect("readable")
}

fn offset(room: &Room, topic: &str) -> Option<i64> {
    room.groups
        .offsets(GROUP)?
        .get(topic, 0)
        .map(|committed| committed.offset)
}

#[test]
fn offsets_survive_with_all_that_belongs_to_them() {
    let dir = dir();
    open(dir.path()).commit(OUTSIDER, 42).expect("committed");
    let room = open(dir.path());
    let offsets = room.groups.offsets(GROUP).expect("the group is back");
    assert_eq!(offsets.get("t", 0), Some(&position("t", 0, 42).committed));
}

#[test]
fn a_stable_group_goes_on_as_if_nothing_had_happened() {
    let dir = dir();
    let mut room = open(dir.path());
    let joined = room.stable(&[static_member("i1", "a"), member("b")]);
    let before = room.describe();
    let mut room = open(dir.path());
    assert_eq!(room.describe(), before);
    for member in &joined {
        assert_eq!(room.beat(member), Ok(()));
    }
    let back = answer(&mut room.join(static_member("i1", "a2"))).expect("joined");
    assert_eq!(back.generation, joined[0].generation);
}

#[test]
fn members_that_do_not_come_back_expire() {
    let dir = dir();
    open(dir.path()).stable(&[member("a")]);
    let mut room = open(dir.path());
    room.pass(SESSION);
    assert_eq!(room.state(), "Empty");
}

#[test]
fn a_rebalance_cut_short_begins_anew() {
    let dir = dir();
    let joined = open(dir.path()).gather(&[member("a"), member("b")]);
    let mut room = open(dir.path());
    assert_eq!(room.state(), "PreparingRebalance");
    assert_eq!(
        room.beat(&joined[0]),
        Err(ResponseError::RebalanceInProgress)
    );
    let mut a = room.join(again(&member("a"), "a"));
    let mut b = room.join(again(&member("b"), "b"));
    assert_eq!(
        answer(&mut a).expect("joined").generation,
        joined[0].generation + 1
    );
    assert!(answer(&mut b).is_ok());
}

#[test]
fn what_was_deleted_stays_deleted() {
    let dir = dir();
    let mut room = open(dir.path());
    let commits = ["kept", "forgotten", "gone"].map(|topic| position(topic, 0, 1));
    room.groups
        .commit(GROUP, OUTSIDER, commits.to_vec(), room.now)
        .expect("committed");
    room.groups
        .commit("other", OUTSIDER, vec![position("t", 0, 1)], room.now)
        .expect("committed");
    room.groups
        .delete_offsets(GROUP, &[("forgotten", 0)])
        .expect("the group is empty");
    room.groups.topic_deleted("gone");
    room.groups.delete("other").expect("deleted");
    let room = open(dir.path());
    assert_eq!(
        ["kept", "forgotten", "gone"].map(|topic| offset(&room, topic)),
        [Some(1), None, None]
    );
    assert!(room.groups.offsets("other").is_none());
}

#[test]
fn a_torn_last_line_is_dropped_and_does_not_spoil_the_next() {
    let dir = dir();
    let mut room = open(dir.path());
    room.commit(OUTSIDER, 1).expect("committed");
    let mut file = OpenOptions::new()
        .append(true)
        .open(dir.path().join("groups.journal"))
        .expect("there");
    file.write_all(b"{\"commit\":{\"group\":\"g\",\"off")
        .expect("written");
    let mut room = open(dir.path());
    assert_eq!(offset(&room, "t"), Some(1));
    room.commit(OUTSIDER, 2).expect("committed");
    assert_eq!(offset(&open(dir.path()), "t"), Some(2));
}

#[test]
fn damage_elsewhere_is_an_error_and_not_a_loss() {
    let dir = dir();
    open(dir.path()).commit(OUTSIDER, 1).expect("committed");
    let damaged = format!("not json\n{}", journal(&dir));
    fs::write(dir.path().join("groups.journal"), damaged).expect("written");
    let error = Groups::new(GroupSettings::default(), Some(dir.path())).expect_err("damaged");
    assert!(
        error.to_string().starts_with("groups.journal, line 1:"),
        "{error}"
    );
}

#[test]
fn loading_leaves_only_what_is_live() {
    let dir = dir();
    let mut room = open(dir.path());
    for offset in 0..100 {
        room.commit(OUTSIDER, offset).expect("committed");
    }
    assert!(journal(&dir).lines().count() >= 100);
    open(dir.path());
    assert_eq!(
        journal(&dir).lines().count(),
        2,
        "the membership and one line of offsets"
    );
}

#[test]
fn after_a_close_nothing_is_written() {
    let dir = dir();
    let mut room = open(dir.path());
    room.commit(OUTSIDER, 1).expect("committed");
    room.groups.close();
    room.commit(OUTSIDER, 2)
        .expect("taken, and answered to nobody");
    assert_eq!(offset(&open(dir.path()), "t"), Some(1));
}
