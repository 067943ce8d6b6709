//! Shows the daemon over HTTP: its metrics, its status, and whether it is ready.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::board::{self, MirrorBoard};
use crate::budget::Budget;
use crate::checkpoints::Freshness;
use crate::heartbeats::Pulse;
use crate::http;
use crate::metrics::Metrics;
use crate::status::Status;

/// What HTTP shows.
pub(super) struct View {
    metrics: Metrics,
    budget: Arc<Budget>,
    scene: Mutex<Scene>,
}

/// What there is to show of the present configuration.
#[derive(Default)]
pub(super) struct Scene {
    /// In the order of the configuration.
    pub(super) boards: Vec<Arc<MirrorBoard>>,
    /// One for each mirror.
    pub(super) pulses: Vec<Arc<Pulse>>,
    /// One for each mirror.
    pub(super) freshness: Vec<Arc<Freshness>>,
    /// Names of all clusters.
    pub(super) clusters: Vec<String>,
}

impl View {
    /// An empty one.
    pub(super) fn new(metrics: Metrics, budget: Arc<Budget>) -> Self {
        Self {
            metrics,
            budget,
            scene: Mutex::default(),
        }
    }

    /// Shows this from now on.
    pub(super) fn show(&self, scene: Scene) {
        // The old one goes when the lock does not hold others up any more.
        let old = std::mem::replace(&mut *self.scene(), scene);
        drop(old);
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        // A scene is replaced as a whole, so a poisoned one is still good to show.
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http::Source for View {
    fn metrics(&self) -> String {
        self.metrics.memory_used.set(self.budget.used() as i64);
        let scene = self.scene();
        scene.boards.iter().for_each(|board| board.refresh());
        scene.pulses.iter().for_each(|pulse| pulse.refresh());
        scene.freshness.iter().for_each(|one| one.refresh());
        self.metrics.render()
    }

    fn status(&self) -> Status {
        board::status(&self.scene().boards)
    }

    fn readiness(&self) -> Result<(), Vec<String>> {
        let scene = self.scene();
        let troubles = scene.boards.iter().filter_map(|board| {
            let trouble = board.trouble()?;
            Some(format!("mirror {}: {trouble}", board.name()))
        });
        let down = scene.clusters.iter();
        let down = down.filter(|cluster| !self.metrics.cluster_is_up(cluster));
        let down = down.map(|cluster| format!("cluster {cluster} does not answer"));
        let reasons: Vec<String> = down.chain(troubles).collect();
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(reasons),
        }
    }
}
