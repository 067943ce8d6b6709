//! Lists the consumer groups of a cluster.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::{Event, Failure, Session, array, error_outcome, text};

/// The groups that the brokers named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names of groups that consume, with members or without, in no order.
    pub groups: Vec<String>,
    /// Why brokers did not tell theirs, one for each.
    pub failures: Vec<Failure>,
}

/// Asks every broker for the groups that it coordinates. Groups whose members do not consume (those of Kafka Connect's
/// workers) are left out; those of consumers that only commit are not.
///
/// # Errors
///
/// When no broker answers by `timeout`. A broker that does not is among the failures of the listing.
pub fn list<C: ClientContext>(client: &Client<C>, timeout: Duration) -> Result<Listing, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;
    let session = Session::open(client, operation, timeout);
    let options = session.options(0);
    // SAFETY: client, options and queue are alive during the call, which copies the options.
    unsafe {
        sys::rd_kafka_ListConsumerGroups(
            session.client.as_ptr(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    let listing = read(&session.only()?);
    match listing.failures.first() {
        Some(failure) if listing.groups.is_empty() => Err(failure.clone()),
        _ => Ok(listing),
    }
}

fn read(event: &Event) -> Listing {
    // SAFETY: the result and all below it live as long as the event; names are NUL-terminated.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroups_result(event.as_ptr());
        let mut count = 0;
        let valid = sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
        let names = array(valid, count).iter();
        let names = names.map(|&group| text(sys::rd_kafka_ConsumerGroupListing_group_id(group)));
        let groups = names.flatten().collect();
        let mut count = 0;
        let errors = sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut count);
        let failures = array(errors, count).iter();
        let failures = failures.filter_map(|&error| error_outcome(error).err());
        Listing {
            groups,
            failures: failures.collect(),
        }
    }
}
