//! The alert rules are valid, and each fires and stays quiet when it should.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::support::dashboard;

fn promtool(arguments: &[&str], file: &str) -> Result<()> {
    let mut command = Command::new("promtool");
    command.args(arguments).arg(dashboard::path(file));
    let ran = command
        .output()
        .context("this suite needs Debian's prometheus package")?;
    let said = [ran.stdout, ran.stderr].concat();
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

#[test]
fn the_rules_are_valid() -> Result<()> {
    promtool(&["check", "rules"], "alerts.yaml")
}

#[test]
fn each_alert_fires_when_it_should_and_only_then() -> Result<()> {
    promtool(&["test", "rules"], "alerts_test.yaml")
}
