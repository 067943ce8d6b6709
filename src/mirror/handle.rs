//! Starts a mirror, and is what its owner holds of it: changes go in, and in the end the stop.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tracing::Instrument;

use super::producers::Producers;
use super::session::Session;
use crate::board::MirrorBoard;
use crate::budget::Budget;
use crate::checkpoints::{self, Checkpoints, Freshness};
use crate::clusters::Inspector;
use crate::config::{self, Config};
use crate::control::REQUEST_TIMEOUT;
use crate::deadline::{Deadline, DrainOutcome};
use crate::heartbeats::{Ends, Heartbeats, Pulse};
use crate::metrics::Metrics;
use crate::mirrormaker::{self, Standby};
use crate::offset_map::{Registry, Store};

/// What all mirrors of the process share.
#[derive(Clone)]
pub struct Shared {
    /// Bytes between sources and targets.
    pub budget: Arc<Budget>,
    /// Bytes that the consumers of one mirror may prefetch.
    pub prefetch: u64,
    /// All metrics.
    pub metrics: Metrics,
}

/// The handle of a running mirror.
pub struct Mirror {
    board: Arc<MirrorBoard>,
    pulse: Arc<Pulse>,
    freshness: Arc<Freshness>,
    task: task::Id,
    settings: watch::Sender<Arc<config::Mirror>>,
    stop: watch::Sender<Option<Deadline>>,
}

/// What a mirror is made of that librdkafka may refuse.
pub(super) struct Parts {
    pub(super) ends: Ends,
    pub(super) producers: Producers,
    pub(super) heartbeats: Heartbeats,
    pub(super) checkpoints: Checkpoints,
    pub(super) standby: Standby,
    pub(super) store: Store,
    pub(super) maps: Registry,
}

impl Parts {
    fn open(
        config: &Config,
        mirror: &Arc<config::Mirror>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let end = |name: &str| -> anyhow::Result<_> {
            let cluster = config.clusters.get(name);
            let cluster = cluster.with_context(|| format!("cluster {name} is not configured"))?;
            let id = format!("kmirror-{}", mirror.name);
            let inspector = Inspector::open(cluster, &id, REQUEST_TIMEOUT)?;
            Ok((Arc::new(cluster.clone()), inspector))
        };
        let ends = Ends {
            source: end(&mirror.source)?,
            target: end(&mirror.target)?,
        };
        let refused = || format!("clusters.{}", mirror.target);
        let producers = Producers::open(&ends.target.0, mirror).with_context(refused)?;
        let (cluster, inspector) = &ends.target;
        let store = Store::open(cluster, mirror, inspector.clone()).with_context(refused)?;
        let maps = Registry::default();
        let context = checkpoints::Context {
            source: ends.source.1.clone(),
            target: inspector.clone(),
            target_cluster: Arc::clone(cluster),
            maps: maps.clone(),
            archive: store.archive().clone(),
            metrics: metrics.clone(),
        };
        let checkpoints = Checkpoints::start(Arc::clone(mirror), context);
        let heartbeats = Heartbeats::start(Arc::clone(mirror), ends.clone(), metrics.clone());
        let both = mirrormaker::Ends {
            source: ends.source.clone(),
            target: ends.target.clone(),
        };
        let standby = Standby::start(Arc::clone(mirror), both, maps.clone(), metrics.clone());
        Ok(Self {
            producers,
            heartbeats: heartbeats?,
            checkpoints: checkpoints.with_context(refused)?,
            standby: standby?,
            store,
            maps,
            ends,
        })
    }
}

impl Mirror {
    /// Starts mirroring, as one more of `tasks`. An unreachable cluster is no error: it is asked again and
    /// again.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of one of the two clusters.
    pub fn start(
        config: &Config,
        mirror: &config::Mirror,
        shared: Shared,
        tasks: &mut JoinSet<DrainOutcome>,
    ) -> anyhow::Result<Self> {
        let mirror = Arc::new(mirror.clone());
        let span = tracing::info_span!("mirror", mirror = mirror.name);
        let parts = span.in_scope(|| Parts::open(config, &mirror, &shared.metrics))?;
        let board = Arc::new(MirrorBoard::new(
            &mirror.name,
            &mirror.source,
            &mirror.target,
            shared.metrics.clone(),
        ));
        let pulse = Arc::clone(parts.heartbeats.pulse());
        let freshness = Arc::clone(parts.checkpoints.freshness());
        let session = Session::new(&mirror, parts, shared, Arc::clone(&board));
        let (settings, changed) = watch::channel(mirror);
        let (stop, stopped) = watch::channel(None);
        let task = tasks.spawn(session.run(changed, stopped).instrument(span));
        Ok(Self {
            board,
            pulse,
            freshness,
            task: task.id(),
            settings,
            stop,
        })
    }

    /// Its place on the board.
    pub fn board(&self) -> &Arc<MirrorBoard> {
        &self.board
    }

    /// How long ago a heartbeat crossed.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// How long ago the groups' offsets were translated.
    pub fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }

    /// Which of the tasks it is.
    pub fn task(&self) -> task::Id {
        self.task
    }

    /// Makes it go on as `mirror` says, which [differs](config::Mirror::change_to) by nothing that would restart it.
    pub fn follow(&self, mirror: &config::Mirror) {
        self.settings.send_replace(Arc::new(mirror.clone()));
    }

    /// Tells it to drain by `deadline`.
    pub fn stop(&self, deadline: Deadline) {
        self.stop.send_replace(Some(deadline));
    }
}
