//! Decides on which nodes the partitions of a topic lie.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{BrokerId, TopicName};

use crate::config::BrokerConfigs;
use crate::store::StoreError;

/// More partitions than this in one topic is a mistake, or an attack on the memory.
const MAX_PARTITIONS: usize = 10_000;

/// What creating and growing topics depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// How many nodes there are to put partitions on.
    pub(crate) nodes: usize,
    /// Where unset values come from.
    pub(crate) broker: &'a BrokerConfigs,
}

/// How the partitions of a new topic are asked for.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// By number. `None` takes `num.partitions` and `default.replication.factor`.
    Spread {
        /// How many partitions.
        partitions: Option<i32>,
        /// How many replicas of each.
        replication_factor: Option<i16>,
    },
    /// By naming the replicas of every partition, the leader first.
    Assigned(Vec<Vec<BrokerId>>),
}

/// A topic to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    /// Its name.
    pub(crate) name: TopicName,
    /// Its partitions.
    pub(crate) layout: Layout,
    /// What is set on it.
    pub(crate) configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic as the broker creates it by itself.
    pub(crate) fn automatic(name: TopicName) -> Self {
        let layout = Layout::Spread {
            partitions: None,
            replication_factor: None,
        };
        Self {
            name,
            layout,
            configs: BTreeMap::new(),
        }
    }
}

/// Why a topic is not created, grown or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What the client branches on.
    pub(crate) error: ResponseError,
    /// What a person reads.
    pub(crate) message: String,
}

impl Refused {
    /// Pairs a code with its explanation.
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
        }
    }

    /// The data directory failed.
    pub(crate) fn storage(error: StoreError) -> Self {
        Self::new(ResponseError::KafkaStorageError, error.to_string())
    }
}

impl From<ResponseError> for Refused {
    fn from(error: ResponseError) -> Self {
        Self::new(error, error.to_string())
    }
}

/// The replicas of every partition of a new topic. `turn` moves the first leader on from topic to topic, so that topics
/// of one partition are spread as well.
pub(crate) fn place(
    new: &NewTopic,
    turn: usize,
    around: Surroundings<'_>,
) -> Result<Vec<Vec<BrokerId>>, Refused> {
    match &new.layout {
        Layout::Assigned(replicas) => {
            check_count(replicas.len() as i64)?;
            check_assigned(replicas, around.nodes)?;
            Ok(replicas.clone())
        }
        Layout::Spread {
            partitions,
            replication_factor,
        } => {
            let default = |key| around.broker.number(key);
            let partitions = partitions.map_or_else(|| default("num.partitions"), i64::from);
            let replicas =
                replication_factor.map_or_else(|| default("default.replication.factor"), i64::from);
            let partitions = check_count(partitions)?;
            let replicas = check_factor(replicas, around.nodes)?;
            Ok((0..partitions)
                .map(|index| ring(turn + index, replicas, around.nodes))
                .collect())
        }
    }
}

/// The replicas of the next partitions of a topic, going on round the nodes from where its first partition lies.
pub(crate) fn place_more(
    first: &[BrokerId],
    have: usize,
    want: usize,
    nodes: usize,
) -> Vec<Vec<BrokerId>> {
    let start = first
        .first()
        .map_or(0, |leader| leader.0.unsigned_abs() as usize);
    (have..want)
        .map(|index| ring(start + index, first.len().min(nodes), nodes))
        .collect()
}

fn ring(leader: usize, replicas: usize, nodes: usize) -> Vec<BrokerId> {
    (leader..leader + replicas)
        .map(|at| BrokerId((at % nodes) as i32))
        .collect()
}

/// Checks how many partitions a topic is to have.
pub(crate) fn check_count(partitions: i64) -> Result<usize, Refused> {
    match usize::try_from(partitions) {
        Ok(count @ 1..=MAX_PARTITIONS) => Ok(count),
        _ => {
            let message = format!(
                "Number of partitions must be from 1 to {MAX_PARTITIONS}, not {partitions}."
            );
            Err(Refused::new(ResponseError::InvalidPartitions, message))
        }
    }
}

