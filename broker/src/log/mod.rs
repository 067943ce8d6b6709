//! Keeps one partition's records: whole batches as they came, in offset order.

mod batch;
mod compaction;
mod compression;
mod cut;
mod epochs;
mod incoming;
mod marker;
mod partition_log;
mod producers;
mod records;
mod retention;
mod rewrite;
mod search;
mod transactions;

#[cfg(test)]
mod compression_tests;
#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod epochs_tests;
#[cfg(test)]
mod incoming_tests;
#[cfg(test)]
mod partition_log_tests;
#[cfg(test)]
mod producers_tests;
#[cfg(test)]
mod reader_tests;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod transactions_tests;

pub(crate) use batch::{Front, front};
pub(crate) use cut::Epoch;
pub(crate) use epochs::{EpochEnd, LeaderEpochs};
pub(crate) use incoming::{Incoming, Rejected};
pub(crate) use marker::{Ending, Marker};
pub(crate) use partition_log::{AppendRules, Appended, Isolation, PartitionLog, Slice};
pub(crate) use producers::Producers;
pub(crate) use search::Located;
pub(crate) use transactions::Transactions;
