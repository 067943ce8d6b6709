//! Reads one entry of `clusters`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::choices::SaslMechanism;
use super::cluster::{Cluster, Sasl, Tls};
use super::fields::Fields;
use super::key::{Absent, Key, PemPath};
use super::keys::{CLUSTER, SASL, TLS};
use super::properties::{self, PropertyValue};
use super::secret::Secret;
use super::servers::Servers;
use super::topic_name::is_topic_character;
use super::yaml::{Node, Text};

/// Longest name of a cluster or mirror: topic and group names, which Kafka bounds, are made of it.
pub(super) const MAX_NAME: usize = 100;

/// Reads the cluster; `None` when anything is wrong with it, which was reported.
pub(super) fn cluster(name: &str, mut fields: Fields<'_>, base: &Path) -> Option<Cluster> {
    let before = fields.problems().count();
    check_name(name, &fields);
    let bootstrap_servers = servers(&mut fields);
    let tls = fields.section(
        &CLUSTER.tls,
        "`{ ca: ca.pem }`, or `{}` for the system's authorities",
    );
    let tls = tls.map(|fields| read_tls(fields, base));
    let sasl = fields.section(
        &CLUSTER.sasl,
        "`{ mechanism: SCRAM-SHA-512, username: …, password: … }`",
    );
    let sasl = sasl.and_then(read_sasl);
    let client = fields.section(&CLUSTER.client, "a mapping of librdkafka properties");
    let client = client.map(read_client).unwrap_or_default();
    let problems = fields.problems();
    fields.close();
    let sound = problems.count() == before;
    let cluster = Cluster {
        name: name.to_owned(),
        bootstrap_servers: bootstrap_servers?,
        tls,
        sasl,
        client,
    };
    sound.then_some(cluster)
}

fn check_name(name: &str, fields: &Fields<'_>) {
    let well_formed = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_topic_character);
    if !well_formed {
        let what = "is not a name for a cluster, which topic names are made of";
        let remedy = format!("write 1 to {MAX_NAME} letters, digits, `.`, `_` or `-`");
        fields.problems().add(fields.path(), what, remedy);
    }
}

fn servers(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.required_text(
        &CLUSTER.bootstrap_servers,
        "`\"host:9092\"`, or several separated by commas",
    )?;
    match Servers::parse(&text.value) {
        Ok(servers) => Some(servers.to_string()),
        Err(fault) => {
            fields.fault(CLUSTER.bootstrap_servers.name, fault.why, fault.remedy);
            None
        }
    }
}

fn read_tls(mut fields: Fields<'_>, base: &Path) -> Tls {
    check_pairs(&fields);
    let tls = Tls {
        ca: pem(&mut fields, &TLS.ca, base),
        certificate: pem(&mut fields, &TLS.certificate, base),
        key: pem(&mut fields, &TLS.key, base),
        key_password: fields.hidden(&TLS.key_password),
        verify_hostname: fields.or_default(&TLS.verify_hostname),
    };
    fields.close();
    tls
}

/// A certificate, its key and the key's password belong together.
fn check_pairs(fields: &Fields<'_>) {
    let [certificate, key] = [TLS.certificate.name, TLS.key.name];
    for (of, missing, what) in [
        (certificate, key, "its private key"),
        (TLS.key_password.name, key, "the key that it opens"),
        (key, certificate, "the certificate it belongs to"),
    ] {
        if fields.has(of) && !fields.has(missing) {
            fields.fault(
                of,
                format!("stands without `{missing}`"),
                format!("write {what} as `{missing}`"),
            );
        }
    }
}

/// The path at `key`, which must lead to a PEM file. Key stores of Java look like a path too, and would fail only
/// when connecting.
fn pem(fields: &mut Fields<'_>, key: &Key<PemPath, Absent>, base: &Path) -> Option<PathBuf> {
    let text = fields.text(key)?;
    let path = base.join(&text.value);
    match looks_like_pem(&path) {
        _ if key.name == TLS.ca.name && path.is_dir() => {}
        Ok(true) => {}
        Ok(false) => {
            let remedy = "convert it, with `openssl` or `keytool -exportcert -rfc`";
            fields.fault(
                key.name,
                format!("{} is not a PEM file", text.shown()),
                remedy,
            );
        }
        Err(error) => {
            let what = format!("cannot read {} ({error})", text.shown());
            fields.fault(
                key.name,
                what,
                "create the file, make it readable, or correct the path",
            );
        }
    }
    Some(path)
}

fn looks_like_pem(path: &Path) -> std::io::Result<bool> {
    /// Behind the text that tools like to put in front of the first block.
    const LOOK_AT: u64 = 1 << 20;
    let mut bytes = Vec::new();
    File::open(path)?.take(LOOK_AT).read_to_end(&mut bytes)?;
    let begin = b"-----BEGIN ";
    Ok(bytes.windows(begin.len()).any(|window| window == begin))
}

fn read_sasl(mut fields: Fields<'_>) -> Option<Sasl> {
    let mechanism: Option<SaslMechanism> = fields.required(
        &SASL.mechanism,
        "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`",
    );
    let username = fields.required_text(&SASL.username, "the user name");
    let password: Option<Secret> =
        fields.required_hidden(&SASL.password, "`\"${NAME}\"` or `\"${file:/path}\"`");
    fields.close();
    Some(Sasl {
        mechanism: mechanism?,
        username: username?.value,
        password: password?,
    })
}

fn read_client(fields: Fields<'_>) -> BTreeMap<String, String> {
    let mut client = BTreeMap::new();
    for (property, node) in fields.entries() {
        let Some(PropertyValue(value)) = fields.read_entry(property, node) else {
            continue;
        };
        let visible = !matches!(node, Node::Text(Text { visible: false, .. }));
        match properties::check(
            property,
            &Text {
                value: value.clone(),
                visible,
            },
        ) {
            Ok(()) => drop(client.insert(property.clone(), value)),
            Err(fault) => fields.fault(property, fault.why, fault.remedy),
        }
    }
    client
}
