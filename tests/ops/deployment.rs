//! The unit is as closed as it says, and the compose file is one.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Tenths; systemd calls up to 2.0 "OK".
const MOST_EXPOSURE: &str = "--threshold=15";

fn run(program: &str, arguments: &[&str], needs: &str) -> Result<()> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let ran = command
        .output()
        .with_context(|| format!("this suite needs Debian's {needs}"))?;
    let said = [ran.stdout, ran.stderr].concat();
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

#[test]
fn the_unit_exposes_little() -> Result<()> {
    let unit = "deploy/systemd/kmirror.service";
    let arguments = ["security", "--offline=true", MOST_EXPOSURE, unit];
    run("systemd-analyze", &arguments, "systemd")
}

#[test]
fn the_compose_file_is_valid() -> Result<()> {
    run("docker-compose", &["config", "--quiet"], "docker-compose")
}

#[test]
fn the_configuration_of_prometheus_is_valid() -> Result<()> {
    let arguments = [
        "check",
        "config",
        "--syntax-only",
        "deploy/compose/prometheus.yml",
    ];
    run("promtool", &arguments, "prometheus")
}
