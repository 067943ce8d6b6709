//! The guarantees name the tests that keep them, and those exist; the references of the metrics and of the configuration
//! are what is declared.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kmirror::config;
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
        ensure!(is_test(&source, test), "no test {test} in {file}");
    }
    Ok(())
}

/// Whether a file declares the function, with `#[test]` among the attributes and comments above it.
fn is_test(source: &str, name: &str) -> bool {
    let declaration = format!("fn {name}(");
    let before = source
        .split_once(&declaration)
        .map_or("", |(before, _)| before);
    let above = before.lines().rev().map(str::trim_start);
    above
        .take_while(|line| line.starts_with("#[") || line.starts_with("///") || line.is_empty())
        .any(|line| line == "#[test]" || line.starts_with("#[tokio::test"))
}

#[test]
fn a_function_is_a_test_by_its_attribute() {
    let source = "#[test]\n#[ignore = \"slow\"]\nfn claim() {}\n\n/// Helps.\nfn helper() {}\n";
    assert!(is_test(source, "claim"));
    assert!(!is_test(source, "helper") && !is_test(source, "nobody"));
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

/// Holds a page of `docs/` equal to what it should be; with `KMIRROR_WRITE_DOCS=1` in the environment it is made so.
fn hold_equal(page: &str, text: &str, wanted: &str) -> Result<()> {
    if std::env::var_os("KMIRROR_WRITE_DOCS").is_some() {
        fs::write(page, wanted)?;
    } else {
        ensure!(
            text == wanted,
            "{page} differs; run this test with KMIRROR_WRITE_DOCS=1"
        );
    }
    Ok(())
}

#[test]
fn the_reference_of_the_metrics_is_what_is_declared() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let text = fs::read_to_string(page)?;
    let heading = "## All metrics\n\n";
    let (prose, _) = text.split_once(heading).context("no table")?;
    hold_equal(
        page,
        &text,
        &format!("{prose}{heading}{}", metrics_table()?),
    )
}

fn keys_table(mapping: &config::Mapping) -> Result<String> {
    let mut table = String::from("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in &mapping.keys {
        let (name, value, default, meaning) = (key.name, &key.value, &key.default, &key.meaning);
        writeln!(table, "| `{name}` | {value} | {default} | {meaning} |")?;
    }
    Ok(table)
}

fn refused_table() -> Result<String> {
    let mut table = String::from("| property | refused because | instead |\n|---|---|---|\n");
    for refusal in config::refused_properties() {
        let names = refusal.names.iter().map(|name| format!("`{name}`"));
        let names = names.collect::<Vec<_>>().join(", ");
        writeln!(
            table,
            "| {names} | {} | {} |",
            refusal.because, refusal.instead
        )?;
    }
    Ok(table)
}

/// `text` with `table` in the place of the one that stands below the line `<!-- MARKER -->`.
fn with_table(text: &str, marker: &str, table: &str) -> Result<String> {
    let marker = format!("<!-- {marker} -->\n");
    let (before, behind) = text.split_once(&marker).context(marker.clone())?;
    let old: usize = behind
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    Ok(format!("{before}{marker}{table}{}", &behind[old..]))
}

/// The tables are made of the doc comments, types and defaults of `src/config/keys.rs`, and of `src/config/refused.rs`.
#[test]
fn the_reference_of_the_configuration_is_what_is_declared() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let text = fs::read_to_string(page)?;
    let mut wanted = with_table(&text, "refused properties", &refused_table()?)?;
    for mapping in config::reference() {
        let path = match mapping.path {
            "" => "top level",
            path => path,
        };
        wanted = with_table(&wanted, &format!("keys: {path}"), &keys_table(&mapping)?)?;
    }
    hold_equal(page, &text, &wanted)
}
