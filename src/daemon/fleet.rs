//! Holds the mirrors of the process: starts, changes and stops each by itself.

use std::collections::BTreeMap;

use tokio::task::{JoinError, JoinSet};

use super::step::{Settings, Step};
use super::view::Scene;
use crate::config::{self, Config};
use crate::deadline::{Deadline, DrainOutcome};
use crate::mirror::{Mirror, Shared};

/// The mirrors by name.
pub(super) struct Fleet {
    shared: Shared,
    mirrors: BTreeMap<String, Member>,
    tasks: JoinSet<DrainOutcome>,
}

struct Member {
    settings: Settings,
    mirror: Mirror,
    /// Told to stop. When it has, another takes its place if the configuration has one of its name.
    is_leaving: bool,
}

impl Fleet {
    /// No mirror yet; those that start have `shared`.
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared,
            mirrors: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Sets what mirrors that start from now on may prefetch, in bytes.
    pub(super) fn set_prefetch(&mut self, bytes: u64) {
        self.shared.prefetch = bytes;
    }

    /// Starts a mirror of `config`.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the configuration of one of its clusters.
    pub(super) fn start(&mut self, config: &Config, mirror: &config::Mirror) -> anyhow::Result<()> {
        let shared = self.shared.clone();
        let member = Member {
            settings: Settings::of(config, mirror),
            mirror: Mirror::start(config, mirror, shared, &mut self.tasks)?,
            is_leaving: false,
        };
        self.mirrors.insert(mirror.name.clone(), member);
        Ok(())
    }

    /// Those mirrors of `config` that are to start now or as soon as their predecessors have drained.
    pub(super) fn starting<'c>(&self, config: &'c Config) -> Vec<&'c config::Mirror> {
        let mirrors = config.mirrors.iter();
        let starting = mirrors.filter(|mirror| match self.mirrors.get(&mirror.name) {
            None => true,
            Some(member) => {
                let step = member.settings.step_to(&Settings::of(config, mirror));
                member.is_leaving || matches!(step, Step::Restart(_))
            }
        });
        starting.collect()
    }

    /// Makes the mirrors what `config` says; those that leave drain by `deadline`.
    pub(super) fn follow(&mut self, config: &Config, deadline: Deadline) {
        for (name, member) in &mut self.mirrors {
            let mirror = config.mirrors.iter().find(|mirror| mirror.name == *name);
            match mirror {
                _ if member.is_leaving => {}
                Some(mirror) => member.follow(Settings::of(config, mirror), deadline),
                None => {
                    tracing::info!(
                        mirror = name,
                        "mirror is not in the file any more, draining"
                    );
                    member.leave(deadline);
                }
            }
        }
        let absent = |mirror: &&config::Mirror| !self.mirrors.contains_key(&mirror.name);
        let new: Vec<_> = config.mirrors.iter().filter(absent).collect();
        for mirror in new {
            self.start_later(config, mirror);
        }
    }

    /// As [`start`](Self::start), when it is too late to refuse the configuration.
    fn start_later(&mut self, config: &Config, mirror: &config::Mirror) {
        match self.start(config, mirror) {
            Ok(()) => tracing::info!(mirror = mirror.name, "mirror started"),
            Err(error) => tracing::error!(
                mirror = mirror.name,
                reason = format!("{error:#}"),
                "mirror cannot be started"
            ),
        }
    }

    /// Waits for a mirror that was told to leave, and starts the one of `config` that takes its place. Answers when that
    /// has happened, or with the panic of a mirror. Cancel-safe.
    pub(super) async fn left(&mut self, config: &Config) -> Result<(), JoinError> {
        let Some(joined) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (task, outcome) = joined?;
        let place = self.mirrors.iter();
        let place = place.map(|(name, member)| (name, member.mirror.task()));
        let mut left = place.filter(|(_, id)| *id == task).map(|(name, _)| name);
        let Some(name) = left.next().cloned() else {
            return Ok(());
        };
        self.mirrors.remove(&name);
        if outcome == DrainOutcome::DeadlinePassed {
            tracing::warn!(
                mirror = name,
                "drain_timeout passed; what the target had not acknowledged was not committed"
            );
        }
        if let Some(next) = config.mirrors.iter().find(|mirror| mirror.name == name) {
            self.start_later(config, next);
        }
        Ok(())
    }

    /// What there is to show, in the order of `config`.
    pub(super) fn scene(&self, config: &Config) -> Scene {
        let members = config.mirrors.iter();
        let members = members.filter_map(|mirror| self.mirrors.get(&mirror.name));
        let mirrors: Vec<_> = members.map(|member| &member.mirror).collect();
        Scene {
            boards: mirrors
                .iter()
                .map(|mirror| mirror.board().clone())
                .collect(),
            pulses: mirrors
                .iter()
                .map(|mirror| mirror.pulse().clone())
                .collect(),
            freshness: mirrors
                .iter()
                .map(|mirror| mirror.freshness().clone())
                .collect(),
            clusters: config.clusters.keys().cloned().collect(),
        }
    }

    /// Drains all by one deadline.
    ///
    /// # Panics
    ///
    /// When a mirror did.
    pub(super) async fn drain(&mut self, deadline: Deadline) -> DrainOutcome {
        let members = self.mirrors.values();
        members.for_each(|member| member.mirror.stop(deadline));
        let mut outcome = DrainOutcome::Clean;
        loop {
            match tokio::time::timeout_at(deadline.end, self.tasks.join_next()).await {
                Ok(Some(joined)) => {
                    outcome = outcome.max(joined.expect("a mirror does not panic"));
                }
                Ok(None) => return outcome,
                Err(_) => return DrainOutcome::DeadlinePassed,
            }
        }
    }
}

impl Member {
    fn follow(&mut self, new: Settings, deadline: Deadline) {
        let mirror = &new.mirror.name;
        match self.settings.step_to(&new) {
            Step::Keep => {}
            Step::Follow(keys) => {
                let keys = keys.join(", ");
                tracing::info!(mirror, keys, "mirror goes on with what has changed");
                self.mirror.follow(&new.mirror);
                self.settings = new;
            }
            Step::Restart(keys) => {
                let keys = keys.join(", ");
                tracing::info!(
                    mirror,
                    keys,
                    "mirror drains and begins anew, for what has changed"
                );
                self.leave(deadline);
            }
        }
    }

    fn leave(&mut self, deadline: Deadline) {
        self.is_leaving = true;
        self.mirror.stop(deadline);
    }
}
