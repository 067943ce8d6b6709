//! Commits what is acknowledged, one commit at a time, and takes note of what the group says to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;
use tokio::time::Instant;

use super::group::Group;
use super::lease::Look;
use super::mark::Committed;
use crate::clusters::TopicPartition;
use crate::librdkafka::commit::Answer;
use crate::metrics::Stage;

/// The commit under way, if any.
#[derive(Default)]
pub struct Committing {
    sent: Option<Sent>,
    /// Whether the group has to confirm the membership before the lanes go on.
    in_doubt: bool,
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
        if !positions.is_empty() && !self.committing.in_doubt {
            self.send_commit(positions, false);
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
        let positions = self.lanes.reached();
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
            None if sent.proves => self.confirmed(),
            None => {}
        }
    }

    /// The group knows this process.
    fn confirmed(&mut self) {
        self.committing.in_doubt = false;
        self.lease.renew(Instant::now());
    }

    fn count_refused(&self, code: RDKafkaErrorCode) {
        let mirror = &self.context.mirror.name;
        self.context.metrics.error(mirror, Stage::Commit, code);
        tracing::warn!(%code, "commit refused");
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
            Ok(Ok(Ok(()))) => return true,
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
