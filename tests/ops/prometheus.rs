//! A Prometheus of the test's own, with our rules, that scrapes the daemons given.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::http;
use crate::support::process::Process;
use crate::support::wait::eventually;

/// On a busy machine; on an idle one it takes a fraction of a second.
const LISTENS_WITHIN: Duration = Duration::from_secs(30);

pub struct Prometheus {
    address: String,
    _process: Process,
    _directory: TempDir,
}

impl Prometheus {
    /// Scrapes each of `targets` (`host:port`) every second, and evaluates the rules of `rules` as often.
    pub fn start(targets: &[&str], rules: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("prometheus.yml");
        fs::write(
            &file,
            format!(
                "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [{rules:?}]
scrape_configs:
  - job_name: kmirror
    static_configs: [{{ targets: {targets:?} }}]
"
            ),
        )?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0");
        let log = directory.path().join("prometheus.log");
        let mut process = Process::spawn("prometheus", &mut command, &log)
            .context("this suite needs Debian's prometheus package")?;
        let address = eventually("prometheus listens", LISTENS_WITHIN, || {
            if let Ok(Some(status)) = process.exited() {
                panic!("prometheus ended with {status}\n{}", process.tail());
            }
            let output = process.output();
            let line = output
                .lines()
                .find(|line| line.contains("msg=\"Listening on\""));
            let address = line.and_then(|line| line.split("address=").nth(1));
            address.map(str::to_owned).ok_or("no such line")
        });
        Ok(Self {
            address,
            _process: process,
            _directory: directory,
        })
    }

    /// The series that `expression` has now.
    ///
    /// # Errors
    /// When it does not answer, or the expression is wrong.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let data = self.get(&format!("/api/v1/query?query={}", encoded(expression)))?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// Values of `label` among the series of `selector`.
    pub fn label_values(&self, label: &str, selector: &str) -> Result<Vec<Value>> {
        let path = format!("/api/v1/label/{label}/values?match[]={}", encoded(selector));
        Ok(self.get(&path)?.as_array().cloned().unwrap_or_default())
    }

    /// Every rule as it is evaluated.
    pub fn rules(&self) -> Result<Vec<Value>> {
        let data = self.get("/api/v1/rules")?;
        let groups = data["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups
            .iter()
            .filter_map(|group| group["rules"].as_array().cloned());
        Ok(rules.flatten().collect())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = http::get(&self.address, path)?;
        let body: Value =
            serde_json::from_str(&answer.body).with_context(|| answer.body.clone())?;
        ensure!(body["status"] == "success", "{path}: {body}");
        Ok(body["data"].clone())
    }
}

/// Percent-encoded, every byte that is not a letter or digit.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
