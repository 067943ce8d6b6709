//! Every key of the file, once: its value, its default, and what it means. The parser reads by these tables, and the
//! tables of docs/configuration.md are made of them.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::{NonZeroU8, NonZeroU16};
use std::time::Duration;

use regex::Regex;

use super::choices::{
    Compression, ConsumerGroups, Heartbeats, ImportFrom, Isolation, LogFormat, OnDivergence, OnGap,
    OnRejected, Provenance, SaslMechanism,
};
use super::key::{
    Absent, Addresses, ClusterName, Key, KeyEntry, PemPath, Required, Section, Sections, mapping,
};
use super::read_daemon::Memory;
use super::read_mirror::{ConfigName, Consumers, MirrorName, TopicName};
use super::scalar::NonEmpty;
use super::secret::Secret;
use super::start::Start;
use super::topic_name::TopicTemplate;

/// A list of texts, and what it is without the key.
pub(super) type Texts = &'static [&'static str];

/// The keys of one mapping, for the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Where it stands in the file; empty for the top level.
    pub path: &'static str,
    /// In the order in which they are told.
    pub keys: Vec<KeyEntry>,
}

/// Every mapping whose keys are kmirror's own.
pub fn reference() -> Vec<Mapping> {
    let mapping = |path, keys| Mapping { path, keys };
    vec![
        mapping("", TOP.entries()),
        mapping("http", HTTP.entries()),
        mapping("metrics", METRICS.entries()),
        mapping("log", LOG.entries()),
        mapping("clusters.<name>", CLUSTER.entries()),
        mapping("clusters.<name>.tls", TLS.entries()),
        mapping("clusters.<name>.sasl", SASL.entries()),
        mapping("mirrors[]", MIRROR.entries()),
    ]
}

mapping! {
    /// The file itself.
    TOP: TopKeys {
        /// The clusters, by name.
        clusters: Key<Section, Required> = Required,
        /// One entry for each direction between two clusters.
        mirrors: Key<Sections, Required> = Required,
        /// The HTTP listener.
        http: Key<Section, Absent> = Absent("see below"),
        /// How much `/metrics` shows.
        metrics: Key<Section, Absent> = Absent("see below"),
        /// Bytes that records read and not yet acknowledged may take in the whole process.
        memory: Key<Memory> = Memory(256 << 20),
        /// Longest time between SIGTERM and the end of the process. The default is below the 30 s after which Kubernetes
        /// kills.
        drain_timeout: Key<Duration> = Duration::from_secs(20),
        /// The log on stderr.
        log: Key<Section, Absent> = Absent("see below"),
    }
}

mapping! {
    /// The HTTP listener.
    HTTP: HttpKeys {
        /// Where `/metrics`, `/livez`, `/readyz` and `/status` are served. Loopback, so that nothing is open to the network
        /// unless asked for. Port 0 takes a free one.
        listen: Key<SocketAddr> = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9646)),
    }
}

mapping! {
    /// How much `/metrics` shows.
    METRICS: MetricsKeys {
        /// Whether `/metrics` shows each partition. `false`: a topic's partitions are one series, without the label
        /// `partition`, for processes with tens of thousands of them; see [metrics.md](metrics.md#without-partitions).
        per_partition: Key<bool> = true,
    }
}

mapping! {
    /// The log on stderr.
    LOG: LogKeys {
        /// `text` for people, `json` for collectors.
        format: Key<LogFormat> = LogFormat::Text,
        /// The least severe that is written.
        level: Key<tracing::Level> = tracing::Level::INFO,
    }
}

mapping! {
    /// How to reach one cluster.
    CLUSTER: ClusterKeys {
        /// Some brokers to begin with; the cluster names the others.
        bootstrap_servers: Key<Addresses, Required> = Required,
        /// Encrypts the connection; `tls: {}` trusts the system's authorities.
        tls: Key<Section, Absent> = Absent("plain connection"),
        /// Authenticates with user name and password.
        sasl: Key<Section, Absent> = Absent("anonymous"),
        /// librdkafka properties passed through to the clients of the cluster; see
        /// [below](#client-librdkafkas-own-properties).
        client: Key<Section, Absent> = Absent("none"),
    }
}

