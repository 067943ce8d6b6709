//! A configuration for the daemon, written to a file that several daemons may share.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

/// The file and the directory it lies in; the daemons started from it log there too.
pub struct ConfigFile {
    directory: TempDir,
    path: PathBuf,
}

impl ConfigFile {
    /// A file of this content.
    pub fn of(yaml: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("kmirror.yaml");
        fs::write(&path, yaml)?;
        Ok(Self { directory, path })
    }

    /// Puts other content in its place, for a daemon that reads it again.
    pub fn rewrite(&self, yaml: &str) -> Result<()> {
        Ok(fs::write(&self.path, yaml)?)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// A mirror from cluster `source` to cluster `target`, everything else at its default unless said.
pub struct Config {
    source: String,
    target: String,
    client: Vec<(String, String)>,
    mirror: Vec<(String, String)>,
    top: Vec<(String, String)>,
    /// Bootstrap servers of another source, if there is one.
    beside: Option<String>,
    /// What the daemons log, at least.
    log_level: &'static str,
}

impl Config {
    /// Mirrors the topics that match `topics` from one bootstrap server to another.
    pub fn mirror(source: &str, target: &str, topics: &[&str]) -> Self {
        let topics = topics
            .iter()
            .map(|topic| format!("{topic:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            source: source.to_owned(),
            target: target.to_owned(),
            client: Vec::new(),
            mirror: vec![("topics".to_owned(), format!("[{topics}]"))],
            top: Vec::new(),
            beside: None,
            log_level: "info",
        }
    }

    /// Adds another mirror, of all topics from cluster `other` at `bootstrap` to cluster `target`.
    pub fn beside(mut self, bootstrap: &str) -> Self {
        self.beside = Some(bootstrap.to_owned());
        self
    }

    /// Sets a librdkafka property for both clusters.
    pub fn client(mut self, property: &str, value: &str) -> Self {
        self.client
            .push((property.to_owned(), format!("{value:?}")));
        self
    }

    /// Has the daemons log what librdkafka sends and is answered.
    pub fn tells_of_messages(mut self) -> Self {
        self.log_level = "debug";
        self.client("debug", "msg")
    }

    /// Sets a key of the mirror, its value in YAML, in place of what was set before.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.mirror.retain(|(known, _)| known != key);
        self.mirror.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets a key at the top of the file, its value in YAML.
    pub fn top(mut self, key: &str, value: &str) -> Self {
        self.top.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn write(&self) -> Result<ConfigFile> {
        ConfigFile::of(&self.yaml()?)
    }

    /// The file's content.
    pub fn yaml(&self) -> Result<String> {
        let mut yaml = String::from("clusters:\n");
        let own = [("source", &self.source), ("target", &self.target)];
        let other = self.beside.iter().map(|bootstrap| ("other", bootstrap));
        for (name, bootstrap) in own.into_iter().chain(other) {
            writeln!(yaml, "  {name}:\n    bootstrap_servers: {bootstrap:?}")?;
            if !self.client.is_empty() {
                writeln!(yaml, "    client:")?;
            }
            for (property, value) in &self.client {
                writeln!(yaml, "      {property}: {value}")?;
            }
        }
        writeln!(yaml, "mirrors:\n  - source: source\n    target: target")?;
        for (key, value) in &self.mirror {
            writeln!(yaml, "    {key}: {value}")?;
        }
        if self.beside.is_some() {
            writeln!(yaml, "  - source: other\n    target: target")?;
        }
        writeln!(
            yaml,
            "http: {{ listen: \"127.0.0.1:0\" }}\nlog: {{ format: json, level: {} }}",
            self.log_level
        )?;
        for (key, value) in &self.top {
            writeln!(yaml, "{key}: {value}")?;
        }
        Ok(yaml)
    }
}
