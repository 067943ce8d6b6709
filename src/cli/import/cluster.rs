//! Maps the settings of one cluster: its addresses, and what every client of it is told.

use super::draft::{Cluster, Mapping, Piece, Text};
use super::flows::Flows;
use super::references::References;
use super::settings::{Setting, Settings, shown};
use super::{sasl, tls};

/// Properties that mean the same to librdkafka, with its name for them.
const PASSED_ON: [(&str, &str); 8] = [
    ("client.rack", "client.rack"),
    ("client.dns.lookup", "client.dns.lookup"),
    ("connections.max.idle.ms", "connections.max.idle.ms"),
    ("reconnect.backoff.ms", "reconnect.backoff.ms"),
    ("reconnect.backoff.max.ms", "reconnect.backoff.max.ms"),
    (
        "socket.connection.setup.timeout.ms",
        "socket.connection.setup.timeout.ms",
    ),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
];

/// Where a cluster's settings are looked for.
pub(super) struct ClusterSettings<'s> {
    pub(super) alias: &'s str,
    settings: &'s Settings,
    flows: &'s Flows,
}

impl<'s> ClusterSettings<'s> {
    /// The setting for the clients that move the records, by MirrorMaker 2's precedence: `A->B.source.consumer.x` before
    /// `A.consumer.x`, `A.x` and `x`. kmirror has one set of settings for all clients of a cluster, so that those of
    /// the others come last.
    pub(super) fn get(&self, name: &str) -> Option<Setting<'s>> {
        let own = |role: &str| format!("{}.{role}{name}", self.alias);
        let mut names = self.of_flows(&["source.consumer."], &["producer.override."], name);
        if self.flows.reads_from(self.alias) {
            names.push(own("consumer."));
        }
        if self.flows.writes_to(self.alias) {
            names.push(own("producer."));
        }
        names.extend(["", "admin.", "consumer.", "producer."].map(own));
        names.push(name.to_owned());
        names.extend(self.of_flows(
            &["source.cluster.", "source.admin.", "consumer.", "admin."],
            &[
                "target.cluster.",
                "target.producer.",
                "target.admin.",
                "target.consumer.",
                "producer.",
                "admin.",
            ],
            name,
        ));
        self.settings.first(names)
    }

    /// The setting for consumers of the cluster, or for producers where it is only written to. The top of the file has none.
    fn of_clients(&self, name: &str) -> Option<Setting<'s>> {
        let (reads, writes) = (
            self.flows.reads_from(self.alias),
            self.flows.writes_to(self.alias),
        );
        let mut names = self.of_flows(
            &["source.consumer.", "consumer."],
            &["producer.override."],
            name,
        );
        let roles = [(reads, "consumer."), (writes, "producer.")];
        let roles = roles.into_iter().filter(|(is_used, _)| *is_used);
        names.extend(roles.map(|(_, role)| format!("{}.{role}{name}", self.alias)));
        self.settings.first(names)
    }

    fn of_flows(&self, source: &[&str], target: &[&str], name: &str) -> Vec<String> {
        let flows = self.flows.enabled.iter();
        let keys = flows.flat_map(|flow| {
            let is_source = flow.source == self.alias;
            let is_target = flow.target == self.alias;
            let ends = [(is_source, source), (is_target, target)];
            let ends = ends.into_iter().filter(|(is_end, _)| *is_end);
            let prefixes = ends.flat_map(|(_, prefixes)| prefixes);
            prefixes.map(|prefix| flow.key(&format!("{prefix}{name}")))
        });
        keys.collect()
    }

    /// What a variable for a secret is called after: the cluster, unless all clusters have it from the top of the file.
    pub(super) fn hint(&self, setting: &Setting<'_>, name: &str, what: &str) -> String {
        match setting.key() == name {
            true => what.to_owned(),
            false => format!("{}.{what}", self.alias),
        }
    }
}

/// The cluster as kmirror has it; what is wrong is noted in `settings`.
pub(super) fn cluster(
    alias: &str,
    flows: &Flows,
    settings: &Settings,
    references: &mut References,
) -> Cluster {
    let own = ClusterSettings {
        alias,
        settings,
        flows,
    };
    let mut keys = Mapping::default();
    check_name(alias, settings);
    servers(&own, &mut keys, references);
    let protocol = protocol(&own);
    match protocol.encrypts {
        true => tls::map(&own, &mut keys, references),
        false => tls::leave(&own),
    }
    match protocol.authenticates {
        true => sasl::map(&own, &mut keys, references),
        false => sasl::leave(&own),
    }
    pass_on(&own, &mut keys);
    Cluster {
        name: alias.to_owned(),
        keys,
    }
}

fn check_name(alias: &str, settings: &Settings) {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let is_name = (1..=100).contains(&alias.len()) && alias.chars().all(is_part);
    if let (false, Some(clusters)) = (is_name, settings.first(["clusters"])) {
        let what = format!("`{}` is no name for a cluster", shown(alias));
        let remedy = "topics are named after it: write 1 to 100 letters, digits, `.`, `_` or `-`";
        clusters.wrong(what, remedy);
    }
}

fn servers(own: &ClusterSettings<'_>, keys: &mut Mapping, references: &mut References) {
    let Some(servers) = own.get("bootstrap.servers") else {
        let alias = shown(own.alias);
        let what = format!(
            "cluster {alias} has no addresses; write `{alias}.bootstrap.servers = host:9092`"
        );
        own.settings.problem(what);
        return;
    };
    servers.carried();
    let hint = own.hint(&servers, "bootstrap.servers", "bootstrap.servers");
    let Text(pieces) = references.translate(servers.value(), &hint);
    let plain = |piece| match piece {
        Piece::Literal(text) => Piece::Literal(addresses(&text)),
        reference => reference,
    };
    keys.set(
        "bootstrap_servers",
        super::draft::Value::Text(Text(pieces.into_iter().map(plain).collect())),
    );
}

/// Without blanks, and without the protocol that Kafka allows in front of an address and pays no heed to.
fn addresses(text: &str) -> String {
    let entry = |entry: &str| {
        let entry = entry.trim();
        let behind = entry.split_once("://").map(|(_, behind)| behind);
        behind.unwrap_or(entry).to_owned()
    };
    let entries: Vec<_> = text.split(',').map(entry).collect();
    entries.join(",")
}

/// What `security.protocol` asks for.
struct Protocol {
    encrypts: bool,
    authenticates: bool,
}

fn protocol(own: &ClusterSettings<'_>) -> Protocol {
    let setting = own.get("security.protocol");
    let name = setting.as_ref().map(|setting| setting.value());
    let name = name.unwrap_or("PLAINTEXT").to_uppercase();
    let (encrypts, authenticates) = match name.as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            if let Some(setting) = &setting {
                let remedy = "write `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`";
                setting.wrong("is no security protocol", remedy);
            }
            (false, false)
        }
    };
    if let Some(setting) = setting {
        setting.settled(!encrypts && !authenticates);
    }
    Protocol {
        encrypts,
        authenticates,
    }
}

fn pass_on(own: &ClusterSettings<'_>, keys: &mut Mapping) {
    let mut client = Mapping::default();
    for (name, property) in PASSED_ON {
        let Some(setting) = own.of_clients(name) else {
            continue;
        };
        // The system's own size, which librdkafka takes unless told otherwise.
        let is_default = name.ends_with(".buffer.bytes") && setting.value() == "-1";
        setting.settled(is_default);
        if !is_default {
            client.set(property, setting.value());
        }
    }
    if !client.0.is_empty() {
        keys.set("client", super::draft::Value::Mapping(client));
    }
}
