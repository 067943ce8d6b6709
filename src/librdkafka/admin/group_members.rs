//! Describes consumer groups: who is in them, which partitions each member was assigned, and what this client may do.

use std::ffi::CString;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaRespErr};

use super::cluster_description::AclOperation;
use super::{
    Event, Failure, Options, Session, TopicPartition, array, c_string, error_outcome, text,
};

/// A consumer group as its coordinator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// Whether members are joining or waiting for their assignment right now.
    pub rebalancing: bool,
    /// Everyone in the group; empty when it is unknown, dead or idle.
    pub members: Vec<GroupMember>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// `client.id` of the consumer.
    pub client_id: String,
    /// Address it connects from.
    pub host: String,
    /// Partitions it reads.
    pub assignment: Vec<TopicPartition>,
}

/// Describes each group, all requests under way at once; answers in the order of `groups`. A group
/// that nobody knows is one without members.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    groups: &[String],
    timeout: Duration,
) -> Result<Vec<Result<GroupDescription, Failure>>, Failure> {
    ask(client, groups, timeout, |options| options, read_members)
}

/// What a client may do with a group; absent where the broker does not tell (before KIP-430).
pub type Rights = Option<Vec<AclOperation>>;

/// What the client may do with each group, all requests under way at once; answers in the order of `groups`.
pub fn rights<C: ClientContext>(
    client: &Client<C>,
    groups: &[String],
    timeout: Duration,
) -> Result<Vec<Result<Rights, Failure>>, Failure> {
    let with = Options::with_authorized_operations;
    ask(client, groups, timeout, with, read_rights)
}

/// Reads one thing of a description that is alive.
type Read<T> = unsafe fn(*const sys::rd_kafka_ConsumerGroupDescription_t) -> T;

/// Between two questions about groups whose coordinator is not there yet.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks about each group; again, until the time is over, about those whose coordinator is being found or is loading, as in
/// the first seconds of a cluster's first group.
fn ask<C: ClientContext, T>(
    client: &Client<C>,
    groups: &[String],
    timeout: Duration,
    with: impl Fn(Options) -> Options,
    read_one: Read<T>,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let deadline = Instant::now() + timeout;
    let mut answers = ask_once(client, groups, timeout, &with, read_one)?;
    loop {
        let pending = |(index, answer): (usize, &Result<T, Failure>)| {
            let is_pending = answer.as_ref().is_err_and(is_pending);
            is_pending.then_some(index)
        };
        let pending: Vec<_> = answers.iter().enumerate().filter_map(pending).collect();
        let left = deadline.saturating_duration_since(Instant::now());
        if pending.is_empty() || left <= PAUSE {
            return Ok(answers);
        }
        std::thread::sleep(PAUSE);
        let groups: Vec<_> = pending.iter().map(|&index| groups[index].clone()).collect();
        let later = ask_once(client, &groups, left - PAUSE, &with, read_one)?;
        for (index, answer) in pending.into_iter().zip(later) {
            answers[index] = answer;
        }
    }
}

fn is_pending(failure: &Failure) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        failure.code,
        Code::CoordinatorLoadInProgress | Code::CoordinatorNotAvailable | Code::NotCoordinator
    )
}

fn ask_once<C: ClientContext, T>(
    client: &Client<C>,
    groups: &[String],
    timeout: Duration,
    with: impl Fn(Options) -> Options,
    read_one: Read<T>,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
    let session = Session::open(client, operation, timeout);
    let names = groups
        .iter()
        .map(|group| c_string(group))
        .collect::<Result<Vec<_>, _>>()?;
    // One request per group, as librdkafka would do itself: here each keeps its own failure, where a
    // shared request fails as a whole for one coordinator that does not answer.
    for (tag, name) in names.iter().enumerate() {
        send(&session, name, &with(session.options(tag)));
    }
    let answers = super::timed_out(names.len());
    Ok(session.collect(answers, |event| read(event, read_one)))
}

fn send(session: &Session<'_>, name: &CString, options: &Options) {
    let mut name = name.as_ptr();
    // SAFETY: name and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_DescribeConsumerGroups(
            session.client.as_ptr(),
            &raw mut name,
            1,
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
}

fn read<T>(event: &Event, read_one: Read<T>) -> Result<T, Failure> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event.as_ptr());
        let mut count = 0;
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        let group = *array(groups, count)
            .first()
            .ok_or_else(|| Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_MSG))?;
        error_outcome(sys::rd_kafka_ConsumerGroupDescription_error(group))?;
        Ok(read_one(group))
    }
}

/// # Safety
/// `group` points to a live group description.
unsafe fn read_members(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> GroupDescription {
    // SAFETY: alive, as the caller states, and so is everything that it lends out.
    unsafe {
        let members = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        GroupDescription {
            rebalancing: is_rebalancing(sys::rd_kafka_ConsumerGroupDescription_state(group)),
            members: (0..members)
                .map(|index| member(sys::rd_kafka_ConsumerGroupDescription_member(group, index)))
                .collect(),
        }
    }
}

/// # Safety
/// `group` points to a live group description.
unsafe fn read_rights(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> Rights {
    let mut count = 0;
    // SAFETY: alive, as the caller states, and so is what it lends out.
    unsafe {
        let rights =
            sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut count);
        (!rights.is_null()).then(|| array(rights, count).to_vec())
    }
}

fn is_rebalancing(state: sys::rd_kafka_consumer_group_state_t) -> bool {
    use sys::rd_kafka_consumer_group_state_t as State;
    matches!(
        state,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE
            | State::RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE
    )
}

/// # Safety
/// `member` points to a live member description.
unsafe fn member(member: *const sys::rd_kafka_MemberDescription_t) -> GroupMember {
    // SAFETY: alive, as the caller states, and so is everything that it lends out.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        GroupMember {
            client_id: text(sys::rd_kafka_MemberDescription_client_id(member)).unwrap_or_default(),
            host: text(sys::rd_kafka_MemberDescription_host(member)).unwrap_or_default(),
            assignment: if assignment.is_null() {
                Vec::new()
            } else {
                super::partition_entries(sys::rd_kafka_MemberAssignment_partitions(assignment))
                    .into_iter()
                    .map(|entry| entry.at)
                    .collect()
            },
        }
    }
}
