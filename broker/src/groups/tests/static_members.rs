//! Static members (KIP-345): a restart is no departure.

use super::*;

#[test]
fn a_restarted_follower_takes_its_place_without_a_rebalance() {
    let mut room = Room::new();
    let joined = room.gather(&[static_member("i1", "a"), static_member("i2", "b")]);
    let _b = room.sync(&joined[1], &[]);
    answer(&mut room.sync(&joined[0], &[("a", "part a"), ("b", "part b")])).expect("assigned");

    let back = answer(&mut room.join(static_member("i2", "b2"))).expect("joined");
    assert_eq!(
        (
            back.generation,
            back.member_id.as_str(),
            back.leader.as_str()
        ),
        (2, "b2", "a")
    );
    assert!(!back.skip_assignment);
    assert_eq!(
        answer(&mut room.sync(&back, &[]))
            .expect("assigned")
            .assignment,
        "part b"
    );
    assert_eq!(room.state(), "Stable");
}

#[test]
fn a_restarted_leader_is_told_not_to_assign() {
    for (may_skip, leader, members) in [(true, "a2", 2), (false, "a", 0)] {
        let mut room = Room::new();
        room.stable(&[static_member("i1", "a"), static_member("i2", "b")]);
        let request = JoinRequest {
            may_skip_assignment: may_skip,
            ..static_member("i1", "a2")
        };
        let back = answer(&mut room.join(request)).expect("joined");
        assert_eq!(back.skip_assignment, may_skip);
        assert_eq!(
            (back.leader.as_str(), back.members.len()),
            (leader, members)
        );
        assert_eq!(room.state(), "Stable");
    }
}

#[test]
fn the_predecessor_is_fenced() {
    let mut room = Room::new();
    let joined = room.stable(&[static_member("i1", "a"), static_member("i2", "b")]);
    answer(&mut room.join(static_member("i2", "b2"))).expect("joined");
    let old = Caller {
        instance_id: Some("i2"),
        ..caller(&joined[1])
    };
    assert_eq!(
        room.groups.heartbeat(GROUP, old, room.now),
        Err(ResponseError::FencedInstanceId)
    );
    assert_eq!(room.commit(old, 7), Err(ResponseError::FencedInstanceId));
    assert_eq!(
        room.leave("b", Some("i2")),
        Err(ResponseError::FencedInstanceId)
    );
    assert_eq!(
        error(answer(
            &mut room.join(again(&static_member("i2", "x"), "b"))
        )),
        ResponseError::FencedInstanceId
    );
    assert_eq!(
        room.beat(&joined[1]),
        Err(ResponseError::UnknownMemberId),
        "its id alone is nobody's"
    );
}

#[test]
fn a_predecessor_that_still_waits_is_fenced_at_once() {
    let mut room = Room::new();
    room.stable(&[member("a")]);
    let mut first = room.join(static_member("i", "b"));
    let mut second = room.join(static_member("i", "b2"));
    assert_eq!(error(answer(&mut first)), ResponseError::FencedInstanceId);
    assert!(is_waiting(&mut second));
}

#[test]
fn a_restart_that_changes_the_elected_strategy_rebalances() {
    let both = |id: &str| JoinRequest {
        protocols: vec![protocol("range", "t"), protocol("sticky", "t")],
        ..static_member("i1", id)
    };
    let mut room = Room::new();
    room.stable(&[both("a")]);
    let other = JoinRequest {
        protocols: vec![protocol("sticky", "t"), protocol("range", "t")],
        ..both("a2")
    };
    let back = answer(&mut room.join(other)).expect("joined");
    assert_eq!((back.generation, back.protocol.as_str()), (2, "sticky"));
}

#[test]
fn a_restart_before_the_assignment_rebalances() {
    let mut room = Room::new();
    room.gather(&[static_member("i1", "a"), static_member("i2", "b")]);
    assert!(is_waiting(&mut room.join(static_member("i2", "b2"))));
    assert_eq!(room.state(), "PreparingRebalance");
}

#[test]
fn a_static_member_keeps_its_place_through_a_rebalance_it_misses() {
    let mut room = Room::new();
    let long = |request| JoinRequest {
        session_timeout: 2 * REBALANCE,
        ..request
    };
    room.stable(&[long(static_member("i1", "a")), long(member("b"))]);
    let mut b = room.join(long(again(
        &JoinRequest {
            protocols: vec![protocol("range", "new")],
            ..member("b")
        },
        "b",
    )));
    room.pass(REBALANCE);
    let joined = answer(&mut b).expect("joined");
    assert_eq!(
        joined.members.len(),
        2,
        "i1 has its part, although it did not rejoin"
    );
    assert_eq!(joined.leader, "b");
}

#[test]
fn a_static_member_expires_like_any_other() {
    let mut room = Room::new();
    room.stable(&[static_member("i1", "a")]);
    room.pass(SESSION);
    assert_eq!(room.state(), "Empty");
}
