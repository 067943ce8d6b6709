//! Asks where partitions begin, and lets those wait alone of which the source does not tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::group::Group;
use super::observe::{Answer, Asked, Known, Question};
use super::starting::{Assignment, Cause};
use super::trouble::stand_still;
use crate::clusters::TopicPartition;
use crate::status::State;

/// How long a partition of which the source did not tell all is left alone before it is asked about again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What came of asking where partitions begin.
pub struct Beginning {
    cause: Cause,
    /// By the partitions that were asked about, each with what is known better than by a commit.
    partitions: BTreeMap<TopicPartition, Option<Known>>,
    answer: Answer,
}

impl Group {
    /// Asks where partitions begin; [`Group::begin`] gets the answer.
    pub(super) fn observe(
        &mut self,
        cause: Cause,
        partitions: BTreeMap<TopicPartition, Option<Known>>,
    ) {
        self.ask(cause, partitions, Duration::ZERO);
    }

    fn ask(
        &mut self,
        cause: Cause,
        partitions: BTreeMap<TopicPartition, Option<Known>>,
        delay: Duration,
    ) {
        let topics: BTreeSet<_> = partitions.keys().map(|at| Arc::clone(&at.topic)).collect();
        let topics = topics.into_iter().map(|name| {
            let asked = self.asked(&name);
            (name, asked)
        });
        let question = Question {
            member: Arc::clone(&self.member),
            source: self.context.inspector.clone(),
            target: self.context.target.clone(),
            topics: topics.collect(),
            partitions,
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
            mut answer,
        } = beginning;
        let (Cause::Assigned(assignment) | Cause::Restarted(assignment)) = cause;
        let is_settling = |(at, _): &mut (TopicPartition, _)| self.lanes.is_settling(at);
        let settling: Vec<_> = answer.observed.extract_if(.., is_settling).collect();
        self.assign(cause, answer.observed).await;
        for (at, _) in settling {
            let reason = "what was in flight is neither written nor refused yet".to_owned();
            answer.untold.insert(at, reason);
        }
        partitions.retain(|at, _| {
            let reason = answer.untold.get(at);
            reason.is_some_and(|reason| self.waits(at, assignment, reason))
        });
        // One that has a place is asked about from where it will have got to by then.
        let here = partitions.extract_if(.., |at, _| self.lanes.place(at).is_some());
        let here: Vec<_> = here.map(|(at, _)| at).collect();
        here.into_iter()
            .for_each(|at| self.restart_after(ASK_AGAIN, at));
        if !partitions.is_empty() {
            self.ask(Cause::Restarted(assignment), partitions, ASK_AGAIN);
        }
    }

    /// What else to know of a topic.
    fn asked(&self, name: &Arc<str>) -> Asked {
        let topic = self.topic(name);
        let is_ours = self.context.mirror.is_only_writer(name);
        Asked {
            partitions: topic.partitions,
            other_group: topic.names.other_group.clone(),
            copy: is_ours.then(|| topic.names.target_topic.clone()),
            last_seen: topic.source_id.clone(),
        }
    }

    /// Says that a partition cannot begin; `false` when it is not ours any more.
    fn waits(&mut self, at: &TopicPartition, assignment: Assignment, reason: &str) -> bool {
        if self.owned.get(at) != Some(&assignment) {
            return false;
        }
        let seat = self.seat_of(at);
        let reason = format!("it is not known where to begin: {reason}");
        stand_still(at, &seat, State::Paused, reason);
        true
    }
}
