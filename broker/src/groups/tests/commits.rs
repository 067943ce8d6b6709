//! OffsetCommit: who may commit, and when.

use super::*;

const OUTSIDER: Caller<'static> = Caller {
    member_id: "",
    instance_id: None,
    generation: None,
};

#[test]
fn an_outsider_commits_only_while_nobody_is_a_member() {
    let mut room = Room::new();
    assert_eq!(
        room.commit(OUTSIDER, 1),
        Ok(()),
        "a group that was not there"
    );
    assert_eq!(room.describe().protocol_type, "");
    let joined = room.stable(&[member("a")]);
    assert_eq!(
        room.commit(OUTSIDER, 2),
        Err(ResponseError::UnknownMemberId)
    );
    room.leave(&joined[0].member_id, None).expect("left");
    assert_eq!(room.commit(OUTSIDER, 3), Ok(()));
    let offsets = room.groups.offsets(GROUP).expect("the group exists");
    assert_eq!(offsets.get("t", 0), Some(&position("t", 0, 3).committed));
}

#[test]
fn a_member_commits_in_its_own_generation() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    let right = caller(&joined[1]);
    assert_eq!(
        room.commit(right, 1),
        Err(ResponseError::RebalanceInProgress),
        "completing"
    );
    answer(&mut room.sync(&joined[0], &[])).expect("assigned");
    assert_eq!(room.commit(right, 2), Ok(()), "stable");
    assert_eq!(
        room.commit(
            Caller {
                generation: Some(1),
                ..right
            },
            3
        ),
        Err(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        room.commit(
            Caller {
                member_id: "x",
                ..right
            },
            3
        ),
        Err(ResponseError::UnknownMemberId)
    );
    let _newcomer = room.join(member("c"));
    assert_eq!(
        room.commit(right, 4),
        Ok(()),
        "preparing: what was read must not be read again"
    );
}

#[test]
fn who_has_left_commits_no_more() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a")]);
    room.leave("a", None).expect("left");
    assert_eq!(
        room.commit(caller(&joined[0]), 1),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_member_of_a_group_that_is_not_there_has_the_wrong_generation() {
    let mut room = Room::new();
    let ghost = Caller {
        member_id: "a",
        instance_id: None,
        generation: Some(4),
    };
    assert_eq!(room.commit(ghost, 1), Err(ResponseError::IllegalGeneration));
    assert_eq!(room.state(), "Dead");
}

#[test]
fn epoch_and_metadata_come_back_as_they_went_in() {
    let mut room = Room::new();
    let told = CommittedOffset {
        offset: 42,
        leader_epoch: Some(7),
        metadata: "{\"état\":\"ok\"}".to_owned(),
    };
    let untold = CommittedOffset {
        offset: 43,
        leader_epoch: None,
        metadata: String::new(),
    };
    let commits =
        [("t", 0, &told), ("t", 9, &untold)].map(|(topic, partition, committed)| OffsetCommit {
            topic: topic.to_owned(),
            partition,
            committed: committed.clone(),
        });
    room.groups
        .commit(GROUP, OUTSIDER, commits.to_vec(), room.now)
        .expect("committed");
    let offsets = room.groups.offsets(GROUP).expect("the group exists");
    assert_eq!(
        (offsets.get("t", 0), offsets.get("t", 9)),
        (Some(&told), Some(&untold))
    );
    assert_eq!((offsets.get("t", 1), offsets.get("u", 0)), (None, None));
}
