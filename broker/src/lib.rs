//! A Kafka-protocol broker small enough to live inside a test, true enough for the clients that people use.
//!
//! ```text
//!  client ──► net::listener ──► net::connection ──► net::frame ──► api::dispatch ──► api::<one file per API>
//!             (one per node)    (strictly serial)   (bytes)        (versions)              │
//!                                                                      │                   ▼
//!                     faults   what a request is made to suffer  ◄─────┤    state::State, behind one mutex held for microseconds
//!                     journal  what was asked                    ◄─────┘        ├── nodes   which brokers are up
//!                                                                               ├── config  what brokers and topics are set to
//!  test ───► cluster   the controls, past the wire  ────────────────────►       ├── topics  names, ids, partitions, leaders
//!              ▲                                                                ├── log     raw batches, sequences, leader epochs
//!  program ──► control   the same, by lines of JSON                             ├── groups  members, generations, offsets
//!                                                                               ├── transactions  ids, epochs, what is open
//!                                                                               ├── acls    who may use what, where there is an authorizer
//!                                                                               └── store   the data directory
//! ```
//!
//! [`Cluster`] is the way in. It has one to many nodes, which share all state: replicas exist in name only. Batches are
//! stored as they came; only their base offset and leader epoch are written into them, as Kafka does.

mod acls;
mod api;
mod builder;
mod clock;
mod cluster;
mod config;
mod control;
mod faults;
mod groups;
mod journal;
mod load;
mod log;
mod net;
mod nodes;
mod state;
mod store;
mod timer;
mod topics;
mod transactions;

pub use builder::{Builder, StartError};
pub use clock::ClockOffset;
pub use cluster::{AdminError, Cluster};
pub use faults::{Fault, Faults, Rule};
pub use journal::{Commit, Entry};
/// An error that a broker answers with.
pub use kafka_protocol::error::ResponseError as ErrorCode;
/// An API of the protocol.
pub use kafka_protocol::messages::ApiKey as Api;
