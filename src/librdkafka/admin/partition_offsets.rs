//! Asks partition leaders for log starts, log ends and offsets by time.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaRespErr};

use super::{Event, Failure, PartitionOffset, Session, TopicPartition, array};

/// Which offset of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first one that the log still holds.
    LogStart,
    /// The one after the last record that a `read_committed` reader sees: the last stable offset.
    LogEnd,
    /// The one after the last record, be its transaction decided or not.
    HighWatermark,
    /// The first record with a timestamp at or after this time.
    AtOrAfter(SystemTime),
}

impl OffsetSpec {
    fn isolation(self) -> sys::rd_kafka_IsolationLevel_t {
        match self {
            Self::HighWatermark => {
                sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
            }
            _ => sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        }
    }

    /// As the ListOffsets request has it: special negative values, or milliseconds since the epoch.
    fn timestamp(self) -> i64 {
        match self {
            Self::LogStart => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
            Self::LogEnd | Self::HighWatermark => {
                sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64
            }
            Self::AtOrAfter(time) => time.duration_since(UNIX_EPOCH).map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }),
        }
    }
}

/// Asks for one offset of each partition: one request per leader, each partition with its own error.
pub fn partition_offsets<C: ClientContext>(
    client: &Client<C>,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    timeout: Duration,
) -> Result<Vec<PartitionOffset>, Failure> {
    let mut answers = Vec::with_capacity(partitions.len());
    // librdkafka compares every partition of a request with every other one.
    for chunk in partitions.chunks(500) {
        let query = query(chunk, spec)?;
        let mut answer = ask(client, &query, spec, timeout);
        if learn_anew(client, chunk, &answer, timeout) {
            answer = ask(client, &query, spec, timeout);
        }
        match answer {
            // Said of the whole request where no partition of it has a leader; those of other requests may have.
            Err(failure) if failure.code == RDKafkaErrorCode::NoEnt => {
                let leaderless = RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
                answers.extend(refused(chunk, &Failure::of(leaderless)));
            }
            Err(failure) if is_unknown(&failure) => answers.extend(refused(chunk, &failure)),
            answer => answers.extend(answer?),
        }
    }
    Ok(answers)
}

fn refused(asked: &[TopicPartition], failure: &Failure) -> Vec<PartitionOffset> {
    let refused = asked.iter().map(|at| PartitionOffset {
        at: at.clone(),
        offset: Err(failure.clone()),
    });
    refused.collect()
}

fn ask<C: ClientContext>(
    client: &Client<C>,
    query: &TopicPartitionList,
    spec: OffsetSpec,
    timeout: Duration,
) -> Result<Vec<PartitionOffset>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
    let session = Session::open(client, operation, timeout);
    send(&session, query, spec.isolation());
    Ok(read(&session.only()?))
}

/// librdkafka looks leaders up in what it remembers of a topic, for up to `metadata.max.age.ms`: it takes a partition that was
/// added since for one that does not exist, and asks a leader of before, or in the epoch of before. Has it look at such topics
/// anew; answers whether there were any.
fn learn_anew<C: ClientContext>(
    client: &Client<C>,
    asked: &[TopicPartition],
    answer: &Result<Vec<PartitionOffset>, Failure>,
    timeout: Duration,
) -> bool {
    let is_outdated = |failure: &Failure| is_unknown(failure) || is_led_anew(failure);
    let outdated: BTreeSet<&str> = match answer {
        Ok(answers) => {
            let outdated = answers.iter();
            let outdated = outdated.filter(|one| one.offset.as_ref().is_err_and(is_outdated));
            outdated.map(|one| &*one.at.topic).collect()
        }
        Err(failure) if is_outdated(failure) => asked.iter().map(|at| &*at.topic).collect(),
        Err(_) => BTreeSet::new(),
    };
    let learnt = outdated
        .iter()
        .filter(|topic| client.fetch_metadata(Some(topic), timeout).is_ok());
    learnt.count() > 0
}

/// Whether a partition is not known, or none of those asked about (`NoEnt`: "No leaders found").
fn is_unknown(failure: &Failure) -> bool {
    matches!(
        failure.code,
        RDKafkaErrorCode::NoEnt
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicOrPartition
    )
}

/// Whether another leader is there, or the same one in another epoch.
fn is_led_anew(failure: &Failure) -> bool {
    matches!(
        failure.code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::FencedLeaderEpoch
            | RDKafkaErrorCode::UnknownLeaderEpoch
    )
}

fn query(partitions: &[TopicPartition], spec: OffsetSpec) -> Result<TopicPartitionList, Failure> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for at in partitions {
        list.add_partition(&at.topic, at.partition)
            .set_offset(Offset::from_raw(spec.timestamp()))
            .map_err(|error| Failure::invalid(format!("{at}: {error}")))?;
    }
    Ok(list)
}

fn send(
    session: &Session<'_>,
    query: &TopicPartitionList,
    isolation: sys::rd_kafka_IsolationLevel_t,
) {
    let options = session.options(0);
    // SAFETY: list and options are alive during the calls, which copy them; the returned error, null
    // for an operation that knows the option, is ours.
    unsafe {
        let taken = super::owned_error_outcome(sys::rd_kafka_AdminOptions_set_isolation_level(
            options.as_ptr(),
            isolation,
        ));
        debug_assert!(taken.is_ok(), "ListOffsets knows the option: {taken:?}");
        sys::rd_kafka_ListOffsets(
            session.client.as_ptr(),
            query.ptr(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
}

fn read(event: &Event) -> Vec<PartitionOffset> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(event.as_ptr());
        let mut count = 0;
        let answers = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        array(answers, count)
            .iter()
            .map(|&answer| {
                let entry = sys::rd_kafka_ListOffsetsResultInfo_topic_partition(answer);
                let entry = super::partition_entry(entry);
                PartitionOffset {
                    offset: entry.outcome.and_then(|()| meaning(entry.offset)),
                    at: entry.at,
                }
            })
            .collect()
    }
}

/// When a leader does not answer at all, librdkafka leaves its partitions at `OFFSET_INVALID` without an
/// error, and the broker itself says -1 for "no such record".
fn meaning(offset: i64) -> Result<Option<i64>, Failure> {
    match offset {
        0.. => Ok(Some(offset)),
        -1 => Ok(None),
        _ => Err(Failure {
            code: RDKafkaErrorCode::OperationTimedOut,
            message: "the partition's leader did not answer".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_leader_is_an_error_and_no_record_is_none() {
        assert_eq!(meaning(7), Ok(Some(7)));
        assert_eq!(meaning(-1), Ok(None));
        assert!(meaning(-1001).is_err());
    }

    #[test]
    fn times_are_milliseconds_and_never_collide_with_the_special_values() {
        let before_the_epoch = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(OffsetSpec::AtOrAfter(before_the_epoch).timestamp(), 0);
        let later = UNIX_EPOCH + Duration::from_millis(1_234);
        assert_eq!(OffsetSpec::AtOrAfter(later).timestamp(), 1_234);
        assert_eq!(OffsetSpec::LogStart.timestamp(), -2);
        assert_eq!(OffsetSpec::LogEnd.timestamp(), -1);
    }
}
