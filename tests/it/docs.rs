//! The guarantees name the tests that keep them, and those exist; the reference of the metrics is what is declared.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kmirror::metrics::Metrics;

/// The file that holds a test of `docs/guarantees.md`: `a::b::claim` is `fn claim` in `tests/it/a/b.rs`, or in `b/mod.rs`.
fn file_of(modules: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let path = match modules {
        ["kafka", rest @ ..] => root.join("kafka").join(rest.join("/")),
        all => root.join("it").join(all.join("/")),
    };
    let file = path.with_extension("rs");
    let file = if file.exists() {
        file
    } else {
        path.join("mod.rs")
    };
    file.to_string_lossy().into_owned()
}

#[test]
fn every_test_that_the_guarantees_name_exists() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guarantees.md");
    let text = fs::read_to_string(page)?;
    let quoted = text.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted.filter(|quoted| quoted.contains("::")).collect();
    ensure!(named.len() > 40, "only {} tests are named", named.len());
    for name in named {
        // A prefix such as `faults::` stands for a room.
        let Some((modules, test)) = name.rsplit_once("::").filter(|(_, test)| !test.is_empty())
        else {
            continue;
        };
        let modules: Vec<_> = modules.split("::").collect();
        let file = file_of(&modules);
        let source = fs::read_to_string(&file).with_context(|| format!("{name}: {file}"))?;
        ensure!(
            source.contains(&format!("fn {test}(")),
            "no test {test} in {file}"
        );
    }
    Ok(())
}

/// Names in code, one row each.
fn metrics_table() -> Result<String> {
    let mut table = String::from("| name | type | labels | tells |\n|---|---|---|---|\n");
    for metric in Metrics::new().declarations() {
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let (name, kind, help) = (&metric.name, metric.kind.as_str(), &metric.help);
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |")?;
    }
    Ok(table)
}

/// With `KMIRROR_WRITE_DOCS=1` in the environment the page is made equal instead.
#[test]
fn the_reference_of_the_metrics_is_what_is_declared() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let text = fs::read_to_string(page)?;
    let heading = "## All metrics\n\n";
    let (prose, table) = text.split_once(heading).context("no table")?;
    let declared = metrics_table()?;
    if std::env::var_os("KMIRROR_WRITE_DOCS").is_some() {
        fs::write(page, format!("{prose}{heading}{declared}"))?;
    } else {
        ensure!(
            table == declared,
            "docs/metrics.md differs; run this test with KMIRROR_WRITE_DOCS=1"
        );
    }
    Ok(())
}
