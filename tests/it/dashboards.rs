//! What the dashboard and the alerts ask for is what the daemon declares, and every alert leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use kmirror::metrics::{Kind, Metrics};

use crate::support::dashboard;
use crate::support::promql;

/// What Prometheus adds to every series of a scrape.
const ADDED: [&str; 2] = ["instance", "job"];

/// Labels by the name of the series.
type Series = BTreeMap<String, BTreeSet<String>>;

fn owned<S: AsRef<str>>(labels: &[S]) -> BTreeSet<String> {
    let labels = labels.iter().map(AsRef::as_ref).chain(ADDED);
    labels.map(str::to_owned).collect()
}

/// Every series that there can be, beside those of recording rules.
fn declared() -> Series {
    let mut series = Series::from([("up".to_owned(), owned::<&str>(&[]))]);
    for metric in Metrics::new().declarations() {
        let labels = owned(&metric.labels);
        if metric.kind == Kind::Histogram {
            let with_bound = labels.iter().cloned().chain(["le".to_owned()]);
            series.insert(format!("{}_bucket", metric.name), with_bound.collect());
            series.insert(format!("{}_sum", metric.name), labels.clone());
            series.insert(format!("{}_count", metric.name), labels);
        } else {
            series.insert(metric.name.clone(), labels);
        }
    }
    series
}

/// Those and what the rules record.
fn known() -> Result<Series> {
    let mut series = declared();
    for rule in dashboard::rules()? {
        if let Some(name) = rule.record {
            let labels = promql::named(&rule.expr).grouping;
            series.insert(name, labels.into_iter().collect());
        }
    }
    Ok(series)
}

/// # Errors
/// When `expression` names a metric that there is not, or a label that none of its metrics has; also in `{{label}}` or
/// `$labels.label` of `text`.
fn check(series: &Series, expression: &str, text: &str) -> Result<()> {
    let named = promql::named(expression);
    ensure!(!named.metrics.is_empty(), "{expression}: names no metric");
    let mut labels = BTreeSet::new();
    for (metric, selecting) in &named.metrics {
        let known = series.get(metric);
        let known = known.with_context(|| format!("{expression}: no metric {metric}"))?;
        for label in selecting {
            ensure!(
                known.contains(label),
                "{expression}: {metric} has no {label}"
            );
        }
        labels.extend(known);
    }
    let shown = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let shown = shown.map(|name| name.trim().trim_start_matches("$labels.").to_owned());
    let shown = shown.filter(|name| !name.starts_with("$value"));
    for label in named.grouping.into_iter().chain(shown) {
        ensure!(labels.contains(&label), "{expression}: nothing has {label}");
    }
    Ok(())
}

#[test]
fn every_metric_and_label_of_the_dashboard_is_declared() -> Result<()> {
    let series = known()?;
    let queries = dashboard::queries()?;
    ensure!(queries.len() > 30, "only {} queries", queries.len());
    for query in queries {
        check(&series, &query.expression, &query.legend).context(query.panel)?;
    }
    Ok(())
}

#[test]
fn every_variable_of_the_dashboard_lists_a_label_that_is_declared() -> Result<()> {
    let series = known()?;
    let dashboard = dashboard::dashboard()?;
    for variable in dashboard::array(&dashboard["templating"]["list"]) {
        let Some(query) = variable["query"]["query"].as_str() else {
            ensure!(variable["type"] == "datasource", "{variable}");
            continue;
        };
        let asked = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (expression, label) = asked
            .and_then(|asked| asked.rsplit_once(", "))
            .context("label_values")?;
        check(&series, expression, &format!("{{{{{label}}}}}"))?;
    }
    Ok(())
}

#[test]
fn every_panel_asks_the_data_source_that_the_reader_chose_and_lies_in_its_own_place() -> Result<()>
{
    let dashboard = dashboard::dashboard()?;
    let mut ids = BTreeSet::new();
    let panels = dashboard::array(&dashboard["panels"]).iter();
    for panel in
        panels.flat_map(|panel| std::iter::once(panel).chain(dashboard::array(&panel["panels"])))
    {
        ensure!(
            ids.insert(panel["id"].to_string()),
            "twice: {}",
            panel["id"]
        );
        let right = panel["gridPos"]["x"]
            .as_u64()
            .zip(panel["gridPos"]["w"].as_u64());
        ensure!(
            right.is_some_and(|(x, width)| x + width <= 24),
            "{}",
            panel["gridPos"]
        );
        for target in dashboard::array(&panel["targets"]) {
            ensure!(target["datasource"]["uid"] == "${datasource}", "{target}");
        }
    }
    Ok(())
}

#[test]
fn every_metric_and_label_of_the_rules_is_declared() -> Result<()> {
    let series = known()?;
    for rule in dashboard::rules()? {
        let text = format!(
            "{} {}",
            rule.annotations.summary, rule.annotations.description
        );
        check(&series, &rule.expr, &text)
            .context(rule.alert.or(rule.record).unwrap_or_default())?;
    }
    Ok(())
}

#[test]
fn every_alert_says_what_is_the_matter_and_leads_to_its_section_of_the_runbook() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/runbooks.md");
    let page = fs::read_to_string(page)?;
    let tested = fs::read_to_string(dashboard::path("alerts_test.yaml"))?;
    for rule in dashboard::rules()? {
        let Some(alert) = rule.alert else { continue };
        let severity = rule.labels.severity.as_str();
        ensure!(
            ["critical", "warning"].contains(&severity),
            "{alert}: {severity}"
        );
        let texts = [&rule.annotations.summary, &rule.annotations.description];
        ensure!(
            texts.iter().all(|text| !text.is_empty()),
            "{alert} says nothing"
        );
        let section = format!("docs/runbooks.md#{}", alert.to_lowercase());
        ensure!(
            rule.annotations.runbook_url == section,
            "{alert}: not {section}"
        );
        let heading = format!("\n### {alert}\n");
        ensure!(page.contains(&heading), "docs/runbooks.md has no {heading}");
        for claim in ["fires", "stays quiet"] {
            let case = format!("\"{alert} {claim}");
            ensure!(tested.contains(&case), "alerts_test.yaml has no {case}");
        }
    }
    Ok(())
}

/// Grafana's schema requires it of a legend.
#[test]
fn every_graph_says_that_its_legend_is_shown() -> Result<()> {
    let dashboard = dashboard::dashboard()?;
    let panels = dashboard::array(&dashboard["panels"]).iter();
    let graphs = panels.filter(|panel| panel["type"] == "timeseries");
    let shown = graphs.map(|graph| {
        let legend = &graph["options"]["legend"];
        ensure!(legend["showLegend"] == true, "{}: {legend}", graph["title"]);
        Ok(())
    });
    let shown = shown.collect::<Result<Vec<_>>>()?;
    ensure!(shown.len() > 20, "{} graphs", shown.len());
    Ok(())
}
