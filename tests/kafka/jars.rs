//! Fetches Apache Kafka's jars with Maven, once: into `target/kafka/libs`, as `pom.xml` beside this file says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

const POM: &str = include_str!("pom.xml");
const POM_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/pom.xml");
/// The build's `target/tmp`.
const TARGET_TMP: &str = env!("CARGO_TARGET_TMPDIR");

/// A Java class path of all jars. Whoever comes first fetches them; the others, in any process, wait for it.
pub fn class_path() -> Result<String> {
    let directory = Path::new(TARGET_TMP)
        .parent()
        .context("a target directory")?
        .join("kafka");
    fs::create_dir_all(&directory)?;
    let lock = File::create(directory.join("lock"))?;
    lock.lock()?;
    // Written last, so that a fetch that was cut off is done again, and so is one of another version.
    let fetched = directory.join("fetched.xml");
    let libs = directory.join("libs");
    if fs::read_to_string(&fetched).is_ok_and(|pom| pom == POM) {
        return Ok(format!("{}/*", libs.display()));
    }
    fetch(&libs)?;
    fs::write(&fetched, POM)?;
    Ok(format!("{}/*", libs.display()))
}

fn fetch(libs: &PathBuf) -> Result<()> {
    if libs.exists() {
        fs::remove_dir_all(libs)?;
    }
    let output = Command::new("mvn")
        .args(["-B", "-q", "-f", POM_PATH, "dependency:copy-dependencies"])
        .arg(format!("-Dlibs={}", libs.display()))
        .output()
        .context("run mvn: the real-Kafka suite needs Maven on the PATH")?;
    let said = || {
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    ensure!(
        output.status.success(),
        "mvn could not fetch Apache Kafka ({}):\n{}",
        output.status,
        said()
    );
    Ok(())
}