fn check_factor(replicas: i64, nodes: usize) -> Result<usize, Refused> {
    match usize::try_from(replicas) {
        Ok(count) if (1..=nodes).contains(&count) => Ok(count),
        _ => {
            let message = format!(
                "Unable to replicate the partition {replicas} time(s): there are {nodes} broker(s)."
            );
            Err(Refused::new(
                ResponseError::InvalidReplicationFactor,
                message,
            ))
        }
    }
}

/// Checks replicas that the client chose: brokers that exist, no one twice, as many for each partition.
pub(crate) fn check_assigned(replicas: &[Vec<BrokerId>], nodes: usize) -> Result<(), Refused> {
    let exists = |broker: &BrokerId| usize::try_from(broker.0).is_ok_and(|id| id < nodes);
    let distinct = |ids: &[BrokerId]| {
        ids.iter()
            .enumerate()
            .all(|(at, id)| !ids[..at].contains(id))
    };
    let width = replicas.first().map_or(0, Vec::len);
    let sound = |ids: &Vec<BrokerId>| ids.len() == width && ids.iter().all(exists) && distinct(ids);
    if width > 0 && replicas.iter().all(sound) {
        return Ok(());
    }
    let message = "The replicas of a partition must be distinct brokers that exist, as many for every partition.";
    Err(Refused::new(
        ResponseError::InvalidReplicaAssignment,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::error::ResponseError;
    use kafka_protocol::messages::{BrokerId, TopicName};

    use super::{Layout, NewTopic, Surroundings, check_assigned, place, place_more};
    use crate::config::BrokerConfigs;

    fn ids(replicas: &[&[i32]]) -> Vec<Vec<BrokerId>> {
        replicas
            .iter()
            .map(|ids| ids.iter().copied().map(BrokerId).collect())
            .collect()
    }

    fn spread(
        partitions: i32,
        factor: i16,
        turn: usize,
    ) -> Result<Vec<Vec<BrokerId>>, ResponseError> {
        let layout = Layout::Spread {
            partitions: Some(partitions),
            replication_factor: Some(factor),
        };
        let new = NewTopic {
            layout,
            ..NewTopic::automatic(TopicName::default())
        };
        let broker = BrokerConfigs::default();
        place(
            &new,
            turn,
            Surroundings {
                nodes: 3,
                broker: &broker,
            },
        )
        .map_err(|refused| refused.error)
    }

    #[test]
    fn leaders_go_round_the_nodes_from_topic_to_topic() {
        assert_eq!(spread(4, 1, 0), Ok(ids(&[&[0], &[1], &[2], &[0]])));
        assert_eq!(spread(2, 2, 2), Ok(ids(&[&[2, 0], &[0, 1]])));
    }

    #[test]
    fn more_partitions_go_on_where_the_first_ones_ended() {
        assert_eq!(
            place_more(&[BrokerId(2), BrokerId(0)], 2, 4, 3),
            ids(&[&[1, 2], &[2, 0]])
        );
    }

    #[test]
    fn what_cannot_be_placed_is_refused() {
        assert_eq!(spread(0, 1, 0), Err(ResponseError::InvalidPartitions));
        assert_eq!(spread(10_001, 1, 0), Err(ResponseError::InvalidPartitions));
        assert_eq!(
            spread(1, 4, 0),
            Err(ResponseError::InvalidReplicationFactor)
        );
        assert_eq!(
            spread(1, 0, 0),
            Err(ResponseError::InvalidReplicationFactor)
        );
    }

    #[test]
    fn replicas_that_a_client_chose_must_be_distinct_brokers_that_exist() {
        assert_eq!(check_assigned(&ids(&[&[0, 2], &[1, 0]]), 3), Ok(()));
        for wrong in [
            ids(&[&[0, 0]]),
            ids(&[&[3]]),
            ids(&[&[-1]]),
            ids(&[&[0], &[1, 2]]),
            ids(&[&[]]),
            ids(&[]),
        ] {
            assert!(check_assigned(&wrong, 3).is_err(), "{wrong:?}");
        }
    }
}
