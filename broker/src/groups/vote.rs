//! Chooses the assignment strategy of a generation: the one most members prefer among those all can follow.

use super::member::{Member, Protocol};

/// The elected strategy; `None` when there are no members or they share no strategy.
///
/// Each member votes for the first of its own list that every member supports. A tie goes to the strategy that
/// stands first in the oldest member's list, so that the same members always elect the same.
pub(super) fn elect(members: &[Member]) -> Option<String> {
    let first = members.first()?;
    let candidates: Vec<&str> = first
        .protocols
        .iter()
        .map(|p| p.name.as_str())
        .filter(|name| all_follow(members, name))
        .collect();
    let votes = |name: &str| {
        members
            .iter()
            .filter(|m| ballot(m, &candidates) == Some(name))
            .count()
    };
    // `max_by_key` keeps the last of equals: walk from the back to keep the first.
    candidates
        .iter()
        .rev()
        .max_by_key(|name| votes(name))
        .map(|name| (*name).to_owned())
}

/// Whether every member could follow at least one of these strategies.
pub(super) fn compatible(members: &[Member], offered: &[Protocol]) -> bool {
    offered
        .iter()
        .any(|protocol| all_follow(members, &protocol.name))
}

fn all_follow(members: &[Member], name: &str) -> bool {
    members
        .iter()
        .all(|member| member.protocols.iter().any(|p| p.name == name))
}

fn ballot<'a>(member: &'a Member, candidates: &[&str]) -> Option<&'a str> {
    member
        .protocols
        .iter()
        .map(|p| p.name.as_str())
        .find(|name| candidates.contains(name))
}
