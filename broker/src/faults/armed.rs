//! Holds a rule that is in force: what it matches, how often it was hit, and who waits for it.

use std::fmt;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::action::Action;
use super::gate::Gate;
use super::matcher::{Matcher, Seen};
use super::random::Random;
use super::turn::{Choice, Turn};

/// A rule in force, or one that was removed while requests were still being treated by it.
#[derive(Debug)]
pub(crate) struct Armed {
    /// Counted from 1, never given twice.
    pub(crate) id: u64,
    /// Which requests it is about.
    pub(crate) matcher: Matcher,
    /// What it does to them.
    pub(crate) action: Action,
    choice: Choice,
    turn: Mutex<Turn>,
    hits: watch::Sender<u64>,
    gate: Gate,
}

impl Armed {
    /// Nothing has matched yet.
    pub(super) fn new(
        id: u64,
        matcher: Matcher,
        choice: Choice,
        action: Action,
        random: Random,
    ) -> Self {
        Self {
            id,
            matcher,
            action,
            choice,
            turn: Mutex::new(Turn::new(choice, random)),
            hits: watch::Sender::new(0),
            gate: Gate::default(),
        }
    }

    /// Whether the rule fires on a request; counts it if it matches.
    pub(super) fn fires(&self, seen: Seen<'_>) -> bool {
        self.matcher.matches(seen) && self.turn.lock().comes()
    }

    /// Takes note that it did to a request what it is for.
    pub(crate) fn hit(&self) {
        self.hits.send_modify(|hits| *hits += 1);
    }

    /// Numbers for one request, which follow from the seed of the cluster.
    pub(crate) fn draw(&self) -> Random {
        self.turn.lock().draw()
    }

    /// Counts a hit and waits to be released; returns at once when the rule was removed.
    pub(crate) async fn wait(&self) {
        // Lined up before the hit is told, so that who awaits the hit finds the request held.
        let released = self.gate.enter();
        self.hit();
        if let Some(released) = released {
            // The sender stays in the line until it speaks.
            let _ = released.await;
        }
    }

    /// How often it was hit.
    pub(super) fn hits(&self) -> &watch::Sender<u64> {
        &self.hits
    }

    /// The requests that wait.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl fmt::Display for Armed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{} {}", self.matcher, self.choice, self.action)
    }
}
