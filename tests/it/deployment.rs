//! What `deploy/`, the Dockerfile and docker-compose.yml say is true of this binary and this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::harness::Sites;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn documents(file: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path(file)).with_context(|| file.to_owned())?;
    let documents = serde_norway::Deserializer::from_str(&text);
    let read = documents.map(Value::deserialize);
    Ok(read.collect::<Result<_, _>>()?)
}

/// # Errors
/// When `kmirror check` finds something wrong.
fn check(file: &Path) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    let ran = command.args(["check", "-c"]).arg(file).output()?;
    let said = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{}: {said}", file.display());
    Ok(())
}

#[test]
fn the_configuration_of_the_compose_file_is_valid() -> Result<()> {
    check(&path("deploy/compose/kmirror.yaml"))
}

#[test]
fn the_configuration_in_the_manifest_is_valid_and_its_drain_ends_in_time() -> Result<()> {
    let documents = documents("deploy/kubernetes/kmirror.yaml")?;
    let of = |kind: &str| {
        let mut found = documents.iter().filter(|document| document["kind"] == kind);
        found.next().with_context(|| format!("no {kind}"))
    };
    let secrets = tempfile::tempdir()?;
    for (name, value) in of("Secret")?["stringData"]
        .as_object()
        .context("no secrets")?
    {
        fs::write(
            secrets.path().join(name),
            value.as_str().unwrap_or_default(),
        )?;
    }
    let text = of("ConfigMap")?["data"]["kmirror.yaml"]
        .as_str()
        .context("no file")?;
    let mounted = "/etc/kmirror/secrets";
    ensure!(text.contains(mounted));
    let here = text.replace(mounted, &secrets.path().display().to_string());
    check(ConfigFile::of(&here)?.path())?;
    ensure!(text.contains("drain_timeout: 20s"));
    let grace = &of("Deployment")?["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
    ensure!(grace.as_u64() > Some(20), "{grace}");
    Ok(())
}

#[test]
fn the_units_deadline_leaves_time_for_the_drain() -> Result<()> {
    let unit = fs::read_to_string(path("deploy/systemd/kmirror.service"))?;
    let stop = unit
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds: u64 = stop.context("no deadline")?.trim_end_matches('s').parse()?;
    ensure!(seconds > 20);
    Ok(())
}

#[test]
fn every_file_that_is_mounted_or_copied_exists() -> Result<()> {
    let mut files = Vec::new();
    for document in documents("docker-compose.yml")? {
        let services = document["services"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for volume in services
            .values()
            .filter_map(|service| service["volumes"].as_array())
            .flatten()
        {
            let mount = volume.as_str().context("a mount in one line")?;
            files.push(mount.split(':').next().unwrap_or_default().to_owned());
        }
    }
    for line in fs::read_to_string(path("Dockerfile"))?.lines() {
        let words = line
            .strip_prefix("COPY ")
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let Some([sources @ .., _]) = words.as_deref() else {
            continue;
        };
        if !sources.iter().any(|word| word.starts_with("--from")) {
            let sources = sources.iter().filter(|word| !word.starts_with("--"));
            files.extend(sources.map(|source| (*source).to_owned()));
        }
    }
    ensure!(files.len() > 10, "{files:?}");
    for file in files {
        ensure!(path(&file).exists(), "no {file}");
    }
    Ok(())
}

#[test]
fn the_healthcheck_of_the_image_asks_whether_the_process_is_alive() -> Result<()> {
    let sites = Sites::start()?;
    let config = sites.config(&["orders"]).write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    let port = daemon
        .http()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    let healthy = || {
        let mut command = Command::new("bash");
        command
            .arg(path("deploy/healthcheck.sh"))
            .env("HEALTH_PORT", &port);
        Ok::<_, anyhow::Error>(command.output()?.status.success())
    };
    ensure!(healthy()?, "a process that answers");
    daemon.kill()?;
    ensure!(!healthy()?, "a process that is gone");
    Ok(())
}
