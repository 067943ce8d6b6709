//! SyncGroup and Heartbeat: who gets what when.

use super::*;

#[test]
fn followers_wait_for_the_leader_and_late_ones_get_theirs_at_once() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b"), member("c")]);
    let mut b = room.sync(&joined[1], &[]);
    assert!(is_waiting(&mut b));
    let mut a = room.sync(
        &joined[0],
        &[("a", "part a"), ("b", "part b"), ("c", "part c")],
    );
    let mut c = room.sync(&joined[2], &[]);
    for (pending, expected) in [(&mut a, "part a"), (&mut b, "part b"), (&mut c, "part c")] {
        assert_eq!(answer(pending).expect("assigned").assignment, expected);
    }
    assert_eq!(room.state(), "Stable");
}

#[test]
fn whom_the_leader_left_out_gets_a_valid_assignment_of_nothing() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    answer(&mut room.sync(&joined[0], &[("a", "all")])).expect("assigned");
    let nothing = answer(&mut room.sync(&joined[1], &[]))
        .expect("assigned")
        .assignment;
    assert_eq!(nothing.as_ref(), [0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
}

#[test]
fn a_rebalance_sends_waiting_followers_back_to_join() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    let mut b = room.sync(&joined[1], &[]);
    let mut newcomer = room.join(member("c"));
    assert_eq!(answer(&mut b), Err(ResponseError::RebalanceInProgress));
    assert!(is_waiting(&mut newcomer));
}

#[test]
fn a_sync_that_is_out_of_place_is_refused() {
    let stranger = Caller {
        member_id: "x",
        instance_id: None,
        generation: Some(2),
    };
    let outdated = Caller {
        member_id: "a",
        instance_id: None,
        generation: Some(1),
    };
    let right = Caller {
        member_id: "a",
        instance_id: None,
        generation: Some(2),
    };
    let request = |caller| SyncRequest {
        group: GROUP,
        caller,
        protocol_type: None,
        protocol: None,
        assignments: Vec::new(),
    };
    let cases = [
        (request(stranger), ResponseError::UnknownMemberId),
        (request(outdated), ResponseError::IllegalGeneration),
        (
            SyncRequest {
                protocol: Some("sticky"),
                ..request(right)
            },
            ResponseError::InconsistentGroupProtocol,
        ),
        (
            SyncRequest {
                protocol_type: Some("connect"),
                ..request(right)
            },
            ResponseError::InconsistentGroupProtocol,
        ),
        (
            SyncRequest {
                group: "other",
                ..request(right)
            },
            ResponseError::UnknownMemberId,
        ),
        (
            SyncRequest {
                group: "",
                ..request(right)
            },
            ResponseError::InvalidGroupId,
        ),
    ];
    for (request, expected) in cases {
        let mut room = Room::new();
        room.gather(&[member("a"), member("b")]);
        let now = room.now;
        assert_eq!(
            answer(&mut room.groups.sync(request.clone(), now)),
            Err(expected),
            "{request:?}"
        );
    }
}

#[test]
fn a_heartbeat_tells_a_member_where_it_stands() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    assert_eq!(room.beat(&joined[1]), Ok(()), "completing");
    answer(&mut room.sync(&joined[0], &[])).expect("assigned");
    assert_eq!(room.beat(&joined[1]), Ok(()), "stable");
    let outdated = Joined {
        generation: 1,
        ..joined[1].clone()
    };
    assert_eq!(room.beat(&outdated), Err(ResponseError::IllegalGeneration));
    let stranger = Joined {
        member_id: "x".to_owned(),
        ..joined[1].clone()
    };
    assert_eq!(room.beat(&stranger), Err(ResponseError::UnknownMemberId));
    let _newcomer = room.join(member("c"));
    assert_eq!(
        room.beat(&joined[1]),
        Err(ResponseError::RebalanceInProgress)
    );
    assert_eq!(
        room.groups.heartbeat("other", caller(&joined[0]), room.now),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_stable_group_repeats_the_assignment_to_whoever_asks_again() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a")]);
    let first = answer(&mut room.sync(&joined[0], &[("a", "all")])).expect("assigned");
    let second = answer(&mut room.sync(&joined[0], &[("a", "none")])).expect("assigned");
    assert_eq!(first, second);
}
