//! Every panel has something to show of a mirror that runs, and every rule evaluates.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::{SOON, Sites, await_state, copy_of};
use crate::prometheus::Prometheus;
use crate::support::codec::Codec;
use crate::support::daemon::Daemon;
use crate::support::dashboard::{self, Query};
use crate::support::ledger::Writer;
use crate::support::promql;
use crate::support::record::Record;
use crate::support::wait::eventually;

/// These have no series while nothing is the matter.
const ONLY_IN_TROUBLE: [&str; 2] = ["kmirror_errors_total", "kmirror_skipped_records_total"];

/// As Grafana fills them in, with everything selected; ranges long enough for two scrapes.
fn filled_in(expression: &str) -> String {
    let mut filled = expression.to_owned();
    for (variable, value) in [
        ("$__rate_interval", "10s"),
        ("$__range", "1m"),
        ("$mirror", ".*"),
        ("$topic", ".*"),
        ("$instance", ".*"),
    ] {
        filled = filled.replace(variable, value);
    }
    assert!(!filled.contains('$'), "a variable is left over: {filled}");
    filled
}

fn must_show(query: &Query) -> bool {
    query.when_empty.is_empty()
}

fn rules() -> String {
    dashboard::path("alerts.yaml").display().to_string()
}

#[test]
fn every_panel_and_rule_has_data_of_a_mirror_that_runs() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    let config = sites.config(&[".*"]).set("heartbeats", "both").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    let prometheus = Prometheus::start(&[daemon.http()], &rules())?;
    let mut written = 0;
    for query in dashboard::queries()? {
        let expression = filled_in(&query.expression);
        eventually(&format!("{} shows {expression}", query.panel), SOON, || {
            // It is not idle while it is looked at.
            sites.write("orders", written, 10)?;
            written += 10;
            let series = prometheus.query(&expression)?;
            let real = |series: &Value| {
                series["value"][1]
                    .as_str()
                    .is_some_and(|value| value != "NaN")
            };
            let shows = series.iter().any(real);
            ensure!(shows || !must_show(&query), "{series:?}");
            Ok(())
        });
    }
    every_variable_lists_something(&prometheus)?;
    every_rule_evaluates(&prometheus)?;
    Ok(())
}

fn every_variable_lists_something(prometheus: &Prometheus) -> Result<()> {
    let dashboard = dashboard::dashboard()?;
    for variable in dashboard::array(&dashboard["templating"]["list"]) {
        let Some(query) = variable["query"]["query"].as_str() else {
            continue;
        };
        let asked = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (selector, label) = asked
            .and_then(|asked| asked.rsplit_once(", "))
            .context("label_values")?;
        let values = prometheus.label_values(label, &filled_in(selector))?;
        ensure!(!values.is_empty(), "{query} lists nothing");
    }
    Ok(())
}

/// What is recorded has data, what alerts does not fire, and what either stands on is there.
fn every_rule_evaluates(prometheus: &Prometheus) -> Result<()> {
    for rule in dashboard::rules()? {
        for (metric, _) in promql::named(&rule.expr).metrics {
            let excused = ONLY_IN_TROUBLE.contains(&metric.as_str());
            eventually(&format!("{metric} has data"), SOON, || {
                let series = prometheus.query(&metric)?;
                ensure!(excused || !series.is_empty(), "none");
                Ok(())
            });
        }
        if rule.record.is_some() {
            ensure!(
                !prometheus.query(&rule.expr)?.is_empty(),
                "{}: no data",
                rule.expr
            );
        }
    }
    eventually("every rule was evaluated", SOON, || {
        let rules = prometheus.rules()?;
        let bad: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").collect();
        ensure!(bad.is_empty() && rules.len() > 20, "{bad:?}");
        let firing: Vec<_> = rules
            .iter()
            .filter(|rule| rule["state"] == "firing")
            .collect();
        ensure!(firing.is_empty(), "{firing:?}");
        Ok(())
    });
    Ok(())
}

#[test]
fn a_partition_that_stands_still_is_drawn_with_its_name_and_raises_its_alert() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 1, &[])?;
    let limit = [("max.message.bytes", "10000")];
    sites
        .target
        .client
        .create_topic(&copy_of("orders"), 1, &limit)?;
    let config = sites
        .config(&["orders"])
        .set("sync_topic_configs", "false")
        .set("compression", "none")
        .write()?;
    let large = Record::at(1_700_000_000_000)
        .key("large")
        .value(vec![b'x'; 20_000]);
    Writer::new(&mut sites.source.client, "orders")?.write(0, &[large], Codec::None)?;
    let daemon = Daemon::start("daemon", &config)?;
    await_state(&daemon, "orders", 0, "rejected");
    let prometheus = Prometheus::start(&[daemon.http()], &rules())?;
    let queries = dashboard::queries()?;
    let still = queries
        .iter()
        .find(|query| query.panel == "What stands still");
    let still = filled_in(&still.context("no such panel")?.expression);
    eventually("the partition is drawn", SOON, || {
        let series = prometheus.query(&still)?;
        let labels: BTreeSet<_> = series
            .iter()
            .map(|one| one["metric"]["state"].to_string())
            .collect();
        ensure!(
            labels == BTreeSet::from(["\"rejected\"".to_owned()]),
            "{series:?}"
        );
        ensure!(series[0]["metric"]["topic"] == "orders", "{series:?}");
        Ok(())
    });
    eventually("its alert is raised", SOON, || {
        let rules = prometheus.rules()?;
        let rule = rules
            .iter()
            .find(|rule| rule["name"] == "KmirrorPartitionRejected");
        let state = rule.context("no such rule")?["state"].clone();
        ensure!(state == "pending" || state == "firing", "{state}");
        Ok(())
    });
    Ok(())
}
