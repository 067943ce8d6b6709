//! Gives a test its handle on an installed rule: to await it, to release what it holds, to remove it.

use std::fmt;
use std::sync::Arc;

use super::armed::Armed;
use super::registry::Faults;

/// An installed rule. Dropping it leaves the rule in force.
#[derive(Clone)]
pub struct Fault {
    faults: Faults,
    armed: Arc<Armed>,
}

impl Fault {
    pub(super) fn new(faults: Faults, armed: Arc<Armed>) -> Self {
        Self { faults, armed }
    }

    /// Its number, counted from 1 in the order of installation; the journal names it by this.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.armed.id
    }

    /// How many requests it has acted on. One that it acts on after the request was carried out counts from then.
    #[must_use]
    pub fn hits(&self) -> u64 {
        *self.armed.hits().borrow()
    }

    /// How many requests it holds, or lets hang, now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.armed.gate().len()
    }

    /// Returns once it has acted on at least `hits` requests. Whatever it holds by then, [`Fault::held`] counts.
    pub async fn hit(&self, hits: u64) {
        let mut seen = self.armed.hits().subscribe();
        // The sender lives in the rule, which this handle keeps.
        let _ = seen.wait_for(|count| *count >= hits).await;
    }

    /// Lets everything go on that it holds, and removes it.
    pub fn release(&self) {
        self.remove();
    }

    /// Lets the request go on that it has held the longest; whether there was one. The rule stays in force.
    pub fn release_one(&self) -> bool {
        self.armed.gate().release_one()
    }

    /// Takes it out of force. What it holds goes on; the connections that it lets hang are closed.
    pub fn remove(&self) {
        self.faults.remove(&self.armed);
    }
}

/// What it matches and does, in the words of the control socket.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.armed.fmt(out)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fault {}: {self}, {} hits", self.id(), self.hits())
    }
}
