//! The dashboard and the rules of `dashboards/`, as far as tests look at them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// One query of a panel.
#[derive(Debug, Clone)]
pub struct Query {
    /// Title of its panel.
    pub panel: String,
    pub expression: String,
    /// What the panel shows when all is well and there is nothing to draw; empty where there is always something.
    pub when_empty: String,
    /// Names in `{{…}}`.
    pub legend: String,
}

/// Every query of the dashboard, in order.
pub fn queries() -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    let dashboard = dashboard()?;
    for panel in array(&dashboard["panels"]) {
        for panel in std::iter::once(panel).chain(array(&panel["panels"])) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let of = |target: &Value| Query {
                panel: text(&panel["title"]),
                expression: text(&target["expr"]),
                when_empty: text(&panel["fieldConfig"]["defaults"]["noValue"]),
                legend: text(&target["legendFormat"]),
            };
            queries.extend(array(&panel["targets"]).iter().map(of));
        }
    }
    Ok(queries)
}

/// The dashboard as Grafana reads it.
pub fn dashboard() -> Result<Value> {
    let text = fs::read_to_string(path("kmirror.json"))?;
    serde_json::from_str(&text).context("dashboards/kmirror.json")
}

/// Items of a list; none of anything else.
pub fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One rule, of either kind.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    /// Name of the series it records.
    pub record: Option<String>,
    /// Name of the alert.
    pub alert: Option<String>,
    pub expr: String,
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Annotations,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Labels {
    pub severity: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Annotations {
    pub summary: String,
    pub description: String,
    pub runbook_url: String,
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// Every rule, in order.
pub fn rules() -> Result<Vec<Rule>> {
    let text = fs::read_to_string(path("alerts.yaml"))?;
    let rules: Rules = serde_norway::from_str(&text).context("dashboards/alerts.yaml")?;
    Ok(rules
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect())
}

/// A file of `dashboards/`.
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dashboards")
        .join(file)
}
