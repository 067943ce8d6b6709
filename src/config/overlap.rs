//! Finds a topic name that several filters select, by walking their automata side by side.

use std::collections::{HashSet, VecDeque};

use regex::Regex;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use super::name_filter::NameFilter;
use super::topic_name::validate_topic_name;

/// Every character of a topic name; letters first, so that the names found read like names.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/// Bytes that one automaton may take. Patterns that people write for topics take some kilobytes.
const AUTOMATON_LIMIT: usize = 4 << 20;

/// Combined states looked at before giving up.
const STATES_LIMIT: usize = 20_000;

/// A filter that looks at a name between two texts.
#[derive(Debug, Clone)]
pub(super) struct Selection<'a> {
    pub(super) filter: &'a NameFilter,
    pub(super) before: String,
    pub(super) behind: String,
}

impl<'a> Selection<'a> {
    /// Looks at the name as it is.
    pub(super) fn plain(filter: &'a NameFilter) -> Self {
        Self {
            filter,
            before: String::new(),
            behind: String::new(),
        }
    }

    fn selects(&self, name: &str) -> bool {
        let name = format!("{}{name}{}", self.before, self.behind);
        validate_topic_name(&name).is_ok() && self.filter.matches(&name)
    }
}

/// A shortest name that every selection selects. `None` when there is none, or when the patterns are too large to
/// tell; a name that is returned is selected for certain.
pub(super) fn common_name(selections: &[Selection<'_>]) -> Option<String> {
    let conditions: Vec<_> = selections.iter().flat_map(conditions).collect();
    let start: Vec<_> = conditions.iter().map(|condition| condition.start).collect();
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, String::new())]);
    while let Some((states, name)) = queue.pop_front() {
        let holds = conditions
            .iter()
            .zip(&states)
            .all(|(condition, state)| condition.holds(*state));
        if holds && selections.iter().all(|selection| selection.selects(&name)) {
            return Some(name);
        }
        if seen.len() > STATES_LIMIT {
            return None;
        }
        for &byte in ALPHABET {
            if let Some(next) = step(&conditions, &states, byte)
                && seen.insert(next.clone())
            {
                queue.push_back((next, format!("{name}{}", char::from(byte))));
            }
        }
    }
    None
}

/// The states behind `byte`; `None` when no name that goes on so can be selected.
fn step(conditions: &[Condition], states: &[StateID], byte: u8) -> Option<Vec<StateID>> {
    let next = |(condition, state): (&Condition, &StateID)| condition.next(*state, byte);
    conditions.iter().zip(states).map(next).collect()
}

/// An automaton that must match at the end, or must not.
struct Condition {
    automaton: dense::DFA<Vec<u32>>,
    matching: bool,
    /// Behind the text that stands before the name.
    start: StateID,
    behind: Vec<u8>,
}

/// One condition for what a filter includes and one for what it excludes. A pattern without an automaton has none:
/// the name that is found is checked against the filter itself.
fn conditions(selection: &Selection<'_>) -> Vec<Condition> {
    let NameFilter { include, exclude } = selection.filter;
    let sides = [(include, true), (exclude, false)];
    sides
        .into_iter()
        .filter_map(|(patterns, matching)| Condition::new(patterns, matching, selection))
        .collect()
}

impl Condition {
    fn new(patterns: &[Regex], matching: bool, selection: &Selection<'_>) -> Option<Self> {
        let automaton = automaton(patterns)?;
        let at_the_beginning = start::Config::new().anchored(Anchored::Yes);
        let mut start = automaton.start_state(&at_the_beginning).ok()?;
        for &byte in selection.before.as_bytes() {
            start = automaton.next_state(start, byte);
        }
        Some(Self {
            automaton,
            matching,
            start,
            behind: selection.behind.clone().into_bytes(),
        })
    }

    /// `None` when a match is asked for and none can follow.
    fn next(&self, state: StateID, byte: u8) -> Option<StateID> {
        let next = self.automaton.next_state(state, byte);
        let hopeless = self.matching && self.automaton.is_dead_state(next);
        (!hopeless).then_some(next)
    }

