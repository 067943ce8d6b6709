//! LeaveGroup: who may go, and what becomes of the rest.

use super::*;

#[test]
fn a_departure_rebalances_the_rest_at_once() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a"), member("b")]);
    assert_eq!(room.leave("a", None), Ok(()));
    assert_eq!(room.state(), "PreparingRebalance");
    assert_eq!(
        room.beat(&joined[1]),
        Err(ResponseError::RebalanceInProgress)
    );
    assert_eq!(
        answer(&mut room.join(again(&member("b"), "b")))
            .expect("joined")
            .leader,
        "b"
    );
}

#[test]
fn a_departure_completes_a_join_that_waited_for_it() {
    let mut room = Room::new();
    room.stable(&[member("a"), member("b")]);
    let mut newcomer = room.join(member("c"));
    let mut a = room.join(again(&member("a"), "a"));
    assert!(is_waiting(&mut newcomer));
    room.leave("b", None).expect("left");
    assert_eq!(answer(&mut a).expect("joined").members.len(), 2);
}

#[test]
fn the_last_to_leave_empties_the_group() {
    let mut room = Room::new();
    room.stable(&[member("a")]);
    room.leave("a", None).expect("left");
    assert_eq!(room.state(), "Empty");
}

#[test]
fn an_id_that_was_only_told_can_be_given_back() {
    let mut room = Room::new();
    answer(&mut room.join(JoinRequest {
        must_know_its_id: true,
        ..member("a")
    }))
    .expect_err("told its id");
    assert_eq!(room.leave("a", None), Ok(()));
    assert_eq!(room.state(), "Dead");
}

#[test]
fn a_batch_has_one_outcome_for_each_and_one_rebalance_for_all() {
    let mut room = Room::new();
    room.stable(&[
        static_member("i1", "a"),
        static_member("i2", "b"),
        member("c"),
    ]);
    let generation = 3;
    let leavers = [
        Leaver {
            member_id: "",
            instance_id: Some("i1"),
        },
        Leaver {
            member_id: "old b",
            instance_id: Some("i2"),
        },
        Leaver {
            member_id: "",
            instance_id: Some("nobody"),
        },
        Leaver {
            member_id: "nobody",
            instance_id: None,
        },
        Leaver {
            member_id: "c",
            instance_id: None,
        },
    ];
    let outcomes = room
        .groups
        .leave(GROUP, &leavers, room.now)
        .expect("the name is valid");
    let unknown = Err(ResponseError::UnknownMemberId);
    assert_eq!(
        outcomes,
        [
            Ok(()),
            Err(ResponseError::FencedInstanceId),
            unknown,
            unknown,
            Ok(())
        ]
    );
    let rejoined = answer(&mut room.join(again(&static_member("i2", "b"), "b"))).expect("joined");
    assert_eq!(rejoined.generation, generation + 1);
}

#[test]
fn leaving_a_group_that_is_not_there_fails_for_each() {
    let mut room = Room::new();
    assert_eq!(room.leave("a", None), Err(ResponseError::UnknownMemberId));
    let nameless = room.groups.leave("", &[], room.now);
    assert_eq!(nameless, Err(ResponseError::InvalidGroupId));
}
