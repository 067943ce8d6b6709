//! Every command of the documentation is run here, or says what it needs that is not here.
//!
//! A line above each block of commands says which: `<!-- test: runs -->`, `<!-- test: runs until "TEXT" -->` for commands that
//! go on until Ctrl-C (each is stopped once it has written TEXT), or `<!-- test: needs … -->`. They find what the pages speak of:
//! a mirror of `orders` from paris to dublin in `kmirror.yaml`, or in the page's own block `<!-- test: kmirror.yaml -->`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::harness::{SOON, Sites, await_ready};
use crate::support::cli::kmirror;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::process::Process;
use crate::support::wait::eventually;

/// One block between fences.
#[derive(Debug)]
struct Block {
    /// Where it begins.
    line: usize,
    language: String,
    /// What stands in the comment above it.
    marker: Option<String>,
    text: String,
}

fn pages() -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("bench/README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    pages.sort();
    Ok(pages)
}

fn blocks(page: &Path) -> Result<Vec<Block>> {
    let text = fs::read_to_string(page)?;
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    let mut above = "";
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, Some(language)) => {
                let marker = above.strip_prefix("<!-- test: ");
                let marker = marker.and_then(|marker| marker.strip_suffix(" -->"));
                open = Some(Block {
                    line: index + 1,
                    language: language.to_owned(),
                    marker: marker.map(str::to_owned),
                    text: String::new(),
                });
            }
            (None, None) => above = line,
        }
    }
    Ok(blocks)
}

fn commands(page: &Path) -> Result<Vec<Block>> {
    let blocks = blocks(page)?.into_iter();
    Ok(blocks.filter(|block| block.language == "sh").collect())
}

#[test]
fn every_block_of_commands_says_whether_it_is_run_here() -> Result<()> {
    let mut run = 0;
    for page in pages()? {
        for block in commands(&page)? {
            let place = format!("{}:{}", page.display(), block.line);
            let marker = block
                .marker
                .with_context(|| format!("{place}: no marker"))?;
            let known = marker == "runs" || text_awaited(&marker).is_some();
            ensure!(known || marker.starts_with("needs "), "{place}: {marker}");
            run += usize::from(known);
        }
    }
    ensure!(run > 8, "only {run} blocks are run");
    Ok(())
}

#[test]
fn every_verb_and_option_that_the_pages_name_exists() -> Result<()> {
    for page in pages()? {
        for block in commands(&page)? {
            for line in block.text.lines() {
                let line = line.split(" #").next().unwrap_or_default();
                let Some(arguments) = line.trim().strip_prefix("kmirror ") else {
                    continue;
                };
                let mut words = arguments.split_whitespace();
                let verb = words.next().unwrap_or_default();
                let help = kmirror(&[verb, "--help"])?;
                ensure!(help.code == Some(0), "{}: {line}", page.display());
                for option in words.filter(|word| word.starts_with("--")) {
                    ensure!(
                        help.stdout.contains(option),
                        "{}: {line}: {option}",
                        page.display()
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_command_that_needs_nothing_else_does_what_it_says() -> Result<()> {
    let mut sites = Sites::start()?;
    sites.source.client.create_topic("orders", 2, &[])?;
    sites.write("orders", 0, 100)?;
    for page in pages()? {
        let blocks = blocks(&page)?;
        let runs = |block: &Block| {
            let marker = block.marker.as_deref();
            block.language == "sh" && marker.is_some_and(|marker| !marker.starts_with("needs "))
        };
        if blocks.iter().any(runs) {
            let own = blocks
                .iter()
                .find(|block| block.marker.as_deref() == Some("kmirror.yaml"));
            let stage = Stage::set(&sites, own.map(|block| block.text.as_str()))?;
            for block in blocks.iter().filter(|block| runs(block)) {
                stage
                    .run(block)
                    .with_context(|| format!("{}:{}", page.display(), block.line))?;
            }
        }
    }
    Ok(())
}

/// TEXT of `runs until "TEXT"`.
fn text_awaited(marker: &str) -> Option<&str> {
    marker.strip_prefix("runs until \"")?.strip_suffix('"')
}

/// What one page's commands find.
struct Stage {
    config: ConfigFile,
    daemon: Daemon,
    /// Addresses that the pages name, and those that are meant here.
    addresses: Vec<(&'static str, String)>,
}

impl Stage {
    fn set(sites: &Sites, own: Option<&str>) -> Result<Self> {
        let text = own.unwrap_or(
            "clusters:
  paris: { bootstrap_servers: '127.0.0.1:9092' }
  dublin: { bootstrap_servers: '127.0.0.1:9192' }
mirrors: [{ source: paris, target: dublin, topics: [orders] }]
",
        );
        let ends = [
            ("127.0.0.1:9092", sites.source.bootstrap().to_owned()),
            ("127.0.0.1:9192", sites.target.bootstrap().to_owned()),
        ];
        let here = replaced(text, &ends);
        let more = "http: { listen: '127.0.0.1:0' }\nlog: { format: json }\n";
        let config = ConfigFile::of(&format!("{here}{more}"))?;
        let daemon = Daemon::start("daemon", &config)?;
        await_ready(&daemon, 200);
        let listener = ("127.0.0.1:9646", daemon.http().to_owned());
        let addresses = ends.into_iter().chain([listener]).collect();
        Ok(Self {
            config,
            daemon,
            addresses,
        })
    }

    fn run(&self, block: &Block) -> Result<()> {
        match block.marker.as_deref().and_then(text_awaited) {
            Some(text) => block
                .text
                .lines()
                .try_for_each(|line| self.until(line, text)),
            None => self.to_the_end(&block.text),
        }
    }

    fn to_the_end(&self, script: &str) -> Result<()> {
        let script = replaced(script, &self.addresses);
        let ran = self.bash(&format!("set -eo pipefail\n{script}")).output()?;
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(ran.status.success(), "{script}{}: {said}", ran.status);
        ensure!(!said.is_empty(), "{script} says nothing");
        Ok(())
    }

    /// What listens takes a free port instead of the page's.
    fn until(&self, line: &str, text: &str) -> Result<()> {
        let free = self
            .addresses
            .iter()
            .map(|(address, _)| (*address, "127.0.0.1:0".to_owned()));
        let line = replaced(line, &free.collect::<Vec<_>>());
        let log = tempfile::NamedTempFile::new()?;
        let mut process =
            Process::spawn(&line, &mut self.bash(&format!("exec {line}")), log.path())?;
        eventually(&format!("{line} says {text}"), SOON, || {
            let output = process.output();
            ensure!(output.contains(text), "{output}");
            Ok(())
        });
        process.signal(Signal::INT)?;
        let status = process.wait_exit(SOON);
        ensure!(status.success(), "{line} ended with {status}");
        Ok(())
    }

    /// In the directory of the configuration, with this build's `kmirror` first on the path.
    fn bash(&self, script: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_kmirror"));
        let directory = binary.parent().unwrap_or(binary);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-c", script])
            .current_dir(self.config.directory())
            .env("PATH", format!("{}:{path}", directory.display()));
        command
    }
}

impl Drop for Stage {
    /// The next page's daemon finds the groups left.
    fn drop(&mut self) {
        // One that does not end in time is killed when it is dropped.
        let _ = self.daemon.terminate(SOON);
    }
}

fn replaced(text: &str, addresses: &[(&'static str, String)]) -> String {
    let replace = |text: String, (from, to): &(&str, String)| text.replace(from, to);
    addresses.iter().fold(text.to_owned(), replace)
}
