//! Fills the source topic, once, with JSON records of 470 bytes.

use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;

/// Name of the source topic.
pub const TOPIC: &str = "bench-orders";
/// Bytes of each value.
pub const RECORD_BYTES: usize = 470;

/// Topics that are asked for at once.
const TOGETHER: usize = 100;

/// Creates topics; that one exists already is no error.
pub fn create_topics(bootstrap: &str, names: &[String], partitions: i32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for names in names.chunks(TOGETHER) {
        let topics = names.iter();
        let topics: Vec<_> = topics
            .map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)))
            .collect();
        for created in runtime.block_on(admin.create_topics(&topics, &AdminOptions::new()))? {
            match created {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => anyhow::bail!("topic {name} was not created: {code}"),
            }
        }
    }
    Ok(())
}

/// Writes `records` records to a topic, spread evenly over its first partitions; creates it if need be.
pub fn write(bootstrap: &str, topic: &str, records: usize, partitions: i32) -> Result<()> {
    create_topics(bootstrap, &[topic.to_owned()], partitions)?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("compression.type", "lz4")
        .set("linger.ms", "20")
        .set("enable.idempotence", "true")
        .create()?;
    for index in 0..records {
        let (key, value) = (format!("customer-{}", index % 50_000), value(index));
        let partition = (index % partitions as usize) as i32;
        let mut record = BaseRecord::to(topic)
            .partition(partition)
            .key(&key)
            .payload(&value);
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(10));
            record = refused;
        }
        if index % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

/// A JSON record that compresses about as real ones do: fixed names, varied contents.
fn value(index: usize) -> String {
    let mut state = index as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut value = format!(
        r#"{{"order":{index},"customer":"{:016x}","amount":{},"currency":"EUR","lines":["#,
        next(),
        next() % 100_000
    );
    while value.len() + 60 < RECORD_BYTES {
        value.push_str(&format!(
            r#"{{"sku":"{:012x}","count":{}}},"#,
            next() >> 16,
            next() % 9
        ));
    }
    value.push_str(r#"{}],"note":""#);
    while value.len() + 2 < RECORD_BYTES {
        value.push(' ');
    }
    value.push_str(r#""}"#);
    value
}
