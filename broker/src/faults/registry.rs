//! Keeps the rules that are in force, in the order they were installed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kafka_protocol::messages::ApiKey;
use parking_lot::Mutex;

use super::armed::Armed;
use super::handle::Fault;
use super::matcher::Seen;
use super::random::Random;
use super::rule::Rule;

/// The fault rules of a cluster. Clones are handles on the same rules.
#[derive(Clone)]
pub struct Faults {
    rules: Arc<Rules>,
}

struct Rules {
    seed: u64,
    last_id: AtomicU64,
    armed: Mutex<Vec<Arc<Armed>>>,
    /// Whether `armed` has any, for requests to look at without the lock.
    any: AtomicBool,
}

impl Faults {
    /// No rules; what they will draw follows from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rules: Arc::new(Rules {
                seed,
                last_id: AtomicU64::new(0),
                armed: Mutex::new(Vec::new()),
                any: AtomicBool::new(false),
            }),
        }
    }

    /// Begins a rule about the requests of an API. It does nothing before one of its verbs installs it.
    pub fn on(&self, api: ApiKey) -> Rule {
        Rule::new(self.clone(), api)
    }

    /// Removes every rule; what they hold goes on.
    pub fn clear(&self) {
        for fault in self.list() {
            fault.remove();
        }
    }

    /// Every rule in force, in the order they were installed.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        let armed = self.rules.armed.lock();
        let handle = |armed: &Arc<Armed>| Fault::new(self.clone(), Arc::clone(armed));
        armed.iter().map(handle).collect()
    }

    /// The rule of this number, while it is in force.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Fault> {
        self.list().into_iter().find(|fault| fault.id() == id)
    }

    /// The rule that fires on a request: of those that match and whose turn it is, the first that was installed. All that
    /// match count it.
    pub(crate) fn fire(&self, seen: Seen<'_>) -> Option<Arc<Armed>> {
        if !self.rules.any.load(Ordering::Acquire) {
            return None;
        }
        let mut first = None;
        for armed in self.rules.armed.lock().iter() {
            if armed.fires(seen) && first.is_none() {
                first = Some(Arc::clone(armed));
            }
        }
        first
    }

    /// Puts a rule in force. `arm` gets its number and the numbers it may draw.
    pub(super) fn install(&self, arm: impl FnOnce(u64, Random) -> Armed) -> Fault {
        let id = self.rules.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let armed = Arc::new(arm(id, Random::stream(self.rules.seed, id)));
        let mut all = self.rules.armed.lock();
        all.push(Arc::clone(&armed));
        self.rules.any.store(true, Ordering::Release);
        Fault::new(self.clone(), armed)
    }

    /// Takes a rule out of force and lets go what it holds.
    pub(super) fn remove(&self, rule: &Armed) {
        let mut all = self.rules.armed.lock();
        all.retain(|armed| armed.id != rule.id);
        self.rules.any.store(!all.is_empty(), Ordering::Release);
        drop(all);
        rule.gate().open();
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.list()).finish()
    }
}
