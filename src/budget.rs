//! Bounds the bytes between source and target, and shares them out so that no partition starves another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// Memory that librdkafka needs for a queued record beyond its key and value: its message struct, the
/// delivery report and the allocator's overhead. Without it, a million empty records would count as nothing.
pub const RECORD_OVERHEAD: u64 = 256;

/// Bytes read and not yet acknowledged, for the whole process (I3).
///
/// A partition may take as much as is still free (the dynamic threshold known from switch buffers): alone,
/// it gets half of all; each further busy partition lowers everyone's limit; and whatever one stalled
/// partition holds, as much is left for the others.
#[derive(Debug)]
pub struct Budget {
    total: u64,
    used: Mutex<u64>,
    freed: Notify,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: u64) -> Arc<Self> {
        Arc::new(Self {
            total,
            used: Mutex::new(0),
            freed: Notify::new(),
        })
    }

    /// Bytes in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes taken at this moment.
    pub fn used(&self) -> u64 {
        *self.lock()
    }

    /// A share for one more partition.
    pub fn share(self: &Arc<Self>) -> Share {
        Share(Arc::new(Holding {
            budget: Arc::clone(self),
            held: AtomicU64::new(0),
        }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, u64> {
        self.used
            .lock()
            .expect("no code panics while it holds the budget")
    }
}

/// What one partition takes from the budget.
#[derive(Debug, Clone)]
pub struct Share(Arc<Holding>);

#[derive(Debug)]
struct Holding {
    budget: Arc<Budget>,
    held: AtomicU64,
}

impl Share {
    /// Bytes that this partition holds.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Waits for `bytes`. Cancel-safe: nothing is taken unless the permit is returned.
    pub async fn acquire(&self, bytes: u64) -> Permit {
        loop {
            let freed = self.0.budget.freed.notified();
            tokio::pin!(freed);
            // Registered before the look, or a release between look and wait would go unseen.
            freed.as_mut().enable();
            if let Some(permit) = self.try_acquire(bytes) {
                return permit;
            }
            freed.await;
        }
    }

    /// Takes `bytes` if the rules allow it now.
    ///
    /// A partition that holds nothing needs only free room; one that holds something may grow to what is
    /// then left. What is larger than the whole budget passes when nothing else is held.
    pub fn try_acquire(&self, bytes: u64) -> Option<Permit> {
        let budget = &self.0.budget;
        let mut used = budget.lock();
        let free = budget.total.saturating_sub(*used);
        let held = self.held();
        let left = free.checked_sub(bytes);
        let fits = left.is_some_and(|left| held == 0 || held + bytes <= left);
        if !fits && *used > 0 {
            return None;
        }
        *used += bytes;
        self.0.held.fetch_add(bytes, Ordering::Relaxed);
        Some(Permit {
            holding: Arc::clone(&self.0),
            bytes,
        })
    }
}

/// Bytes taken from the budget until dropped.
#[derive(Debug)]
pub struct Permit {
    holding: Arc<Holding>,
    bytes: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let budget = &self.holding.budget;
        *budget.lock() -= self.bytes;
        self.holding.held.fetch_sub(self.bytes, Ordering::Relaxed);
        budget.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_partition_alone_gets_half() {
        let share = Budget::new(100).share();
        let held: Vec<_> = std::iter::from_fn(|| share.try_acquire(10)).collect();
        assert_eq!(held.len(), 5);
    }

    #[test]
    fn a_stalled_partition_leaves_the_others_their_share() {
        let budget = Budget::new(120);
        let (stalled, running) = (budget.share(), budget.share());
        let _stuck: Vec<_> = std::iter::from_fn(|| stalled.try_acquire(10)).collect();
        let held: Vec<_> = std::iter::from_fn(|| running.try_acquire(10)).collect();
        assert_eq!(stalled.held(), 60);
        assert_eq!(held.len(), 3);
        drop(held);
        assert!(running.try_acquire(60).is_some());
    }

    #[test]
    fn an_oversized_record_passes_alone() {
        let budget = Budget::new(100);
        let (large, small) = (budget.share(), budget.share());
        let first = small.try_acquire(10);
        assert!(large.try_acquire(500).is_none());
        drop(first);
        let alone = large.try_acquire(500).expect("nothing else is held");
        assert!(small.try_acquire(1).is_none());
        drop(alone);
        assert!(small.try_acquire(1).is_some());
    }

    #[tokio::test]
    async fn a_release_wakes_who_waits() {
        let share = Budget::new(100).share();
        let first = share.try_acquire(100).expect("the budget is empty");
        let waiting = tokio::spawn({
            let share = share.clone();
            async move { share.acquire(40).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        drop(waiting.await.expect("the waiter does not panic"));
        assert_eq!(share.held(), 0);
    }

    proptest! {
        #[test]
        fn more_than_the_budget_is_held_only_by_one_record(
            steps in prop::collection::vec((0usize..4, 1u64..200, any::<bool>()), 1..200),
        ) {
            let budget = Budget::new(100);
            let shares: Vec<_> = (0..4).map(|_| budget.share()).collect();
            let mut permits: Vec<Permit> = Vec::new();
            for (who, bytes, release) in steps {
                if release && !permits.is_empty() {
                    permits.swap_remove(0);
                } else {
                    permits.extend(shares[who].try_acquire(bytes));
                }
                prop_assert_eq!(budget.used(), permits.iter().map(|permit| permit.bytes).sum::<u64>());
                prop_assert!(budget.used() <= 100 || permits.len() == 1);
            }
        }
    }
}
