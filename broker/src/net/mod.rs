//! Carries bytes: listeners, connections and the framing of requests and responses.

pub(crate) mod bind;
pub(crate) mod connection;
pub(crate) mod delivery;
pub(crate) mod frame;
pub(crate) mod listener;
pub(crate) mod servers;
