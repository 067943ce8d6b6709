//! `kmirror import` turns files of MirrorMaker 2 into files that `kmirror check` takes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::support::cli::{Ended, kmirror, kmirror_in};
use crate::support::config_file::ConfigFile;

/// One of the files in `tests/samples/`.
fn sample(name: &str) -> PathBuf {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    samples.join(name)
}

fn import(name: &str) -> Result<Ended> {
    let path = sample(name);
    let ended = kmirror(&["import", &path.to_string_lossy()])?;
    ensure!(ended.code == Some(0), "{name}: {}", ended.stderr);
    Ok(ended)
}

/// The variables that the reader is told to set, with a value.
fn variables(said: &str) -> Vec<(&str, &str)> {
    let told = said.lines().filter_map(|line| line.strip_prefix("set "));
    let names = told.filter_map(|line| line.split(' ').next());
    names.map(|name| (name, "value")).collect()
}

#[test]
fn what_is_printed_is_valid_once_its_variables_are_set() -> Result<()> {
    for (name, mirrors) in [
        ("mm2.properties", 3),
        ("mm2-tuned.properties", 1),
        ("connector.properties", 1),
        ("connector.json", 1),
    ] {
        let ended = import(name)?;
        let file = ConfigFile::of(&ended.stdout)?;
        let checked = kmirror_in(&variables(&ended.stderr), file.path(), &["check"])?;
        assert_eq!(checked.code, Some(0), "{name}: {}", checked.stderr);
        let listed = checked.stdout.matches(", topics named ").count();
        assert_eq!(listed, mirrors, "{name}: {}", checked.stdout);
    }
    Ok(())
}

#[test]
fn passwords_are_asked_for_and_never_printed() -> Result<()> {
    let ended = import("mm2.properties")?;
    let names: Vec<_> = variables(&ended.stderr);
    let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["PARIS_SASL_PASSWORD", "OSLO_SASL_PASSWORD"]);
    let where_from = "set OSLO_SASL_PASSWORD to the password in `oslo.sasl.jaas.config` (line 21)";
    assert!(ended.stderr.contains(where_from), "{}", ended.stderr);
    for name in ["mm2.properties", "connector.properties", "connector.json"] {
        assert!(fs::read_to_string(sample(name))?.contains("swordfish"));
        let ended = import(name)?;
        let said = ended.stdout + &ended.stderr;
        assert!(!said.contains("swordfish"), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn what_has_no_counterpart_is_listed_with_the_reason() -> Result<()> {
    let ended = import("mm2-tuned.properties")?;
    let words: Vec<_> = ended.stdout.split_whitespace().collect();
    let text = words.join(" ").replace(" # ", " ");
    for part in [
        "B.producer.batch.size (line 7)",
        "A.consumer.max.partition.fetch.bytes (line 17): kmirror sizes batches and buffers itself",
        "B.offset.flush.timeout.ms (line 19): what is acknowledged is committed",
    ] {
        assert!(text.contains(part), "no {part} in:\n{}", ended.stdout);
    }
    let summary = ended.stderr.lines().next();
    let expected = "18 settings: 5 carried over, 3 are what kmirror does anyway, 10 without counterpart, 0 unknown";
    assert_eq!(summary, Some(expected));
    Ok(())
}

#[test]
fn a_slip_of_the_pen_is_told() -> Result<()> {
    let ended = import("mm2.properties")?;
    let slip = "unknown: refresh.topics.intervall.seconds (line 51)";
    assert!(ended.stderr.contains(slip), "{}", ended.stderr);
    Ok(())
}

#[test]
fn a_wrong_file_is_told_by_line_with_the_exit_code_of_wrong_usage() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("mm2.properties");
    fs::write(
        &path,
        "clusters = A, B\nA->B.enabled = true\nA.bootstrap.servers = a:9092\nreplication.factor = many\n",
    )?;
    let ended = kmirror(&["import", &path.to_string_lossy()])?;
    assert_eq!(ended.code, Some(64), "{}", ended.stdout);
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    let lines: Vec<_> = ended.stderr.lines().collect();
    let expected = [
        "kmirror: mm2.properties: cluster B has no addresses; write `B.bootstrap.servers = host:9092`",
        "kmirror: mm2.properties:4: replication.factor: is no number of replicas; write a number from 1, or -1 for the broker's own",
    ];
    assert_eq!(lines, expected);
    let ended = kmirror(&["import", "no/such/file"])?;
    assert_eq!(ended.code, Some(64));
    assert!(
        ended.stderr.contains("correct the path"),
        "{}",
        ended.stderr
    );
    Ok(())
}
