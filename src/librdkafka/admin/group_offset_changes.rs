//! Sets the committed offsets of groups that have no members.

use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaRespErr};

use super::batch::Outcome;
use super::{Event, Failure, Session, TopicPartition, array, c_string, error_outcome};

/// Where one group is to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChange {
    /// Name of the group; one that is not known is created.
    pub group: String,
    /// At least one, each of another partition.
    pub offsets: Vec<NewOffset>,
}

/// Where a group is to read on in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOffset {
    /// The partition.
    pub at: TopicPartition,
    /// The next offset to read.
    pub offset: i64,
    /// What is committed beside it.
    pub metadata: String,
}

/// Sets the offsets of each group: one request per group, all under way at once, as librdkafka takes one group per
/// request. Answers in the order of `changes`, for each partition whether its offset was set. A broker refuses those of a
/// group that has members, with `UNKNOWN_MEMBER_ID`.
pub fn alter<C: ClientContext>(
    client: &Client<C>,
    changes: &[GroupChange],
    timeout: Duration,
) -> Vec<Result<Vec<(TopicPartition, Outcome)>, Failure>> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
    let session = Session::open(client, operation, timeout);
    let mut sent = 0;
    let mut refused = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        match send(&session, change, sent) {
            Ok(()) => sent += 1,
            Err(failure) => refused.push((place, failure)),
        }
    }
    let mut results = session.collect(super::timed_out(sent), read);
    for (place, failure) in refused {
        results.insert(place, Err(failure));
    }
    results
}

fn send(session: &Session<'_>, change: &GroupChange, tag: usize) -> Result<(), Failure> {
    let group = c_string(&change.group)?;
    let mut list = TopicPartitionList::with_capacity(change.offsets.len());
    for NewOffset {
        at,
        offset,
        metadata,
    } in &change.offsets
    {
        let mut entry = list.add_partition(&at.topic, at.partition);
        let set = entry.set_offset(Offset::Offset(*offset));
        set.map_err(|error| Failure::invalid(format!("{at}: {error}")))?;
        if !metadata.is_empty() {
            entry.set_metadata(metadata);
        }
    }
    let options = session.options(tag);
    // SAFETY: group name, list and options are alive during the calls; the request copies the list, and is copied by
    // librdkafka before the call returns, so it is destroyed here.
    unsafe {
        let mut request = sys::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list.ptr());
        sys::rd_kafka_AlterConsumerGroupOffsets(
            session.client.as_ptr(),
            &raw mut request,
            1,
            options.as_ptr(),
            session.queue.as_ptr(),
        );
        sys::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    }
    Ok(())
}

fn read(event: &Event) -> Result<Vec<(TopicPartition, Outcome)>, Failure> {
    // SAFETY: the result and all below it live as long as the event.
    let entries = unsafe {
        let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.as_ptr());
        let mut count = 0;
        let groups = sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count);
        let group = *array(groups, count)
            .first()
            .ok_or_else(|| Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_MSG))?;
        error_outcome(sys::rd_kafka_group_result_error(group))?;
        super::partition_entries(sys::rd_kafka_group_result_partitions(group))
    };
    let outcomes = entries.into_iter().map(|entry| (entry.at, entry.outcome));
    Ok(outcomes.collect())
}
