//! The guarantees name the tests that keep them, and those exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The file that holds a test of `docs/guarantees.md`: `a::b::claim` is `fn claim` in `tests/it/a/b.rs`.
fn file_of(modules: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let path = match modules {
        ["kafka", rest @ ..] => root.join("kafka").join(rest.join("/")),
        all => root.join("it").join(all.join("/")),
    };
    path.with_extension("rs").to_string_lossy().into_owned()
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