    fn holds(&self, state: StateID) -> bool {
        let step = |state, &byte| self.automaton.next_state(state, byte);
        let end = self.behind.iter().fold(state, step);
        let end = self.automaton.next_eoi_state(end);
        self.automaton.is_match_state(end) == self.matching
    }
}

/// Topic names are ASCII, for which ASCII classes say the same and are far smaller.
fn automaton(patterns: &[Regex]) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(AUTOMATON_LIMIT))
        .determinize_size_limit(Some(AUTOMATON_LIMIT));
    let patterns: Vec<_> = patterns.iter().map(Regex::as_str).collect();
    let build = |unicode| {
        let syntax = syntax::Config::new().unicode(unicode).utf8(unicode);
        dense::Builder::new()
            .configure(config.clone())
            .syntax(syntax)
            .build_many(&patterns)
            .ok()
    };
    build(false).or_else(|| build(true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::read_mirror::patterns;

    fn filter(include: &[&str], exclude: &[&str]) -> NameFilter {
        NameFilter {
            include: patterns(include),
            exclude: patterns(exclude),
        }
    }

    fn common(filters: &[&NameFilter]) -> Option<String> {
        let plain = filters.iter().map(|filter| Selection::plain(filter));
        common_name(&plain.collect::<Vec<_>>())
    }

    #[test]
    fn a_common_name_is_found_where_there_is_one() {
        for (one, other, name) in [
            (&["orders"][..], &["orders"][..], Some("orders")),
            (&["orders"], &["payments"], None),
            (&["orders-.*"], &[".*-eu"], Some("orders-eu")),
            (&["orders-.*"], &["payments-.*", "ord.*x"], Some("orders-x")),
            (&["[a-m].*"], &["[n-z].*"], None),
            (&[".*"], &[".*"], Some("a")),
            (&["(?i)ORDERS"], &["orders"], Some("orders")),
            (&[r"\pL+-\d"], &[r"x-\w"], Some("x-0")),
            (&["a b"], &[".*"], None),
            (&[], &[".*"], None),
            (&[".{249}.*x"], &[".*"], None),
        ] {
            let found = common(&[&filter(one, &[]), &filter(other, &[])]);
            assert_eq!(found.as_deref(), name, "{one:?} {other:?}");
        }
    }

    #[test]
    fn exclusion_parts_filters() {
        let (all, eu) = (filter(&[".*"], &["eu-.*"]), filter(&["eu-.*"], &[]));
        assert_eq!(common(&[&all, &eu]), None);
        assert_eq!(common(&[&all, &all]), Some("a".into()));
    }

    #[test]
    fn text_around_the_name_counts() {
        let (all, prefixed) = (filter(&[".*"], &[]), filter(&["all\\.x.*-z"], &[]));
        let plain = Selection::plain(&all);
        let renamed = Selection {
            filter: &prefixed,
            before: "all.".into(),
            behind: "-z".into(),
        };
        assert_eq!(common_name(&[plain, renamed]).as_deref(), Some("x"));
    }

    proptest! {
        #[test]
        fn a_name_that_both_select_is_never_missed(
            one in "[ab.*]{1,6}", other in "[ab.*]{1,6}", name in "[ab]{1,5}",
        ) {
            let parse = |text: &str| <Regex as crate::config::scalar::Scalar>::parse(text);
            if let (Ok(one), Ok(other)) = (parse(&one), parse(&other)) {
                let one = NameFilter { include: vec![one], exclude: Vec::new() };
                let other = NameFilter { include: vec![other], exclude: Vec::new() };
                let found = common(&[&one, &other]);
                prop_assert!(found.is_some() || !(one.matches(&name) && other.matches(&name)));
                if let Some(found) = found {
                    prop_assert!(one.matches(&found) && other.matches(&found));
                }
            }
        }
    }
}
