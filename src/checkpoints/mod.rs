//! Tells where the source's consumer groups go on on the target, and brings the target's groups there.
//!
//! Each process translates for the partitions that it copies, by their offset maps, so that nobody has to be elected. What
//! it finds is published as MirrorMaker 2's checkpoints, and written to those groups on the target that have no members.
//!
//! - `round`: one round after the other;
//! - `groups`: what the groups have committed on the source;
//! - `translator`: what became of these offsets on the target; `chunks`: what it has read of old maps;
//! - `memory`: what of it is new;
//! - `topic`: the checkpoints' topic; `format`: its records;
//! - `sync`: the target's groups;
//! - `troubles`: what is said of what stands in the way.

mod chunks;
mod format;
mod groups;
mod memory;
mod round;
mod sync;
mod topic;
mod translator;
mod troubles;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use tracing::Instrument;

pub use format::Checkpoint;
pub use groups::mixed_partitions;
pub use topic::wanted as wanted_topic;
pub use translator::{Maps, Translated, Translator};

use crate::board::Age;
use crate::clusters::Inspector;
use crate::config::{self, Mirror};
use crate::metrics::Metrics;
use crate::offset_map::{Archive, Registry};
use memory::Memory;
use round::Rounds;
use topic::CheckpointTopic;
use troubles::Troubles;

/// What the checkpoints of a mirror are made with.
pub struct Context {
    /// Asks the source.
    pub source: Inspector,
    /// Asks the target.
    pub target: Inspector,
    /// The target cluster.
    pub target_cluster: Arc<config::Cluster>,
    /// The maps of the partitions that this process copies.
    pub maps: Registry,
    /// Old stretches of these maps.
    pub archive: Archive,
    /// Where they are counted.
    pub metrics: Metrics,
}

/// The checkpoints of one mirror. Dropped, they end wherever they are.
pub struct Checkpoints {
    settings: watch::Sender<Arc<Mirror>>,
    stop: watch::Sender<()>,
    freshness: Arc<Freshness>,
    tasks: JoinSet<()>,
}

impl Checkpoints {
    /// Starts the rounds.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of the target.
    pub fn start(mirror: Arc<Mirror>, context: Context) -> Result<Self, KafkaError> {
        let freshness = Arc::new(Freshness {
            mirror: mirror.name.clone(),
            metrics: context.metrics.clone(),
            age: Arc::default(),
        });
        let (cluster, target) = (&context.target_cluster, context.target.clone());
        let rounds = Rounds {
            topic: CheckpointTopic::open(&mirror, cluster, target)?,
            translator: Translator::new(
                context.source.clone(),
                context.target.clone(),
                context.archive,
            ),
            source: context.source,
            target: context.target,
            registry: context.maps,
            metrics: context.metrics,
            age: Arc::clone(&freshness.age),
            memory: Memory::default(),
            troubles: Troubles::default(),
            forgot_at: None,
            mirror: Arc::clone(&mirror),
        };
        freshness.expect(&mirror);
        let (settings, changed) = watch::channel(mirror);
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(run(rounds, changed, stopped).in_current_span());
        Ok(Self {
            settings,
            stop,
            freshness,
            tasks,
        })
    }

    /// How long ago the last round was.
    pub fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }

    /// Goes on as `mirror` says, which has the same ends.
    pub fn follow(&self, mirror: &Arc<Mirror>) {
        self.freshness.expect(mirror);
        self.settings.send_replace(Arc::clone(mirror));
    }

    /// Tells the rounds to stop, wherever they are.
    pub fn stop(&self) {
        self.stop.send_replace(());
        self.freshness.age.end();
    }

    /// Waits until they have, which takes well below a second.
    ///
    /// # Panics
    ///
    /// When they did.
    pub async fn join(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("checkpoints do not panic");
        }
    }
}

/// Goes on until `stop` is said.
async fn run(
    mut rounds: Rounds,
    mut settings: watch::Receiver<Arc<Mirror>>,
    mut stop: watch::Receiver<()>,
) {
    tokio::select! {
        biased;
        _ = stop.changed() => {}
        () = go_round(&mut rounds, &mut settings) => {}
    }
    // Waits for librdkafka's threads.
    let dropped = tokio::task::spawn_blocking(move || drop(rounds)).await;
    dropped.expect("dropping a producer does not panic");
}

async fn go_round(rounds: &mut Rounds, settings: &mut watch::Receiver<Arc<Mirror>>) {
    let mut ticks = every(rounds.mirror.checkpoint_interval);
    loop {
        tokio::select! {
            biased;
            Ok(()) = settings.changed() => {
                let mirror = Arc::clone(&settings.borrow_and_update());
                rounds.topic.follow(&mirror);
                ticks = every(mirror.checkpoint_interval);
                rounds.mirror = mirror;
            }
            _ = ticks.tick() => rounds.go().await,
        }
    }
}

/// Ticks at once, and then in this interval, however long a round takes.
fn every(interval: Duration) -> Interval {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Knows how long ago a mirror's last round was.
pub struct Freshness {
    mirror: String,
    metrics: Metrics,
    age: Arc<Age>,
}

impl Freshness {
    /// Rounds are expected as long as groups are selected.
    fn expect(&self, mirror: &Mirror) {
        match (mirror.groups.include.is_empty(), self.age.seconds()) {
            (true, _) => self.age.end(),
            (false, None) => self.age.begin(),
            (false, Some(_)) => {}
        }
    }

    /// Brings `kmirror_checkpoint_age_seconds` up to date, before it is read.
    pub fn refresh(&self) {
        let age = self.age.seconds();
        self.metrics.set_checkpoint_age(&self.mirror, age);
    }
}

impl Drop for Freshness {
    fn drop(&mut self) {
        self.metrics.set_checkpoint_age(&self.mirror, None);
    }
}
