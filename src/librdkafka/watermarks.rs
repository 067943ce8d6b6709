//! Reads the log end that the last fetch answer told, without asking the cluster.

use std::ffi::CString;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka_sys::bindings as sys;
use rdkafka_sys::types::RDKafkaErrorCode;

use super::admin::TopicPartition;

/// High watermark of a partition as cached by the client. `None` before the first answer.
pub fn log_end<X: ConsumerContext>(
    consumer: &impl Consumer<X>,
    at: &TopicPartition,
) -> Option<i64> {
    let topic = CString::new(&*at.topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is alive (borrowed), the name NUL-terminated, both results are ours to write to.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            consumer.client().native_ptr(),
            topic.as_ptr(),
            at.partition,
            &raw mut low,
            &raw mut high,
        )
    };
    let known = RDKafkaErrorCode::from(code) == RDKafkaErrorCode::NoError && high >= 0;
    known.then_some(high)
}
