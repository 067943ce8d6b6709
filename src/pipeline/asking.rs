//! Asks where partitions begin, and lets those wait alone of which the source does not tell it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::observe::{Answer, Known, Question};
use super::starting::{Assignment, Cause};
use super::topic::Topic;
use super::trouble::stand_still;
use crate::status::State;

/// How long a partition of which the source did not tell all is left alone before it is asked about again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What came of asking where partitions begin.
pub struct Beginning {
    cause: Cause,
    /// By the partitions that were asked about, each with what is known better than by a commit.
    partitions: BTreeMap<i32, Option<Known>>,
    answer: Answer,
}

impl Topic {
    /// Asks where partitions begin; [`Topic::begin`] gets the answer.
    pub(super) fn observe(&mut self, cause: Cause, partitions: BTreeMap<i32, Option<Known>>) {
        self.ask(cause, partitions, Duration::ZERO);
    }

    fn ask(&mut self, cause: Cause, partitions: BTreeMap<i32, Option<Known>>, delay: Duration) {
        let mirror = &self.context.mirror;
        let is_ours = mirror.is_only_writer(&self.plan.source_topic);
        let copy = (self.context.target.clone(), self.plan.target_topic.clone());
        let question = Question {
            copy: is_ours.then_some(copy),
            member: Arc::clone(&self.member),
            inspector: self.context.inspector.clone(),
            topic: self.plan.source_topic.clone(),
            partitions,
            last_seen: self.sight.source_id.borrow().clone(),
            start: self.context.mirror.start,
        };
        let beginning = async move {
            tokio::time::sleep(delay).await;
            let answer = match question.partitions.is_empty() {
                true => Answer::default(),
                false => question.answer().await,
            };
            Beginning {
                cause,
                partitions: question.partitions,
                answer,
            }
        };
        self.beginnings.spawn(beginning.in_current_span());
    }

    /// Takes the answer in: partitions of which all is known begin, the others wait.
    pub(super) async fn begin(&mut self, beginning: Beginning) {
        let Beginning {
            cause,
            mut partitions,
            answer,
        } = beginning;
        let (Cause::Assigned(assignment) | Cause::Restarted(assignment)) = cause;
        self.assign(cause, answer.observed).await;
        partitions.retain(|partition, _| {
            let reason = answer.untold.get(partition);
            reason.is_some_and(|reason| self.waits(*partition, assignment, reason))
        });
        if !partitions.is_empty() {
            self.ask(Cause::Restarted(assignment), partitions, ASK_AGAIN);
        }
    }

    /// Says that a partition cannot begin; `false` when it is not ours any more.
    fn waits(&self, partition: i32, assignment: Assignment, reason: &str) -> bool {
        if self.owned.get(&partition) != Some(&assignment) {
            return false;
        }
        let seat = self.board.seat(partition, &self.context.budget);
        let reason = format!("the source does not tell where to begin: {reason}");
        stand_still(partition, &seat, State::Paused, reason);
        true
    }
}
