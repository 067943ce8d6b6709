//! Reads the whole file, from the top.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::cluster::Cluster;
use super::conflicts;
use super::daemon::{Config, Log};
use super::error::Problems;
use super::fields::{Fields, item_path};
use super::key::Shown;
use super::keys::{HTTP, LOG, METRICS, TOP};
use super::mirror::Mirror;
use super::neighbours;
use super::read_cluster;
use super::read_mirror;
use super::scalar::{Fault, Scalar};
use super::units::{Size, format_size, out_of_range};
use super::yaml::Node;

/// What a mirror needs at least: some batches under way, and a record of the size that Kafka takes by default.
const LEAST_MEMORY: u64 = 16 << 20;

/// Far above any machine, and far below where byte counts overflow.
const MOST_MEMORY: u64 = 1024 << 30;

const CLUSTERS_EXAMPLE: &str = "`clusters: { paris: { bootstrap_servers: \"paris-1:9092\" } }`";
const MIRRORS_EXAMPLE: &str = "`mirrors: [{ source: paris, target: dublin }]`";

/// Reads the tree; `None` when anything is wrong, which was reported. Relative paths begin at `base`.
pub(super) fn config(tree: Node, base: &Path, problems: &Problems) -> Option<Config> {
    let example = "`clusters` and `mirrors`; config/minimal.yaml shows how";
    let mut fields = Fields::open(tree, String::new(), example, problems)?;
    let clusters = read_clusters(&mut fields, base);
    let mirrors = read_mirrors(&mut fields, &clusters);
    let config = Config {
        clusters: clusters
            .into_iter()
            .filter_map(|(name, cluster)| Some((name, cluster?)))
            .collect(),
        mirrors: Vec::new(),
        http_listen: listen(&mut fields),
        metrics_per_partition: metrics(&mut fields),
        memory: fields.or_default(&TOP.memory).0,
        drain_timeout: fields.or_default(&TOP.drain_timeout),
        log: log(&mut fields),
    };
    fields.close();
    conflicts::check(&mirrors, &config.clusters, problems);
    let mut mirrors: Vec<_> = mirrors.into_iter().flatten().collect();
    // What is wrong is not introduced: its clusters may be missing.
    if problems.count() == 0 {
        neighbours::introduce(&mut mirrors, &config.clusters);
    }
    Some(Config { mirrors, ..config })
}

/// Every cluster by name; those that are wrong have no value, but their names are known.
fn read_clusters(fields: &mut Fields<'_>, base: &Path) -> BTreeMap<String, Option<Cluster>> {
    let problems = fields.problems();
    let path = fields.path_of(TOP.clusters.name);
    let node = fields.require(&TOP.clusters, CLUSTERS_EXAMPLE);
    let section = node.and_then(|node| Fields::open(node, path, CLUSTERS_EXAMPLE, problems));
    let Some(section) = section else {
        return BTreeMap::new();
    };
    let path_of = |name: &str| format!("clusters.{name}");
    let read = |(name, node): (String, Node)| {
        let example = "`{ bootstrap_servers: \"host:9092\" }`";
        let cluster = Fields::open(node, path_of(&name), example, problems);
        let cluster = cluster.and_then(|fields| read_cluster::cluster(&name, fields, base));
        (name, cluster)
    };
    section.into_entries().into_iter().map(read).collect()
}

/// Every mirror in the order of the file; those that are wrong have no value.
fn read_mirrors(
    fields: &mut Fields<'_>,
    clusters: &BTreeMap<String, Option<Cluster>>,
) -> Vec<Option<Mirror>> {
    let names: Vec<_> = clusters.keys().map(String::as_str).collect();
    let problems = fields.problems();
    let items = match fields.require(&TOP.mirrors, MIRRORS_EXAMPLE) {
        Some(Node::List(items)) if !items.is_empty() => items,
        None | Some(Node::Unresolved) => return Vec::new(),
        Some(other) => {
            let found = if matches!(other, Node::List(_)) {
                "none"
            } else {
                other.kind()
            };
            fields.fault(
                TOP.mirrors.name,
                format!("must be a list of mirrors, found {found}"),
                format!("write {MIRRORS_EXAMPLE}"),
            );
            return Vec::new();
        }
    };
    let mut taken = BTreeMap::new();
    let read = |(index, node)| {
        let example = "`{ source: paris, target: dublin }`";
        let fields = Fields::open(node, item_path("mirrors", index), example, problems)?;
        read_mirror::mirror(fields, &names, &mut taken)
    };
    items.into_iter().enumerate().map(read).collect()
}

fn listen(fields: &mut Fields<'_>) -> SocketAddr {
    let Some(mut http) = fields.section(&TOP.http, "`{ listen: \"127.0.0.1:9646\" }`") else {
        return HTTP.listen.default;
    };
    let listen = http.or_default(&HTTP.listen);
    http.close();
    listen
}

fn metrics(fields: &mut Fields<'_>) -> bool {
    let Some(mut metrics) = fields.section(&TOP.metrics, "`{ per_partition: true }`") else {
        return METRICS.per_partition.default;
    };
    let per_partition = metrics.or_default(&METRICS.per_partition);
    metrics.close();
    per_partition
}

fn log(fields: &mut Fields<'_>) -> Log {
    let mut log = Log {
        format: LOG.format.default,
        level: LOG.level.default,
    };
    if let Some(mut fields) = fields.section(&TOP.log, "`{ format: text, level: info }`") {
        log.format = fields.or_default(&LOG.format);
        log.level = fields.or_default(&LOG.level);
        fields.close();
    }
    log
}

impl Scalar for SocketAddr {
    const WHAT: &'static str = "an address to listen on";
    const FORM: &'static str = "an IP address and a port, such as `127.0.0.1:9646`";
    const VALUE: &'static str = "an IP address and a port";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|_| {
            let port = text.rsplit_once(':').map_or(text, |(_, port)| port);
            let remedy = match port.parse::<u16>() {
                Ok(port) => format!(
                    "write `{}` or `0.0.0.0:{port}`",
                    Self::from((Ipv4Addr::LOCALHOST, port))
                ),
                Err(_) => format!("write {}", <Self as Scalar>::FORM),
            };
            Fault::new("is not an IP address and a port", remedy)
        })
    }
}

/// The budget of the whole process, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory(pub(super) u64);

impl Shown for Memory {
    fn shown(&self) -> String {
        format!("`{}`", format_size(self.0))
    }
}

impl Scalar for Memory {
    const WHAT: &'static str = "a size from 16MiB to 1024GiB";
    const FORM: &'static str = Size::FORM;
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        match Size::parse(text)?.0 {
            bytes if bytes < LEAST_MEMORY => Err(out_of_range(
                "small",
                "at least",
                &format_size(LEAST_MEMORY),
            )),
            bytes if bytes > MOST_MEMORY => {
                Err(out_of_range("large", "at most", &format_size(MOST_MEMORY)))
            }
            bytes => Ok(Self(bytes)),
        }
    }
}
