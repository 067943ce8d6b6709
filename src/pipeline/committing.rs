//! Commits what is acknowledged, one commit at a time, and takes note of what the group says to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::group::Group;
use super::lanes::Stopped;
use super::lease::Look;
use super::mark::Committed;
use super::saving::Saves;
use crate::clusters::TopicPartition;
use crate::librdkafka::commit::Answer;
use crate::metrics::Stage;

/// The commit under way, if any.
#[derive(Default)]
pub struct Committing {
    /// What waits for its maps to be written.
    saving: Option<Saving>,
    sent: Option<Sent>,
    /// Whether the group has to confirm the membership before the lanes go on.
    in_doubt: bool,
    /// Whether maps cannot be written at the moment, which is said once.
    is_unsaved: bool,
    /// The newest answer to commits that are refused, and how many were since one was taken.
    refused: Option<(RDKafkaErrorCode, u64)>,
}

/// Positions whose maps are being written; they are committed when that is done (I8).
struct Saving {
    positions: Vec<(TopicPartition, Committed)>,
    written: JoinHandle<Result<(), String>>,
}

impl Committing {
    /// Waits until maps are written, for ever when none are being; answers with the positions that may be committed then.
    /// Cancel-safe.
    ///
    /// # Panics
    ///
    /// When writing did.
    pub async fn saved(&mut self) -> Result<Vec<(TopicPartition, Committed)>, String> {
        let Some(saving) = &mut self.saving else {
            return std::future::pending().await;
        };
        let written = (&mut saving.written).await.expect("writing does not panic");
        let saving = self.saving.take();
        written.map(|()| saving.map(|saving| saving.positions).unwrap_or_default())
    }

    /// Takes partitions out that are not ours any more (I6).
    pub fn forget(&mut self, partitions: &[TopicPartition]) {
        if let Some(saving) = &mut self.saving {
            saving.positions.retain(|(at, _)| !partitions.contains(at));
        }
    }
}

/// A commit that waits for its answer; the next one waits for that, too.
struct Sent {
    positions: BTreeMap<TopicPartition, Committed>,
    /// Whether it was sent to hear that this process is still a member.
    proves: bool,
}

impl Group {
    /// Commits the positions that moved.
    pub(super) fn commit(&mut self) {
        let positions = self.lanes.uncommitted();
        self.see_log_ends(&positions);
        let is_busy = self.committing.saving.is_some() || self.committing.sent.is_some();
        if positions.is_empty() || self.committing.in_doubt || is_busy {
            return;
        }
        let places = positions.iter();
        let places = places.filter_map(|(at, _)| Some((at.clone(), self.lanes.place(at)?.clone())));
        let saves = Saves::of(places.collect());
        if saves.is_empty() {
            return self.send_commit(positions, false);
        }
        let store = self.context.store.clone();
        let written = tokio::spawn(async move { saves.write(&store).await }.in_current_span());
        self.committing.saving = Some(Saving { positions, written });
    }

    /// The maps are written up to these positions, or were not, and are with the next ones.
    pub(super) fn saved(&mut self, saved: Result<Vec<(TopicPartition, Committed)>, String>) {
        match saved {
            Ok(positions) if positions.is_empty() || self.committing.in_doubt => {}
            Ok(positions) => self.send_commit(positions, false),
            Err(error) => self.count_unsaved(&error),
        }
    }

    pub(super) fn count_unsaved(&mut self, error: &str) {
        let mirror = &self.context.mirror.name;
        self.context
            .metrics
            .error(mirror, Stage::Offsets, "Unsaved");
        if !std::mem::replace(&mut self.committing.is_unsaved, true) {
            tracing::warn!(
                error,
                "the offset map cannot be written, so that nothing is committed"
            );
        }
    }

    /// Takes note of log ends, but for partitions that are caught up and have not moved: theirs is where they are, and
    /// librdkafka looks for each partition among all topics.
    fn see_log_ends(&self, moved: &[(TopicPartition, Committed)]) {
        let behind = self
            .lanes
            .places()
            .filter(|(_, place)| place.seat.is_behind());
        let asked = behind
            .map(|(at, _)| at)
            .chain(moved.iter().map(|(at, _)| at));
        for at in asked {
            if let (Some(end), Some(place)) = (self.member.log_end(at), self.lanes.place(at)) {
                place.seat.see_source_end(end);
            }
        }
    }

