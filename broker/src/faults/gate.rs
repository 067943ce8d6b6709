//! Keeps requests waiting until they are released, one by one or all at once.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Where requests wait, the first to come being the first to go.
#[derive(Debug, Default)]
pub(super) struct Gate {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<oneshot::Sender<()>>,
    open: bool,
}

impl Gate {
    /// Lines up; `None` when the gate is open. The receiver yields when it is this request's turn to go; to drop it is to
    /// leave the line.
    pub(super) fn enter(&self) -> Option<oneshot::Receiver<()>> {
        let mut inside = self.inside.lock();
        if inside.open {
            return None;
        }
        let (go, gone) = oneshot::channel();
        inside.waiting.push_back(go);
        Some(gone)
    }

    /// How many wait now.
    pub(super) fn len(&self) -> usize {
        let mut inside = self.inside.lock();
        inside.waiting.retain(|go| !go.is_closed());
        inside.waiting.len()
    }

    /// Lets the first go that still waits; whether there was one.
    pub(super) fn release_one(&self) -> bool {
        let mut inside = self.inside.lock();
        while let Some(go) = inside.waiting.pop_front() {
            if go.send(()).is_ok() {
                return true;
            }
        }
        false
    }

    /// Lets all go that wait, and nobody wait from now on.
    pub(super) fn open(&self) {
        let mut inside = self.inside.lock();
        inside.open = true;
        for go in inside.waiting.drain(..) {
            let _ = go.send(());
        }
    }
}
