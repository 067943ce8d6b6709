//! Opens the clusters to measure on: in-tree ones in this process, or those named on the command line.

use anyhow::Result;
use clap::Args;
use kmirror_broker::Cluster;
use tokio::runtime::Runtime;

/// Clusters named on the command line.
#[derive(Args)]
pub struct Named {
    /// Source bootstrap servers; an in-tree cluster when absent
    #[arg(long, requires = "target")]
    source: Option<String>,
    /// Target bootstrap servers; an in-tree cluster when absent
    #[arg(long, requires = "source")]
    target: Option<String>,
}

/// Two clusters.
pub struct Clusters {
    /// Bootstrap servers to read from.
    pub source: String,
    /// Bootstrap servers to write to.
    pub target: String,
    /// They live as long as this does.
    _in_tree: Option<(Runtime, [Cluster; 2])>,
}

impl Clusters {
    /// Starts those that are not named.
    pub fn open(named: &Named) -> Result<Self> {
        if let (Some(source), Some(target)) = (&named.source, &named.target) {
            return Ok(Self {
                source: source.clone(),
                target: target.clone(),
                _in_tree: None,
            });
        }
        let runtime = Runtime::new()?;
        let start = || runtime.block_on(Cluster::builder().start());
        let clusters = [start()?, start()?];
        let [source, target] = clusters.each_ref().map(Cluster::bootstrap_servers);
        Ok(Self {
            source,
            target,
            _in_tree: Some((runtime, clusters)),
        })
    }
}
