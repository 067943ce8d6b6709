//! The plain loop: poll a record, send it on. No budget, no order of commits, no figures: the least that copies.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, message::OwnedHeaders};

use crate::load::TOPIC;

/// Where from, where to, until it is killed.
#[derive(Args)]
pub struct Plain {
    #[arg(long)]
    source: String,
    #[arg(long)]
    target: String,
    #[arg(long)]
    group: String,
    #[arg(long)]
    topic: String,
}

impl Plain {
    /// Copies for ever.
    pub fn copy(&self) -> Result<()> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.source)
            .set("group.id", &self.group)
            .set("auto.offset.reset", "earliest")
            // The default of a second halves the rate.
            .set("fetch.queue.backoff.ms", "5")
            .create()?;
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.target)
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .create()?;
        consumer.subscribe(&[TOPIC])?;
        let mut sent = 0u32;
        loop {
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                self.send(&producer, &message?)?;
                sent = sent.wrapping_add(1);
            }
            if sent.is_multiple_of(100) {
                producer.poll(Duration::ZERO);
            }
        }
    }

    fn send(
        &self,
        producer: &BaseProducer,
        message: &impl Message<Headers = rdkafka::message::BorrowedHeaders>,
    ) -> Result<()> {
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).partition(message.partition());
        record.key = message.key();
        record.payload = message.payload();
        record.timestamp = message.timestamp().to_millis();
        record.headers = message
            .headers()
            .map(|headers| -> OwnedHeaders { headers.detach() });
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(10));
            record = refused;
        }
        Ok(())
    }
}
