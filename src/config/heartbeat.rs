//! Tells heartbeat topics by their name, in MirrorMaker 2's way.

/// The topic of heartbeats on every cluster that they are written to.
pub const HEARTBEATS_TOPIC: &str = "heartbeats";

/// Whether `name` is `heartbeats`, here or behind the names of the clusters that it came through
/// (`ReplicationPolicy.isHeartbeatsTopic`).
pub fn is_heartbeat_topic(name: &str) -> bool {
    name.rsplit('.').next() == Some(HEARTBEATS_TOPIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_topic_is_known_behind_any_number_of_hops() {
        for (name, is_one) in [
            ("heartbeats", true),
            ("paris.heartbeats", true),
            ("dublin.paris.heartbeats", true),
            ("my-heartbeats", false),
            ("heartbeats.old", false),
        ] {
            assert_eq!(is_heartbeat_topic(name), is_one, "{name}");
        }
    }
}
