//! Keeps a cluster alive: ends its tasks and lets go of its data directory when the handle on it goes.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::state::Shared;
use crate::timer;

/// What the one handle has that owns the cluster.
pub(super) struct Lifeline {
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    tasks: Mutex<JoinSet<()>>,
}

impl Lifeline {
    /// Starts what time alone drives.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(timer::run(Arc::clone(&shared), stopped));
        Self {
            shared,
            stop,
            tasks: Mutex::new(tasks),
        }
    }

    /// Runs a task for as long as the cluster lives; it has to end when what it is given changes.
    pub(super) fn spawn<F>(&self, task: impl FnOnce(watch::Receiver<()>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.lock().spawn(task(self.stop.subscribe()));
    }

    /// Ends and joins every task.
    pub(super) async fn end(self) {
        self.stop.send_replace(());
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the cluster failed");
            }
        }
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.shared.close();
    }
}
