//! Tells which of the requests that match a rule it fires on, by counting or by drawing.

use std::fmt;

use super::random::Random;

/// The choice among matches. `nth` and `first` count what is left after `after`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice {
    pub(super) after: u64,
    pub(super) nth: Option<u64>,
    pub(super) first: Option<u64>,
    pub(super) probability: Option<f64>,
}

impl Choice {
    /// Every match.
    pub(super) const EVERY: Self = Self {
        after: 0,
        nth: None,
        first: None,
        probability: None,
    };
}

/// A choice under way.
#[derive(Debug)]
pub(super) struct Turn {
    choice: Choice,
    matches: u64,
    random: Random,
}

impl Turn {
    /// No match yet. The numbers drawn are those of `random` and nobody else's.
    pub(super) fn new(choice: Choice, random: Random) -> Self {
        Self {
            choice,
            matches: 0,
            random,
        }
    }

    /// Counts one more match; whether the rule fires on it.
    pub(super) fn comes(&mut self) -> bool {
        self.matches += 1;
        let Some(number) = self.matches.checked_sub(self.choice.after) else {
            return false;
        };
        let Choice {
            nth,
            first,
            probability,
            ..
        } = self.choice;
        number > 0
            && nth.is_none_or(|nth| number == nth)
            && first.is_none_or(|first| number <= first)
            && probability.is_none_or(|probability| self.random.happens(probability))
    }

    /// Another stream of numbers, drawn from this one's.
    pub(super) fn draw(&mut self) -> Random {
        Random::new(self.random.next())
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.after > 0 {
            write!(out, " after={}", self.after)?;
        }
        if let Some(nth) = self.nth {
            write!(out, " nth={nth}")?;
        }
        if let Some(first) = self.first {
            write!(out, " first={first}")?;
        }
        match self.probability {
            Some(probability) => write!(out, " probability={probability}"),
            None => Ok(()),
        }
    }
}
