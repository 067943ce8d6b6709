//! The vote for a strategy.

use super::*;

#[test]
fn the_strategy_most_members_prefer_among_the_shared_wins() {
    let cases: &[(&[&[&str]], &str)] = &[
        (&[&["range"]], "range"),
        (
            &[
                &["sticky", "range"],
                &["range", "sticky"],
                &["range", "sticky"],
            ],
            "range",
        ),
        (&[&["sticky", "range"], &["range"]], "range"),
        (&[&["a", "b"], &["b", "a"]], "a"),
        (&[&["x", "a", "b"], &["b", "a"], &["y", "b", "a"]], "b"),
    ];
    for (lists, expected) in cases {
        let mut room = Room::new();
        let requests: Vec<JoinRequest> = lists
            .iter()
            .enumerate()
            .map(|(at, list)| voter(at, list))
            .collect();
        let joined = room.gather(&requests);
        assert!(
            joined.iter().all(|member| member.protocol == *expected),
            "{lists:?}"
        );
    }
}

fn voter(at: usize, list: &[&str]) -> JoinRequest {
    let protocols = list.iter().map(|name| protocol(name, "topics")).collect();
    JoinRequest {
        protocols,
        ..member(&format!("member-{at}"))
    }
}
