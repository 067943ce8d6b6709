//! Sends admin requests of librdkafka and collects their results by one deadline.

use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafka, RDKafkaAdminOp, RDKafkaRespErr};

use super::{Failure, outcome, owned_error_outcome, text};

/// Results collected after librdkafka's own time-out, so that its error is seen rather than ours.
const GRACE: Duration = Duration::from_secs(1);

/// Requests of one kind on one client, and the queue that their results arrive on.
pub(super) struct Session<'client> {
    pub(super) client: NonNull<RDKafka>,
    pub(super) queue: NonNull<sys::rd_kafka_queue_t>,
    operation: RDKafkaAdminOp,
    timeout: Duration,
    deadline: Instant,
    _client: PhantomData<&'client ()>,
}

impl<'client> Session<'client> {
    pub(super) fn open<C: ClientContext>(
        client: &'client Client<C>,
        operation: RDKafkaAdminOp,
        timeout: Duration,
    ) -> Self {
        let client =
            NonNull::new(client.native_ptr()).expect("a constructed client has a native handle");
        // SAFETY: the client is alive for `'client`.
        let queue = unsafe { sys::rd_kafka_queue_new(client.as_ptr()) };
        Self {
            client,
            queue: NonNull::new(queue).expect("librdkafka aborts rather than return no queue"),
            operation,
            timeout,
            deadline: Instant::now() + timeout + GRACE,
            _client: PhantomData,
        }
    }

    /// Options of one request; `tag` comes back with its result.
    pub(super) fn options(&self, tag: usize) -> Options {
        // SAFETY: the client is alive for as long as `self`.
        let options =
            unsafe { sys::rd_kafka_AdminOptions_new(self.client.as_ptr(), self.operation) };
        let options =
            Options(NonNull::new(options).expect("the operation is one that librdkafka knows"));
        let timeout = c_int::try_from(self.timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut error = [0 as c_char; 128];
        // SAFETY: the options are alive, and the buffer is as long as stated.
        unsafe {
            sys::rd_kafka_AdminOptions_set_opaque(options.as_ptr(), tag as *mut c_void);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                // librdkafka refuses more than an hour, and the default (60 s) would then apply.
                timeout.min(3_600_000),
                error.as_mut_ptr(),
                error.len(),
            );
        }
        options
    }

    /// Waits for the next result, whichever request it belongs to.
    fn next(&self) -> Result<Event, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = c_int::try_from(left.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive for as long as `self`; a returned event is ours to destroy.
        let event = unsafe { sys::rd_kafka_queue_poll(self.queue.as_ptr(), left) };
        NonNull::new(event)
            .map(Event)
            .ok_or_else(|| Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT))
    }

    /// Waits for the result of the only request, and fails as it failed.
    pub(super) fn only(&self) -> Result<Event, Failure> {
        let event = self.next()?;
        event.check()?;
        Ok(event)
    }

    /// Waits for one result per request, and puts each in the place that its tag names.
    pub(super) fn collect<T>(
        &self,
        mut results: Vec<Result<T, Failure>>,
        read: impl Fn(&Event) -> Result<T, Failure>,
    ) -> Vec<Result<T, Failure>> {
        for _ in 0..results.len() {
            let Ok(event) = self.next() else { break };
            if let Some(place) = results.get_mut(event.tag()) {
                *place = event.check().and_then(|()| read(&event));
            }
        }
        results
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is ours; librdkafka drops results that come for a destroyed queue.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Options of one request.
pub(super) struct Options(NonNull<sys::rd_kafka_AdminOptions_t>);

impl Options {
    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.0.as_ptr()
    }

    /// Asks for the operations that the client may perform, too (KIP-430).
    pub(super) fn with_authorized_operations(self) -> Self {
        // SAFETY: the options are alive; the returned error, null for the operations that know the
        // option, is ours.
        let taken = unsafe {
            owned_error_outcome(
                sys::rd_kafka_AdminOptions_set_include_authorized_operations(self.as_ptr(), 1),
            )
        };
        debug_assert!(taken.is_ok(), "the operation knows the option: {taken:?}");
        self
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: ours; requests copy what they need of it.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) };
    }
}

/// The result of one request. What it lends out lives as long as it does.
pub(super) struct Event(NonNull<sys::rd_kafka_event_t>);

impl Event {
    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.0.as_ptr()
    }

    fn tag(&self) -> usize {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_opaque(self.as_ptr()) as usize }
    }

    fn check(&self) -> Result<(), Failure> {
        // SAFETY: the event is alive, and so is its error string, null or NUL-terminated.
        let (code, message) = unsafe {
            (
                sys::rd_kafka_event_error(self.as_ptr()),
                text(sys::rd_kafka_event_error_string(self.as_ptr())),
            )
        };
        outcome(code, message)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, and nothing borrowed from it outlives it.
        unsafe { sys::rd_kafka_event_destroy(self.as_ptr()) };
    }
}

/// What stands in each result's place until it has come.
pub(super) fn timed_out<T>(count: usize) -> Vec<Result<T, Failure>> {
    (0..count)
        .map(|_| Err(Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT)))
        .collect()
}
