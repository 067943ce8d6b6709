//! Keeps a process that was stopped for a while from writing on as if nothing had happened.
//!
//! A process that was stopped (SIGSTOP, a paused virtual machine) for longer than the group's session may have lost its
//! partitions to another member and does not know it yet. The pipeline notices that it was stopped when its own clock
//! jumps, and then proves its membership by a commit before its lanes send on; what was in flight already is all that
//! such a zombie can still write.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The pipeline's side.
pub struct Lease {
    term: Duration,
    alive: watch::Sender<Instant>,
}

/// What the pipeline's clock tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It went on without a jump.
    Steady,
    /// The process was stopped for longer than the term: prove the membership, then [`Lease::renew`].
    Stopped(Duration),
}

impl Lease {
    /// A lease of one term: how long the process may stand still and surely be a member all the same.
    pub fn new(term: Duration) -> Self {
        Self {
            term,
            alive: watch::Sender::new(Instant::now()),
        }
    }

    /// Looks at the clock; to be called several times per term. Renews the lease unless the clock jumped.
    pub fn look(&self, now: Instant) -> Look {
        let since = now.saturating_duration_since(*self.alive.borrow());
        if since > self.term {
            return Look::Stopped(since);
        }
        self.alive.send_replace(now);
        Look::Steady
    }

    /// The group has confirmed the membership.
    pub fn renew(&self, now: Instant) {
        self.alive.send_replace(now);
    }

    /// A lane's side.
    pub fn holder(&self) -> Holder {
        Holder {
            term: self.term,
            alive: self.alive.subscribe(),
        }
    }
}

/// A lane's side.
pub struct Holder {
    term: Duration,
    alive: watch::Receiver<Instant>,
}

impl Holder {
    /// Waits until the lease is good. At once, unless the process was stopped. Cancel-safe.
    pub async fn good(&mut self) {
        while self.alive.borrow_and_update().elapsed() > self.term {
            if self.alive.changed().await.is_err() {
                // The pipeline is gone; its lanes are being stopped.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_steady_clock_renews_the_lease() {
        let lease = Lease::new(TERM);
        let mut holder = lease.holder();
        let begun = Instant::now();
        for second in 1..100 {
            let now = begun + Duration::from_secs(second);
            assert_eq!(lease.look(now), Look::Steady);
        }
        holder.good().await;
    }

    #[tokio::test]
    async fn after_a_stop_the_holders_wait_for_the_proof() {
        let stopped_at = Instant::now() - TERM - Duration::from_secs(1);
        let lease = Lease {
            term: TERM,
            alive: watch::Sender::new(stopped_at),
        };
        let mut holder = lease.holder();
        let now = Instant::now();
        assert_eq!(lease.look(now), Look::Stopped(now - stopped_at));
        let waiting = tokio::spawn(async move { holder.good().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "a lane went on before the proof");
        lease.renew(Instant::now());
        waiting.await.expect("the lane does not panic");
    }
}