mapping! {
    /// PEM files and checks of an encrypted connection.
    TLS: TlsKeys {
        /// Authorities to trust: a PEM file or a directory of them.
        ca: Key<PemPath, Absent> = Absent("the system's"),
        /// Client certificate with its chain, in PEM, together with `key`.
        certificate: Key<PemPath, Absent> = Absent("none"),
        /// Private key of `certificate`, in PEM.
        key: Key<PemPath, Absent> = Absent("none"),
        /// Opens `key` when it is encrypted.
        key_password: Key<Secret, Absent> = Absent("none"),
        /// Whether the broker's certificate must carry its host name. Without it, whoever holds a certificate of the same
        /// authority can stand in for the broker.
        verify_hostname: Key<bool> = true,
    }
}

mapping! {
    /// User name and password.
    SASL: SaslKeys {
        /// What is named to the broker. With `PLAIN` the password crosses the network as it is: use it with `tls` only.
        mechanism: Key<SaslMechanism, Required> = Required,
        /// The principal.
        username: Key<NonEmpty, Required> = Required,
        /// Best as `"${NAME}"` or `"${file:/path}"`; never shown.
        password: Key<Secret, Required> = Required,
    }
}

mapping! {
    /// One direction between two clusters.
    MIRROR: MirrorKeys {
        /// Names groups, internal topics and metrics.
        name: Key<MirrorName, Absent> = Absent("`<source>-<target>`"),
        /// The cluster to read from.
        source: Key<ClusterName, Required> = Required,
        /// The cluster to write to.
        target: Key<ClusterName, Required> = Required,
        /// Patterns of the topics to mirror.
        topics: Key<Regex, Texts> = &[".*"],
        /// Patterns of topics left out; wins over `topics`. The default leaves out Kafka's, MirrorMaker 2's and kmirror's own.
        exclude_topics: Key<Regex, Texts> =
            &["__.*", r"mm2.*\.internal", r".*\.checkpoints\.internal", r".*\.replica"],
        /// Name on the target: `"{topic}"` keeps the name, `"all.{topic}"` aggregates many sources, `"all"` gathers all
        /// topics in one; `{topic}` stands in it once at most. The default neither collides nor runs in a circle.
        target_topic: Key<TopicTemplate, &'static str> = "{source}.{topic}",
        /// `header`: each record says which clusters it came through, and is not copied to one of them; see
        /// [below](#clusters-that-hold-the-same-topics). `off`: records are copied as they are.
        provenance: Key<Provenance> = Provenance::Off,
        /// Where a partition without a committed position begins. The default leaves nothing out.
        start: Key<Start> = Start::Earliest,
        /// At the first start, goes on where a MirrorMaker 2 deployment between the same clusters stopped; see
        /// [migrating](migrating-from-mirrormaker2.md).
        import_from: Key<ImportFrom, Absent> = Absent("nothing"),
        /// The topic on the target with that deployment's progress; an error without `import_from`. The default is what
        /// dedicated mode uses.
        import_offsets_topic: Key<TopicName, Absent> = Absent("`mm2-offsets.<source>.internal`"),
        /// Which records of transactions are copied: those of committed ones, as most applications read, or all.
        isolation: Key<Isolation> = Isolation::ReadCommitted,
        /// `per_topic`: lag shows by topic in every Kafka tool, and a rebalance of one topic stops no other. `shared`: one
        /// group for the whole mirror, for clusters with very many topics; see [below](#one-group-for-very-many-topics).
        consumer_groups: Key<ConsumerGroups> = ConsumerGroups::PerTopic,
        /// Consumers of this process in that one group; an error with `per_topic`. Each costs fetches of its own and a look at
        /// all its topics every second; more than one help where one thread cannot take apart what comes.
        consumers: Key<Consumers, NonZeroU8> = NonZeroU8::MIN,
        /// Creates missing target topics with the source's partition count.
        create_topics: Key<bool> = true,
        /// Replicas of each partition of created topics.
        replication_factor: Key<NonZeroU16, Absent> = Absent("the target broker's"),
        /// Follows the source when it adds partitions: records of new ones would have no place to go; see
        /// [below](#how-copies-follow-their-sources).
        sync_partitions: Key<bool> = true,
        /// Follows the source's topic configs, but for `exclude_configs`: sets what is set there, resets what is not.
        sync_topic_configs: Key<bool> = true,
        /// Follows the source's topic ACLs; an error where topics may share a copy. Off: who may read a copy is for its own
        /// cluster to say.
        sync_acls: Key<bool> = false,
        /// Topic configs left alone, each name in full. The default is MirrorMaker 2's own (`DefaultConfigPropertyFilter`):
        /// what belongs to the one cluster and not to the data.
        exclude_configs: Key<ConfigName, Texts> = &[
            "follower.replication.throttled.replicas",
            "leader.replication.throttled.replicas",
            "message.timestamp.difference.max.ms",
            "message.timestamp.type",
            "unclean.leader.election.enable",
            "min.insync.replicas",
        ],
        /// Patterns of the consumer groups whose offsets are translated; see [below](#consumer-groups). `[]` for none.
        groups: Key<Regex, Texts> = &[".*"],
        /// Patterns of groups left out; wins over `groups`.
        exclude_groups: Key<Regex, Texts> =
            &["console-consumer-.*", "connect-.*", r"kmirror\..*", "__.*"],
        /// Writes translated offsets to the target's groups, idle ones only and forward only.
        sync_group_offsets: Key<bool> = true,
        /// Between two looks at topics, partitions and configs: one metadata request each, and the configs of 500 topics.
        discovery_interval: Key<Duration> = Duration::from_secs(2),
        /// Between two commits of the acknowledged prefix. Where others write the copy, too, a crash repeats what was
        /// acknowledged within this time; elsewhere nothing.
        commit_interval: Key<Duration> = Duration::from_secs(1),
        /// Between two looks at the groups' offsets.
        checkpoint_interval: Key<Duration> = Duration::from_secs(5),
        /// Keeps MirrorMaker 2 able to go on where this mirror is: at each checkpoint its offset syncs are written, on the
        /// source, and its progress, on the target; see [the way back](migrating-from-mirrormaker2.md#the-way-back).
        mm2_offset_syncs: Key<bool> = false,
        /// Where heartbeats are written. `target` leaves the source untouched; `both` also writes on the source, so that the whole way is seen to be alive; see
        /// [below](#heartbeats).
        heartbeats: Key<Heartbeats> = Heartbeats::Target,
        /// Between two heartbeats.
        heartbeat_interval: Key<Duration> = Duration::from_secs(1),
        /// Codec of the copy. The default takes the least CPU for what it saves.
        compression: Key<Compression> = Compression::Lz4,
        /// Source data vanished before it was read: count it, say it and go on, since waiting does not bring it back; or
        /// `pause` the partition.
        on_gap: Key<OnGap> = OnGap::Continue,
        /// The source's log was cut back or the topic deleted and created anew: pause the partition, since the copy holds
        /// what the source no longer does; or `continue` where the history parts, with the beginning of a new topic, and of a
        /// log that does not tell where it parts. Likewise a copy that was deleted: pause, or copy it once more from where
        /// `start` says.
        on_divergence: Key<OnDivergence> = OnDivergence::Pause,
        /// The target refuses a record for good (too large, invalid): pause the partition before it, until the target takes
        /// it; or `skip` and count it.
        on_rejected: Key<OnRejected> = OnRejected::Pause,
    }
}
