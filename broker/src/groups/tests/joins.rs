//! JoinGroup: who gets in, who waits for whom, and who leads.

use super::*;

#[test]
fn the_first_member_leads_the_first_generation_at_once() {
    let mut room = Room::new();
    let joined = answer(&mut room.join(member("a"))).expect("joined");
    assert_eq!(
        (
            joined.generation,
            joined.leader.as_str(),
            joined.protocol.as_str()
        ),
        (1, "a", "range")
    );
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.members[0].metadata, "topics");
    assert_eq!(room.state(), "CompletingRebalance");
}

#[test]
fn only_the_leader_learns_of_the_members() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b"), member("c")]);
    let sizes: Vec<usize> = joined.iter().map(|member| member.members.len()).collect();
    assert_eq!(sizes, [3, 0, 0]);
    assert!(
        joined
            .iter()
            .all(|member| member.leader == "a" && member.generation == 3)
    );
}

#[test]
fn a_new_member_is_first_told_its_id() {
    let mut room = Room::new();
    let request = JoinRequest {
        must_know_its_id: true,
        ..member("a")
    };
    let refused = answer(&mut room.join(request.clone())).expect_err("has to come again");
    assert_eq!(
        (refused.error, refused.member_id.as_str()),
        (ResponseError::MemberIdRequired, "a")
    );
    let joined = answer(&mut room.join(again(&request, "a"))).expect("joined");
    assert_eq!(joined.member_id, "a");
}

#[test]
fn a_join_waits_for_a_member_that_was_told_its_id() {
    let mut room = Room::new();
    let a = room.stable(&[member("a")]);
    answer(&mut room.join(JoinRequest {
        must_know_its_id: true,
        ..member("b")
    }))
    .expect_err("told its id");
    let mut c = room.join(member("c"));
    let mut a = room.join(again(&member("a"), &a[0].member_id));
    assert!(is_waiting(&mut c), "b may come back any moment");
    let mut b = room.join(again(&member("b"), "b"));
    for pending in [&mut a, &mut b, &mut c] {
        assert_eq!(answer(pending).expect("joined").generation, 2);
    }
}

#[test]
fn joins_that_cannot_be_granted_are_refused() {
    let too_short = Duration::from_millis(99);
    let too_long = Duration::from_secs(1801);
    let known = || JoinRequest {
        member_id: Some("stranger".to_owned()),
        ..member("x")
    };
    let cases = [
        (
            "no group id",
            JoinRequest {
                group: String::new(),
                ..member("x")
            },
            ResponseError::InvalidGroupId,
        ),
        (
            "short session",
            JoinRequest {
                session_timeout: too_short,
                ..member("x")
            },
            ResponseError::InvalidSessionTimeout,
        ),
        (
            "long session",
            JoinRequest {
                session_timeout: too_long,
                ..member("x")
            },
            ResponseError::InvalidSessionTimeout,
        ),
        ("id of nobody", known(), ResponseError::UnknownMemberId),
        (
            "no such group",
            JoinRequest {
                group: "other".to_owned(),
                ..known()
            },
            ResponseError::UnknownMemberId,
        ),
        (
            "other kind",
            JoinRequest {
                protocol_type: "connect".to_owned(),
                ..member("x")
            },
            ResponseError::InconsistentGroupProtocol,
        ),
        (
            "other strategy",
            JoinRequest {
                protocols: vec![protocol("sticky", "")],
                ..member("x")
            },
            ResponseError::InconsistentGroupProtocol,
        ),
        (
            "nobody's instance",
            JoinRequest {
                instance_id: Some("i".to_owned()),
                ..known()
            },
            ResponseError::UnknownMemberId,
        ),
    ];
    for (case, request, expected) in cases {
        let mut room = Room::new();
        room.stable(&[member("a")]);
        assert_eq!(error(answer(&mut room.join(request))), expected, "{case}");
        assert_eq!(room.state(), "Stable", "{case}: the group goes on");
    }
}

#[test]
fn an_empty_group_wants_a_strategy_and_is_forgotten_if_nobody_brings_one() {
    let mut room = Room::new();
    let request = JoinRequest {
        protocols: Vec::new(),
        ..member("a")
    };
    assert_eq!(
        error(answer(&mut room.join(request))),
        ResponseError::InconsistentGroupProtocol
    );
    assert_eq!(room.state(), "Dead");
}

#[test]
fn a_follower_that_repeats_itself_is_told_what_it_missed() {
    let mut room = Room::new();
    let joined = room.stable(&[member("a"), member("b")]);
    let repeated = answer(&mut room.join(again(&member("b"), "b"))).expect("joined");
    assert_eq!(repeated, joined[1]);
    assert_eq!(room.state(), "Stable");
}

#[test]
fn a_leader_that_rejoins_wants_a_new_assignment() {
    let mut room = Room::new();
    room.stable(&[member("a"), member("b")]);
    assert!(is_waiting(&mut room.join(again(&member("a"), "a"))));
    assert_eq!(room.state(), "PreparingRebalance");
}

#[test]
fn a_follower_with_another_subscription_starts_a_rebalance() {
    let mut room = Room::new();
    room.stable(&[member("a"), member("b")]);
    let changed = JoinRequest {
        protocols: vec![protocol("range", "more topics")],
        ..member("b")
    };
    assert!(is_waiting(&mut room.join(again(&changed, "b"))));
    assert_eq!(room.state(), "PreparingRebalance");
}

#[test]
fn the_leader_of_a_joining_group_repeats_itself_without_harm() {
    let mut room = Room::new();
    let joined = room.gather(&[member("a"), member("b")]);
    let repeated = answer(&mut room.join(again(&member("a"), "a"))).expect("joined");
    assert_eq!(repeated, joined[0]);
}

#[test]
fn the_first_generation_waits_for_more_as_long_as_more_keep_coming() {
    let second = Duration::from_secs(1);
    let mut room = Room::with(GroupSettings {
        initial_rebalance_delay: 3 * second,
        ..GroupSettings::default()
    });
    let mut a = room.join(member("a"));
    room.pass(2 * second);
    let mut b = room.join(member("b"));
    room.pass(second);
    assert!(
        is_waiting(&mut a),
        "b came within the delay: another begins"
    );
    room.pass(3 * second);
    assert_eq!(answer(&mut a).expect("joined").members.len(), 2);
    assert_eq!(answer(&mut b).expect("joined").generation, 1);
}
