//! Examines a cluster as a whole: that it answers, who it is, that it has a controller, and what a mirror may do there.

use super::super::terminal::counted;
use super::Problems;
use super::rights::{self, ALTER, DESCRIBE};
use crate::clusters::{Error, Inspector};
use crate::config::Mirror;

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

/// Rights on clusters as a whole that a mirror lacks.
pub(super) async fn missing_rights(
    mirror: &Mirror,
    source: &Inspector,
    target: &Inspector,
) -> Result<Problems, Error> {
    let (on_source, on_target) = tokio::try_join!(source.describe(), target.describe())?;
    let mut problems = Problems::new();
    let mut need = |cluster: &Inspector, rights, needed: &[_], purpose| {
        let missing = rights::whole_cluster(cluster.cluster(), rights, needed, purpose);
        problems.extend(missing);
    };
    if !mirror.groups.include.is_empty() {
        let purpose = "to know all consumer groups: those that may not be described are not followed without it";
        need(source, &on_source.rights, &[DESCRIBE], purpose);
    } else if mirror.sync_acls {
        need(source, &on_source.rights, &[DESCRIBE], "for sync_acls");
    }
    if mirror.sync_acls {
        let needed = [DESCRIBE, ALTER];
        need(target, &on_target.rights, &needed, "for sync_acls");
    }
    Ok(problems)
}
