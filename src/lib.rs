//! kmirror copies topics from one Kafka cluster to another: every record, in order, at the same partition.
//!
//! ```text
//! source cluster                                                               target cluster
//!  topic ── consumer group ──► batches ──► bounded channel ──► idempotent producer ──► topic
//!                ▲             (lane)       (byte budget held until the ack)    │
//!                └──── commit ◄──── acknowledged prefix ◄──────────────────── acks
//! ```
//!
//! The modules below stand in the order in which a record meets them, after those that start it all; each
//! imports only from those below it. ARCHITECTURE.md tells the same at length.

// What starts, shows and stops the whole.
pub mod cli;
pub mod daemon;
pub mod http;

// One direction; beside the flow, where consumer groups go on, how its copies are to be and whether the way is alive; topics
// and their partitions.
pub mod mirror;

pub mod checkpoints;
pub mod control;
pub mod heartbeats;
pub mod pipeline;

// What flows between the two ends, and the end that writes.
pub mod mirrormaker;
pub mod offset_map;
pub mod prefix;
pub mod target;

// What all of them stand on.
pub mod board;
pub mod budget;
pub mod clusters;
pub mod config;
pub mod deadline;
pub mod librdkafka;
pub mod metrics;
pub mod mm2;
pub mod offset;
pub mod retry;
pub mod status;
pub mod wire;
