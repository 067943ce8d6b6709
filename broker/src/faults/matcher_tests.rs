//! Claims about which requests a rule fires on.

use kafka_protocol::messages::{ApiKey, BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;

use super::matcher::Seen;
use super::random::Random;
use super::turn::{Choice, Turn};
use super::{Fault, Faults, Rule};
use crate::api::Named;

fn topic(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// A request to node 1 for partition 0 of `orders` and partition 2 of `users`, by a member of the group `readers` that has
/// the transactional id `writer`.
fn named() -> Named {
    Named {
        topics: vec![(topic("orders"), vec![0]), (topic("users"), vec![2])],
        groups: vec![StrBytes::from_static_str("readers")],
        member: StrBytes::default(),
        transactional_ids: vec![StrBytes::from_static_str("writer")],
        offsets: Vec::new(),
    }
}

fn seen(named: &Named) -> Seen<'_> {
    Seen {
        api: ApiKey::Fetch,
        node: BrokerId(1),
        client_id: "kmirror-a",
        named,
    }
}

/// Whether a rule that is narrowed like this fires on that request.
fn fires(narrow: impl FnOnce(Rule) -> Rule) -> bool {
    let faults = Faults::new(1);
    let _: Fault = narrow(faults.on(ApiKey::Fetch)).drop_before();
    faults.fire(seen(&named())).is_some()
}

#[test]
fn all_matchers_of_a_rule_must_hold() {
    assert!(fires(|rule| rule));
    assert!(fires(|rule| rule.node(1).topic("orders").partition(0)));
    assert!(fires(|rule| rule.client("kmirror-?").group("readers")));
    assert!(fires(|rule| rule.partition(2)));
    assert!(!fires(|rule| rule.node(0)));
    assert!(!fires(|rule| rule.topic("order")));
    assert!(!fires(|rule| rule.client("kmirror")));
    assert!(!fires(|rule| rule.group("writers")));
    assert!(fires(|rule| rule.transactional_id("writer")));
    assert!(!fires(|rule| rule.transactional_id("readers")));
    assert!(!fires(|rule| rule.node(1).topic("invoices")));
}

#[test]
fn a_partition_is_one_of_the_topic_that_is_named_beside_it() {
    assert!(!fires(|rule| rule.topic("orders").partition(2)));
    assert!(fires(|rule| rule.topic("users").partition(2)));
}

#[test]
fn another_api_is_left_alone() {
    let faults = Faults::new(1);
    faults.on(ApiKey::Produce).drop_before();
    assert!(faults.fire(seen(&named())).is_none());
}

#[test]
fn the_first_rule_acts_and_all_count() {
    let faults = Faults::new(1);
    let second_match = faults.on(ApiKey::Fetch).nth(2).drop_before();
    let any = faults.on(ApiKey::Fetch).drop_after();
    let third_match = faults.on(ApiKey::Fetch).nth(3).hang();
    let named = named();
    let fired = || faults.fire(seen(&named)).map(|armed| armed.id);
    assert_eq!(fired(), Some(any.id()));
    assert_eq!(fired(), Some(second_match.id()));
    any.remove();
    assert_eq!(fired(), Some(third_match.id()));
    assert_eq!(fired(), None);
}

/// The numbers of the matches, counted from 1, on which a choice falls.
fn chosen(choice: Choice, seed: u64, matches: u64) -> Vec<u64> {
    let mut turn = Turn::new(choice, Random::new(seed));
    (1..=matches).filter(|_| turn.comes()).collect()
}

proptest! {
    #[test]
    fn counts_are_exact(after in 0_u64..20, number in 1_u64..20) {
        let every = Choice { after, ..Choice::EVERY };
        prop_assert_eq!(chosen(every, 0, 60), (after + 1..=60).collect::<Vec<_>>());
        let nth = Choice { nth: Some(number), ..every };
        prop_assert_eq!(chosen(nth, 0, 60), [after + number]);
        let first = Choice { first: Some(number), ..every };
        prop_assert_eq!(chosen(first, 0, 60), (after + 1..=after + number).collect::<Vec<_>>());
    }

    #[test]
    fn a_seed_always_draws_the_same(seed: u64, probability in 0.0..=1.0) {
        let choice = Choice { probability: Some(probability), ..Choice::EVERY };
        prop_assert_eq!(chosen(choice, seed, 200), chosen(choice, seed, 200));
    }
}

#[test]
fn a_probability_is_met_in_the_long_run() {
    let drawn = |probability| {
        let choice = Choice {
            probability: Some(probability),
            ..Choice::EVERY
        };
        chosen(choice, 7, 10_000).len()
    };
    assert_eq!((drawn(0.0), drawn(1.0)), (0, 10_000));
    assert!((900..1100).contains(&drawn(0.1)), "{}", drawn(0.1));
}

#[test]
fn a_rule_does_not_change_what_another_draws() {
    let draws = |others: usize| {
        let faults = Faults::new(11);
        let drawn = faults.on(ApiKey::Fetch).probability(0.5).drop_before();
        for _ in 0..others {
            faults.on(ApiKey::Fetch).probability(0.5).hang();
        }
        let named = named();
        let fired = (0..50).map(|_| faults.fire(seen(&named)).map(|armed| armed.id));
        let of_the_first: Vec<bool> = fired.map(|id| id == Some(drawn.id())).collect();
        of_the_first
    };
    assert_eq!(draws(0), draws(3));
}
