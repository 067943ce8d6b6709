//! Says why a call on a cluster was not carried out.

use std::io;

use kafka_protocol::error::ResponseError;

use crate::topics::Refused;

/// A call on a [`crate::Cluster`] that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// Kafka's number for the error.
    pub code: i16,
    message: String,
}

impl AdminError {
    pub(super) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            code: error.code(),
            message: message.into(),
        }
    }

    /// There is no such partition.
    pub(crate) fn no_partition(topic: &str, partition: i32) -> Self {
        let message = format!("there is no partition {topic}-{partition}");
        Self::new(ResponseError::UnknownTopicOrPartition, message)
    }

    /// There is no such node.
    pub(super) fn no_node(node: i32) -> Self {
        let message = format!("there is no node {node}; they are counted from 0");
        Self::new(ResponseError::BrokerIdNotRegistered, message)
    }

    /// A log could not be changed.
    pub(super) fn log(topic: &str, partition: i32, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::InvalidInput => ResponseError::OffsetOutOfRange,
            io::ErrorKind::InvalidData => ResponseError::CorruptMessage,
            _ => ResponseError::KafkaStorageError,
        };
        Self::new(code, format!("{topic}-{partition}: {error}"))
    }

    /// A group would not.
    pub(super) fn group(group: &str, error: ResponseError) -> Self {
        Self::new(error, format!("group {group}: {error}"))
    }

    /// A transactional id would not.
    pub(super) fn transaction(id: &str, error: ResponseError) -> Self {
        Self::new(error, format!("transactional id {id}: {error}"))
    }
}

impl From<Refused> for AdminError {
    fn from(refused: Refused) -> Self {
        Self::new(refused.error, refused.message)
    }
}
