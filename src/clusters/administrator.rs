//! Changes one cluster: topics, partitions, configs and ACLs, many of them in few requests.

use std::ops::Range;
use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;

use super::context::ClusterContext;
use super::inspector::PerGroup;
use super::{Error, Inspector, TopicPartition};
use crate::librdkafka::admin::Failure;
use crate::librdkafka::admin::acls::{self, TopicAcl};
use crate::librdkafka::admin::batch::Outcome;
use crate::librdkafka::admin::config_changes::{self, TopicChanges};
use crate::librdkafka::admin::group_offset_changes::{self, GroupChange};
use crate::librdkafka::admin::topic_creation::{self, Mode, TopicSpec};
use crate::librdkafka::admin::topic_growth::{self, Growth};

/// Topics, or ACLs, in one request.
const TOPICS_PER_REQUEST: usize = 200;
/// Partitions that one request may create. A KRaft controller refuses a request for more than 10,000 as a whole, and one
/// whose topics, partitions and configs are more than 10,000 records of its log.
const PARTITIONS_PER_REQUEST: u32 = 2_000;

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The cluster answered, and did not make this one.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The request that it was part of failed as a whole.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl ChangeError {
    /// Whether the cluster answered with this code.
    pub fn is(&self, code: RDKafkaErrorCode) -> bool {
        matches!(self, Self::Refused(failure) if failure.code == code)
    }
}

/// When a topic that is there was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// By this request.
    Now,
    /// Earlier, or by somebody who was faster.
    Before,
}

/// One result per change, in the order in which the changes were given.
pub type PerChange = Vec<Result<(), ChangeError>>;

impl Inspector {
    /// Creates topics, or asks whether they would be.
    pub async fn create_topics(&self, topics: Vec<TopicSpec>, mode: Mode) -> PerChange {
        let requests = requests(&topics, |topic| topic.partitions);
        self.change(topics, requests, move |client, some, timeout| {
            topic_creation::create(client, some, mode, timeout)
        })
        .await
    }

    /// Creates one topic.
    ///
    /// # Errors
    ///
    /// When the cluster does not do it; that the topic exists is none.
    pub async fn create_topic(&self, topic: TopicSpec) -> Result<Created, ChangeError> {
        let mut outcomes = self.create_topics(vec![topic], Mode::Create).await;
        let outcome = outcomes.pop().expect("there is an outcome for each topic");
        match outcome {
            Ok(()) => Ok(Created::Now),
            Err(error) if error.is(RDKafkaErrorCode::TopicAlreadyExists) => Ok(Created::Before),
            Err(error) => Err(error),
        }
    }

    /// Adds partitions to topics.
    pub async fn grow_topics(&self, growths: Vec<Growth>) -> PerChange {
        let requests = requests(&growths, |growth| growth.partitions);
        self.change(growths, requests, topic_growth::grow).await
    }

    /// Changes configs of topics, each of which is named once.
    pub async fn alter_topic_configs(&self, topics: Vec<TopicChanges>) -> PerChange {
        let requests = requests(&topics, |_| 0);
        self.change(topics, requests, config_changes::alter).await
    }

    /// Creates ACLs; one that exists is no error.
    pub async fn create_topic_acls(&self, acls: Vec<TopicAcl>) -> PerChange {
        let requests = requests(&acls, |_| 0);
        self.change(acls, requests, acls::create).await
    }

    /// Sets where groups read on; for each partition whether it was done, in the order of the changes. All requests are
    /// under way at once.
    ///
    /// # Errors
    ///
    /// When librdkafka cannot ask at all; what one group is refused is its own.
    pub async fn alter_group_offsets(
        &self,
        changes: Vec<GroupChange>,
    ) -> Result<PerGroup<Vec<(TopicPartition, Outcome)>>, Error> {
        self.admin(move |client, timeout| {
            Ok(group_offset_changes::alter(client, &changes, timeout))
        })
        .await
    }

    /// Makes changes request by request. A cluster that does not answer one is not asked the next.
    async fn change<W: Clone + Send + Sync + 'static>(
        &self,
        wanted: Vec<W>,
        requests: Vec<Range<usize>>,
        ask: impl Fn(&Client<ClusterContext>, &[W], Duration) -> Result<Vec<Outcome>, Failure>
        + Clone
        + Send
        + 'static,
    ) -> PerChange {
        let mut outcomes: PerChange = Vec::with_capacity(wanted.len());
        for request in requests {
            let some = wanted[request].to_vec();
            let (ask, count) = (ask.clone(), some.len());
            let answer = self.admin(move |client, timeout| ask(client, &some, timeout));
            match answer.await {
                Ok(answers) => {
                    let answers = answers.into_iter();
                    outcomes.extend(answers.map(|one| one.map_err(ChangeError::from)));
                }
                Err(error) => {
                    let left = match error.is_cluster_down() {
                        true => wanted.len() - outcomes.len(),
                        false => count,
                    };
                    outcomes.extend(std::iter::repeat_n(Err(error.into()), left));
                }
            }
            if outcomes.len() == wanted.len() {
                break;
            }
        }
        outcomes
    }
}

/// Divides what is wanted into requests that a controller takes, in order. What is too much alone goes alone, so that
/// its refusal is its own.
fn requests<W>(wanted: &[W], partitions: impl Fn(&W) -> u32) -> Vec<Range<usize>> {
    let mut requests = Vec::new();
    let (mut start, mut sum) = (0, 0_u32);
    for (index, one) in wanted.iter().enumerate() {
        let more = partitions(one);
        let is_full = index - start == TOPICS_PER_REQUEST
            || sum.saturating_add(more) > PARTITIONS_PER_REQUEST;
        if is_full && index > start {
            requests.push(start..index);
            (start, sum) = (index, 0);
        }
        sum = sum.saturating_add(more);
    }
    if start < wanted.len() {
        requests.push(start..wanted.len());
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(partitions: &[u32]) -> Vec<Range<usize>> {
        requests(partitions, |count| *count)
    }

    #[test]
    fn a_request_holds_so_many_topics_and_so_many_partitions() {
        assert!(divided(&[]).is_empty());
        assert_eq!(divided(&[1; 200]), vec![0..200]);
        assert_eq!(divided(&[1; 201]), [0..200, 200..201]);
        assert_eq!(divided(&[1_500, 500, 1]), [0..2, 2..3]);
    }

    #[test]
    fn what_no_request_should_hold_goes_alone() {
        assert_eq!(divided(&[3, 10_000, 3]), [0..1, 1..2, 2..3]);
        assert_eq!(divided(&[u32::MAX, u32::MAX]), [0..1, 1..2]);
    }
}
