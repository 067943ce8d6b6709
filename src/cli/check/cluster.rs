//! Examines one cluster: that it answers, who it is, and that it has a controller.

use super::super::terminal::counted;
use super::Problems;
use crate::clusters::{Error, Inspector};

/// What was found out about a cluster.
pub(super) struct Found {
    pub(super) line: String,
    pub(super) problems: Problems,
}

/// Fails when the cluster does not answer.
pub(super) async fn examine(inspector: &Inspector) -> Result<Found, Error> {
    let cluster = inspector.cluster();
    let description = inspector.describe().await?;
    let identity = description
        .cluster_id
        .map_or_else(String::new, |id| format!(", cluster id {id}"));
    let line = format!(
        "cluster {cluster}: answers, {}{identity}",
        counted(description.nodes.len(), "broker")
    );
    let mut problems = Problems::new();
    if !description.has_controller {
        problems.push(format!(
            "cluster {cluster} has no controller, so topics cannot be created there; see its brokers' logs"
        ));
    }
    Ok(Found { line, problems })
}
