//! Reads the committed offsets of groups that this process is no member of.

use std::ptr;
use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::{ClientContext, TopicPartitionList};
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::{Event, Failure, Session, TopicPartition, array, c_string, error_outcome};

/// What a group has committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOffset {
    /// The partition.
    pub at: TopicPartition,
    /// The next offset to read; `None` when nothing is committed; or why this partition has no answer.
    pub offset: Result<Option<i64>, Failure>,
    /// What was committed beside it.
    pub metadata: String,
}

/// One group and the partitions to ask about.
#[derive(Debug, Clone)]
pub struct GroupQuery {
    /// Name of the group.
    pub group: String,
    /// All that it has committed when empty.
    pub partitions: Vec<TopicPartition>,
}

/// Asks for the committed offsets of each group: one request per group, all under way at once, as
/// librdkafka takes one group per request. Offsets of transactions that are still open are left out
/// rather than waited for (KIP-447's `require_stable` is off): a look must never block on somebody
/// else's transaction. Answers in the order of `queries`; a group that nobody knows has no offsets.
pub fn committed<C: ClientContext>(
    client: &Client<C>,
    queries: &[GroupQuery],
    timeout: Duration,
) -> Vec<Result<Vec<GroupOffset>, Failure>> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
    let session = Session::open(client, operation, timeout);
    let mut sent = Vec::with_capacity(queries.len());
    let mut refused = Vec::new();
    for query in queries {
        match send(&session, query, sent.len()) {
            Ok(()) => sent.push(()),
            Err(failure) => refused.push((sent.len() + refused.len(), failure)),
        }
    }
    let mut results = session.collect(super::timed_out(sent.len()), read);
    for (place, failure) in refused {
        results.insert(place, Err(failure));
    }
    results
}

fn send(session: &Session<'_>, query: &GroupQuery, tag: usize) -> Result<(), Failure> {
    let group = c_string(&query.group)?;
    let partitions = (!query.partitions.is_empty()).then(|| {
        let mut list = TopicPartitionList::with_capacity(query.partitions.len());
        for at in &query.partitions {
            list.add_partition(&at.topic, at.partition);
        }
        list
    });
    let list = partitions
        .as_ref()
        .map_or(ptr::null_mut(), |list| list.ptr());
    let options = session.options(tag);
    // SAFETY: group name, list and options are alive during the calls; the request is copied by
    // librdkafka before it returns, so it is destroyed here.
    unsafe {
        let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list);
        sys::rd_kafka_ListConsumerGroupOffsets(
            session.client.as_ptr(),
            &raw mut request,
            1,
            options.as_ptr(),
            session.queue.as_ptr(),
        );
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
    }
    Ok(())
}

fn read(event: &Event) -> Result<Vec<GroupOffset>, Failure> {
    // SAFETY: the result and all below it live as long as the event.
    let entries = unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.as_ptr());
        let mut count = 0;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        let Some(&group) = array(groups, count).first() else {
            return Ok(Vec::new());
        };
        error_outcome(sys::rd_kafka_group_result_error(group))?;
        super::partition_entries(sys::rd_kafka_group_result_partitions(group))
    };
    Ok(entries
        .into_iter()
        .map(|entry| GroupOffset {
            at: entry.at,
            metadata: entry.metadata,
            // librdkafka says OFFSET_INVALID (-1001) where nothing is committed.
            offset: entry
                .outcome
                .map(|()| (entry.offset >= 0).then_some(entry.offset)),
        })
        .collect())
}
