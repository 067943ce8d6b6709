//! Adds partitions to topics, many in one request, each with its own outcome in the broker's words.

use std::collections::HashMap;
use std::ffi::c_char;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaAdminOp;

use super::batch::{self, Outcome};
use super::{Event, Failure, Session, c_string, text, topic_outcomes};

/// A topic that is to have more partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Its name.
    pub topic: String,
    /// How many partitions it is to have in total. Brokers refuse what is not more than there are.
    pub partitions: u32,
}

/// Grows topics in one request. Outcomes are in the order of `growths`; a failure is that of the request as a whole.
pub fn grow<C: ClientContext>(
    client: &Client<C>,
    growths: &[Growth],
    timeout: Duration,
) -> Result<Vec<Outcome>, Failure> {
    batch::outcomes(
        growths,
        |growth| &growth.topic,
        Request::new,
        |requests| send(client, requests, timeout),
    )
}

fn send<C: ClientContext>(
    client: &Client<C>,
    requests: &[Request],
    timeout: Duration,
) -> Result<HashMap<String, Outcome>, Failure> {
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS;
    let session = Session::open(client, operation, timeout);
    let options = session.options(0);
    let mut pointers: Vec<_> = requests.iter().map(|one| one.0.as_ptr()).collect();
    // SAFETY: requests and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_CreatePartitions(
            session.client.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(read(&session.only()?))
}

struct Request(NonNull<sys::rd_kafka_NewPartitions_t>);

impl Request {
    fn new(growth: &Growth) -> Result<Self, Failure> {
        let name = c_string(&growth.topic)?;
        let total = usize::try_from(growth.partitions).unwrap_or(usize::MAX);
        let mut error = [0 as c_char; 512];
        // SAFETY: the name is NUL-terminated, and the buffer is as long as stated. librdkafka leaves a NUL-terminated
        // text in the buffer, which began as zeros.
        unsafe {
            let request = sys::rd_kafka_NewPartitions_new(
                name.as_ptr(),
                total,
                error.as_mut_ptr(),
                error.len(),
            );
            NonNull::new(request)
                .map(Self)
                .ok_or_else(|| Failure::invalid(text(error.as_ptr()).unwrap_or_default()))
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: ours; librdkafka copied it when it was sent.
        unsafe { sys::rd_kafka_NewPartitions_destroy(self.0.as_ptr()) };
    }
}

fn read(event: &Event) -> HashMap<String, Outcome> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_CreatePartitions_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_CreatePartitions_result_topics(result, &raw mut count);
        topic_outcomes(topics, count)
    }
}
