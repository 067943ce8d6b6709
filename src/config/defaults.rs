//! The value of every key that may be left out.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU8;
use std::time::Duration;

use super::choices::{
    Compression, ConsumerGroups, Heartbeats, Isolation, LogFormat, OnDivergence, OnGap, OnRejected,
    Provenance,
};
use super::start::Start;

pub(super) const HTTP_LISTEN: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9646));
pub(super) const MEMORY: u64 = 256 * 1024 * 1024;
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
pub(super) const LOG_FORMAT: LogFormat = LogFormat::Text;
pub(super) const LOG_LEVEL: tracing::Level = tracing::Level::INFO;

pub(super) const VERIFY_HOSTNAME: bool = true;

pub(crate) const TOPICS: &[&str] = &[".*"];
pub(crate) const EXCLUDE_TOPICS: &[&str] = &[
    "__.*",
    r"mm2.*\.internal",
    r".*\.checkpoints\.internal",
    r".*\.replica",
];
pub(super) const TARGET_TOPIC: &str = "{source}.{topic}";
pub(super) const START: Start = Start::Earliest;
pub(super) const CONSUMER_GROUPS: ConsumerGroups = ConsumerGroups::PerTopic;
pub(super) const CONSUMERS: NonZeroU8 = NonZeroU8::new(2).unwrap();
pub(super) const METRICS_PER_PARTITION: bool = true;
pub(super) const ISOLATION: Isolation = Isolation::ReadCommitted;
pub(super) const PROVENANCE: Provenance = Provenance::Off;
pub(super) const CREATE_TOPICS: bool = true;
pub(super) const SYNC_PARTITIONS: bool = true;
pub(super) const SYNC_TOPIC_CONFIGS: bool = true;
pub(super) const SYNC_ACLS: bool = false;

/// MirrorMaker 2's own list (`DefaultConfigPropertyFilter`): what belongs to the one cluster and not to the data.
pub(crate) const EXCLUDE_CONFIGS: &[&str] = &[
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "unclean.leader.election.enable",
    "min.insync.replicas",
];

pub(crate) const GROUPS: &[&str] = &[".*"];
pub(crate) const EXCLUDE_GROUPS: &[&str] =
    &["console-consumer-.*", "connect-.*", r"kmirror\..*", "__.*"];
pub(super) const SYNC_GROUP_OFFSETS: bool = true;
pub(crate) const DISCOVERY_INTERVAL: Duration = Duration::from_secs(2);
pub(super) const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const MM2_OFFSET_SYNCS: bool = false;
pub(super) const HEARTBEATS: Heartbeats = Heartbeats::Target;
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
pub(super) const COMPRESSION: Compression = Compression::Lz4;
pub(super) const ON_GAP: OnGap = OnGap::Continue;
pub(super) const ON_DIVERGENCE: OnDivergence = OnDivergence::Pause;
pub(super) const ON_REJECTED: OnRejected = OnRejected::Pause;
