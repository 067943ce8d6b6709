//! Reads the configs of topics and brokers, and where each value comes from.

use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::{RDKafkaAdminOp, RDKafkaConfigSource, RDKafkaResourceType};

use super::{Event, Failure, Session, array, c_string, outcome, text};

/// What has configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A topic by name.
    Topic(String),
    /// A broker by its node id.
    Broker(i32),
}

/// One config of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// Key, for example `retention.ms`.
    pub name: String,
    /// Absent when the broker keeps it secret.
    pub value: Option<String>,
    /// Whether it is set on the topic itself, not inherited from the broker.
    pub set_on_topic: bool,
}

/// Which configs of a resource are wanted. The broker sends all; what is not wanted is never copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every one, wherever its value comes from.
    InEffect,
    /// Those that are set on the topic itself.
    SetOnTopic,
}

/// The configs of one resource, or why they cannot be read.
#[derive(Debug, Clone)]
pub struct Configs {
    /// Name of the topic or id of the broker.
    pub name: String,
    /// In the broker's order.
    pub values: Result<Vec<ConfigValue>, Failure>,
}

/// Reads the configs of each resource in one request, which may name one broker at most.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    resources: &[Resource],
    which: Which,
    timeout: Duration,
) -> Result<Vec<Configs>, Failure> {
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    let operation = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;
    let session = Session::open(client, operation, timeout);
    let requests = resources
        .iter()
        .map(Request::new)
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = requests.iter().map(|request| request.0.as_ptr()).collect();
    let options = session.options(0);
    // SAFETY: requests and options are alive during the call, which copies them.
    unsafe {
        sys::rd_kafka_DescribeConfigs(
            session.client.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.as_ptr(),
            session.queue.as_ptr(),
        );
    }
    Ok(read(&session.only()?, which))
}

struct Request(NonNull<sys::rd_kafka_ConfigResource_t>);

impl Request {
    fn new(resource: &Resource) -> Result<Self, Failure> {
        let (kind, name) = match resource {
            Resource::Topic(topic) => (
                RDKafkaResourceType::RD_KAFKA_RESOURCE_TOPIC,
                c_string(topic)?,
            ),
            Resource::Broker(id) => (
                RDKafkaResourceType::RD_KAFKA_RESOURCE_BROKER,
                c_string(&id.to_string())?,
            ),
        };
        // SAFETY: the name is NUL-terminated and copied.
        let request = unsafe { sys::rd_kafka_ConfigResource_new(kind, name.as_ptr()) };
        NonNull::new(request)
            .map(Self)
            .ok_or_else(|| Failure::invalid(format!("{resource:?} has no configs")))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: ours; librdkafka copied it when it was sent.
        unsafe { sys::rd_kafka_ConfigResource_destroy(self.0.as_ptr()) };
    }
}

fn read(event: &Event, which: Which) -> Vec<Configs> {
    // SAFETY: the result and all below it live as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConfigs_result(event.as_ptr());
        let mut count = 0;
        let resources = sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
        array(resources, count)
            .iter()
            .map(|&resource| configs(resource, which))
            .collect()
    }
}

/// # Safety
/// `resource` points to a live resource.
unsafe fn configs(resource: *const sys::rd_kafka_ConfigResource_t, which: Which) -> Configs {
    // SAFETY: alive, as the caller states, and so is everything that it lends out.
    unsafe {
        let outcome = outcome(
            sys::rd_kafka_ConfigResource_error(resource),
            text(sys::rd_kafka_ConfigResource_error_string(resource)),
        );
        let mut count = 0;
        let entries = sys::rd_kafka_ConfigResource_configs(resource, &raw mut count);
        Configs {
            name: text(sys::rd_kafka_ConfigResource_name(resource)).unwrap_or_default(),
            values: outcome.map(|()| {
                let entries = array(entries, count).iter();
                let wanted =
                    entries.filter(|&&entry| which == Which::InEffect || is_set_on_topic(entry));
                wanted.map(|&entry| value(entry)).collect()
            }),
        }
    }
}

/// # Safety
/// `entry` points to a live config entry.
unsafe fn value(entry: *const sys::rd_kafka_ConfigEntry_t) -> ConfigValue {
    // SAFETY: alive, as the caller states.
    unsafe {
        ConfigValue {
            name: text(sys::rd_kafka_ConfigEntry_name(entry)).unwrap_or_default(),
            value: text(sys::rd_kafka_ConfigEntry_value(entry)),
            set_on_topic: is_set_on_topic(entry),
        }
    }
}

/// # Safety
/// `entry` points to a live config entry.
unsafe fn is_set_on_topic(entry: *const sys::rd_kafka_ConfigEntry_t) -> bool {
    // SAFETY: alive, as the caller states.
    let source = unsafe { sys::rd_kafka_ConfigEntry_source(entry) };
    source == RDKafkaConfigSource::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG
}