    /// Notices that this process was stopped for longer than the group waits. A commit then tells whether the group
    /// still knows it; until that is answered the lanes send nothing.
    pub(super) fn look_at_the_clock(&mut self) {
        let Look::Stopped(since) = self.lease.look(Instant::now()) else {
            return;
        };
        if !std::mem::replace(&mut self.committing.in_doubt, true) {
            let seconds = since.as_secs_f64();
            tracing::warn!(
                seconds,
                "this process was stopped, asking the group whether it is still a member"
            );
        }
        let positions = self.lanes.held();
        if positions.is_empty() {
            self.confirmed();
        } else {
            self.send_commit(positions, true);
        }
    }

    fn send_commit(&mut self, positions: Vec<(TopicPartition, Committed)>, proves: bool) {
        if self.committing.sent.is_some() {
            return;
        }
        if std::mem::take(&mut self.committing.is_unsaved) {
            tracing::warn!("the offset map is written again");
        }
        match self.member.commit(&positions) {
            Ok(()) => {
                let positions = positions.into_iter().collect();
                self.committing.sent = Some(Sent { positions, proves });
            }
            Err(error) => tracing::debug!(%error, "no group to commit to"),
        }
    }

    /// Takes note of what became of a commit; what was refused is committed again with the next tick.
    pub(super) fn committed(&mut self, answer: &Answer) {
        let Some(mut sent) = self.committing.sent.take() else {
            return;
        };
        let taken = answer.taken.iter();
        let taken = taken.filter_map(|at| sent.positions.remove_entry(at));
        self.lanes.committed(taken);
        match answer.refused {
            Some(code) => self.count_refused(code),
            None => {
                self.taken();
                if sent.proves {
                    self.confirmed();
                }
            }
        }
    }

    /// The group takes commits.
    fn taken(&mut self) {
        if let Some((_, times)) = self.committing.refused.take() {
            tracing::warn!(times, "commits are taken again");
        }
    }

    /// The group knows this process.
    fn confirmed(&mut self) {
        self.committing.in_doubt = false;
        self.lease.renew(Instant::now());
    }

    /// Says it once for each reason.
    fn count_refused(&mut self, code: RDKafkaErrorCode) {
        let mirror = &self.context.mirror.name;
        self.context.metrics.error(mirror, Stage::Commit, code);
        let before = self.committing.refused;
        if before.is_none_or(|(reason, _)| reason != code) {
            tracing::warn!(%code, "commit refused, trying again");
        }
        self.committing.refused = Some((code, before.map_or(1, |(_, times)| times + 1)));
    }

    /// Waits for the answer to the commit under way, up to the deadline. librdkafka repeats a commit that the coordinator
    /// puts off, and would so move a later one back.
    async fn finish_commit(&mut self, deadline: Instant) {
        let member = Arc::clone(&self.member);
        while self.committing.sent.is_some() {
            match tokio::time::timeout_at(deadline, member.commit_answer()).await {
                Ok(answer) => self.committed(&answer),
                Err(_) => return,
            }
        }
    }

    /// Writes the maps of partitions that were stopped, and commits their positions. Answers whether all of it was done by
    /// the deadline, but for marks of positions that the group holds already.
    pub(super) async fn commit_stopped(&mut self, stopped: &Stopped, deadline: Instant) -> bool {
        let positions = stopped.uncommitted();
        let has_moved = stopped.has_moved();
        let saves = Saves::of(stopped.places.clone());
        let written = saves.write(&self.context.store);
        match tokio::time::timeout_at(deadline, written).await {
            Ok(Ok(())) => self.commit_now(positions, deadline).await || !has_moved,
            Ok(Err(error)) => {
                self.count_unsaved(&error);
                false
            }
            Err(_) => {
                self.count_unsaved("not acknowledged in time");
                false
            }
        }
    }

    /// Commits and waits for the answer, up to the deadline. Answers whether the group took it.
    pub(super) async fn commit_now(
        &mut self,
        positions: Vec<(TopicPartition, Committed)>,
        deadline: Instant,
    ) -> bool {
        self.finish_commit(deadline).await;
        if positions.is_empty() {
            return true;
        }
        let member = Arc::clone(&self.member);
        let commit = tokio::task::spawn_blocking(move || member.commit_now(&positions));
        match tokio::time::timeout_at(deadline, commit).await {
            Ok(Ok(Ok(()))) => {
                self.taken();
                return true;
            }
            Ok(Ok(Err(error))) => {
                let code = error.rdkafka_error_code();
                self.count_refused(code.unwrap_or(RDKafkaErrorCode::Unknown));
            }
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => tracing::warn!("commit not answered in time"),
        }
        false
    }
}
