//! What happens when somebody takes too long.

use super::*;

const MOMENT: Duration = Duration::from_millis(1);

#[test]
fn a_silent_member_expires_and_the_rest_rebalances() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a"), member("b")]);
    room.pass(SESSION - MOMENT);
    room.beat(&joined[0]).expect("alive");
    assert_eq!(room.state(), "Stable");
    room.pass(MOMENT);
    assert_eq!(room.state(), "PreparingRebalance");
    assert_eq!(room.beat(&joined[1]), Err(ResponseError::UnknownMemberId));
    let rejoined = answer(&mut room.join(again(&member("a"), "a"))).expect("joined");
    assert_eq!(rejoined.members.len(), 1);
}

#[test]
fn the_last_member_to_expire_leaves_an_empty_group() {
    let mut room = Room::new();
    room.stable(&[member("a")]);
    room.pass(SESSION);
    let group = room.describe();
    assert_eq!(
        (group.state, group.protocol.as_str(), group.members.len()),
        ("Empty", "", 0)
    );
}

#[test]
fn commits_keep_a_session_alive() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a")]);
    for offset in 0..5 {
        room.pass(SESSION - MOMENT);
        room.commit(caller(&joined[0]), offset).expect("committed");
    }
    assert_eq!(room.state(), "Stable");
}

#[test]
fn a_member_that_waits_for_others_does_not_expire() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a"), member("b")]);
    let mut b = room.join(again(
        &JoinRequest {
            protocols: vec![protocol("range", "new")],
            ..member("b")
        },
        "b",
    ));
    for _ in 0..5 {
        room.pass(SESSION / 2);
        assert_eq!(
            room.beat(&joined[0]),
            Err(ResponseError::RebalanceInProgress)
        );
    }
    assert!(is_waiting(&mut b));
}

#[test]
fn who_does_not_rejoin_in_time_is_left_behind() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a"), member("b")]);
    let mut newcomer = room.join(member("c"));
    let mut b = room.join(again(&member("b"), "b"));
    for _ in 0..7 {
        room.pass(REBALANCE / 8);
        assert_eq!(
            room.beat(&joined[0]),
            Err(ResponseError::RebalanceInProgress),
            "alive, yet it does not rejoin"
        );
    }
    assert!(is_waiting(&mut newcomer));
    room.pass(REBALANCE / 8);
    let leader = answer(&mut b).expect("joined");
    assert_eq!(leader.leader, "b", "the oldest of those who joined");
    assert_eq!(leader.members.len(), 2);
    assert!(answer(&mut newcomer).is_ok());
    assert_eq!(room.beat(&joined[0]), Err(ResponseError::UnknownMemberId));
}

#[test]
fn who_joins_and_never_syncs_is_dropped() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    answer(&mut room.sync(&joined[0], &[])).expect("assigned");
    for _ in 0..8 {
        assert_eq!(room.state(), "Stable");
        for member in &joined {
            room.beat(member)
                .expect("heartbeats do not stand in for a sync");
        }
        room.pass(REBALANCE / 8);
    }
    assert_eq!(room.state(), "PreparingRebalance");
    assert_eq!(room.beat(&joined[1]), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_leader_that_dies_before_it_assigns_is_replaced() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    let mut b = room.sync(&joined[1], &[]);
    room.pass(SESSION);
    assert_eq!(answer(&mut b), Err(ResponseError::RebalanceInProgress));
    let rejoined = answer(&mut room.join(again(&member("b"), "b"))).expect("joined");
    assert_eq!(rejoined.leader, "b");
}

#[test]
fn an_id_that_nobody_came_back_with_is_forgotten() {
    let mut room = Room::new();
    let request = JoinRequest {
        must_know_its_id: true,
        ..member("a")
    };
    answer(&mut room.join(request.clone())).expect_err("told its id");
    room.pass(SESSION);
    assert_eq!(room.state(), "Dead", "nothing is left of the group");
    assert_eq!(
        error(answer(&mut room.join(again(&request, "a")))),
        ResponseError::UnknownMemberId
    );
}

#[test]
fn a_ghost_that_never_was_in_a_generation_cannot_hold_a_join_up_for_ever() {
    let mut room = Room::new();
    let long = JoinRequest {
        rebalance_timeout: Duration::from_secs(3600),
        ..member("a")
    };
    let joined = room.stable(std::slice::from_ref(&long));
    let mut ghost = room.join(member("ghost"));
    for _ in 0..59 {
        room.pass(Duration::from_secs(5));
        assert_eq!(
            room.beat(&joined[0]),
            Err(ResponseError::RebalanceInProgress)
        );
    }
    assert!(is_waiting(&mut ghost));
    room.pass(Duration::from_secs(5));
    assert_eq!(error(answer(&mut ghost)), ResponseError::UnknownMemberId);
    let rejoined = answer(&mut room.join(again(&long, "a"))).expect("joined");
    assert_eq!(rejoined.members.len(), 1);
}
