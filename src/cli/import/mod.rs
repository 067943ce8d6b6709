//! `kmirror import`: a configuration that does what a deployment of MirrorMaker 2 did.
//!
//! The file goes through `properties` or `connector` (settings with their lines), `flows` (what is copied where), `cluster` and
//! `mirror` (the draft, setting by setting), `account` (whatever nobody has read), `settle` (kmirror's own rules) and
//! `print`. `settings` holds what becomes of each setting, so that none is lost on the way.

mod account;
mod cluster;
mod connector;
mod draft;
mod flow_settings;
mod flows;
mod groups;
mod jaas;
mod mirror;
mod print;
mod properties;
mod references;
mod report;
mod sasl;
mod settings;
mod settle;
mod takeover;
mod tls;
mod topic_configs;
mod topics;
mod without;

#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::terminal::Terminal;
use super::{Exit, Failure};
use draft::Draft;
use flow_settings::FlowSettings;
use flows::Flows;
use properties::Entry;
use references::References;
use settings::Settings;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// MirrorMaker 2's own file (mm2.properties), or the configuration of a MirrorSourceConnector, as properties or JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a file became.
struct Imported {
    yaml: String,
    /// Lines for stderr.
    summary: Vec<String>,
}

/// Prints the configuration on stdout, and in short on stderr what is to be done with it.
pub(super) fn import(args: &ImportArgs) -> Result<Exit, Failure> {
    let path = args.file.display().to_string();
    let bytes = fs::read(&args.file).map_err(|error| {
        Failure::usage(format!(
            "{path}: cannot be read ({error}); make it readable, or correct the path"
        ))
    })?;
    let name = args.file.file_name();
    let name = name.map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
    let text = properties::decode(bytes);
    let imported = convert(&name, &text).map_err(|lines| Failure::usage(lines.join("\n")))?;
    for line in &imported.summary {
        eprintln!("{line}");
    }
    Terminal::stdout().say(imported.yaml.trim_end())?;
    Ok(Exit::Clean)
}

/// Converts the file called `name`, or says what is wrong with it, one line each.
fn convert(name: &str, text: &str) -> Result<Imported, Vec<String>> {
    let entries = read(name, text)?;
    let (settings, flows) = match connector::is_connector(&entries) {
        true => of_connector(name, entries)?,
        false => {
            let settings = Settings::new(name, entries, str::to_owned);
            let flows = Flows::read(&settings);
            (settings, flows)
        }
    };
    let mut references = References::new(&settings);
    let mut draft = draft(&settings, &flows, &mut references);
    references.account(&settings);
    account::close(&settings, &flows);
    let mut problems = settings.problems();
    if problems.is_empty() {
        let rest = settle::settle(&mut draft).into_iter();
        problems.extend(rest.map(|problem| format!("{name}: {problem}")));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let variables = references.variables();
    let before = report::before(name, &draft, variables);
    let behind = report::behind(&settings);
    Ok(Imported {
        yaml: print::whole(&draft, &before, &behind),
        summary: report::summary(&settings, &draft, variables),
    })
}

/// The settings of the file, whichever of its two syntaxes it is in.
fn read(name: &str, text: &str) -> Result<Vec<Entry>, Vec<String>> {
    if text.trim_start().starts_with('{') {
        return connector::read_json(text).map_err(|what| vec![format!("{name}: {what}")]);
    }
    properties::read(text).map_err(|malformed| {
        let line = malformed.line;
        vec![format!("{name}:{line}: {}", malformed.what)]
    })
}

fn of_connector(name: &str, entries: Vec<Entry>) -> Result<(Settings, Flows), Vec<String>> {
    let flow = connector::flow(&entries).map_err(|what| vec![format!("{name}:{what}")])?;
    let own = |key: &str| connector::dedicated_name(key, &flow);
    let settings = Settings::new(name, entries, own);
    for key in [
        "connector.class",
        "source.cluster.alias",
        "target.cluster.alias",
    ] {
        if let Some(carried) = settings.first([flow.key(key)]) {
            carried.carried();
        }
    }
    if let Some(enabled) = settings.first([flow.key("enabled")]) {
        enabled.default();
        if !enabled.value().eq_ignore_ascii_case("true") {
            enabled.wrong("the connector copies nothing", "write `true`");
        }
    }
    Ok((settings, Flows::of_connector(flow)))
}

fn draft(settings: &Settings, flows: &Flows, references: &mut References) -> Draft {
    let aliases = flows.used();
    let clusters = aliases.map(|alias| cluster::cluster(alias, flows, settings, references));
    let clusters = clusters.collect();
    let mirrors = flows.enabled.iter().map(|flow| {
        let own = FlowSettings {
            flow,
            settings,
            references,
        };
        mirror::mirror(&own, flows)
    });
    Draft {
        clusters,
        mirrors: mirrors.collect(),
    }
}
