//! Keeps the topics: names, ids, configurations and partitions.

mod leadership;
mod name;
mod partition;
mod placement;
mod registry;
mod retention;
mod topic;

pub(crate) use leadership::Leader;
pub(crate) use name::check_name;
pub(crate) use partition::Partition;
pub(crate) use placement::{
    Layout, NewTopic, Refused, Surroundings, check_assigned, check_count, place_more,
};
pub(crate) use registry::Topics;
pub(crate) use topic::{Plan, Topic};
