//! Wraps the librdkafka calls that the safe binding lacks, and holds all unsafe code of the daemon.
//!
//! Each file is one narrow capability with a safe surface:
//!
//! - [`queue`]: take many records of one partition at once, and be woken when there are some;
//! - [`message`]: a record as librdkafka holds it, its bytes borrowed and its headers moved, never copied;
//! - [`produce`]: hand such a record to a producer by topic handle, so that no name is looked up per record;
//! - [`commit`]: commit positions and hear what became of it;
//! - [`epochs`]: leader epochs in lists of partitions;
//! - [`watermarks`]: the log end that the last fetch answer told;
//! - [`admin`]: what the cluster knows of offsets, groups, configs and rights, and topic creation.

#![allow(unsafe_code)]

pub mod admin;
pub mod commit;
pub mod epochs;
pub mod message;
pub mod produce;
pub mod queue;
pub mod watermarks;

use std::any::Any;
use std::sync::Arc;

/// Keeps the client alive for as long as something that librdkafka lent out is in use.
pub type Owner = Arc<dyn Any + Send + Sync>;
