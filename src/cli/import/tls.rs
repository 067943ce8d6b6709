//! Maps how a connection is encrypted: stores of PEM are taken over, those of Java have to be converted first.

use std::path::Path;

use super::cluster::ClusterSettings;
use super::draft::{Mapping, Value};
use super::references::References;
use super::settings::{Setting, shown};

/// What this file maps.
const NAMES: [&str; 11] = [
    "ssl.truststore.location",
    "ssl.truststore.type",
    "ssl.truststore.password",
    "ssl.truststore.certificates",
    "ssl.keystore.location",
    "ssl.keystore.type",
    "ssl.keystore.password",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.key.password",
    "ssl.endpoint.identification.algorithm",
];

/// Writes `tls` into the keys of a cluster.
pub(super) fn map(own: &ClusterSettings<'_>, keys: &mut Mapping, references: &mut References) {
    let mut tls = Mapping::default();
    let mut relative = Vec::new();
    relative.extend(authorities(own, keys, &mut tls, references));
    relative.extend(identity(own, keys, &mut tls, references));
    host_names(own, &mut tls);
    if !relative.is_empty() {
        keys.comment(format!(
            "Relative paths begin at the directory of this file, and began at the one MirrorMaker 2 was started in: {}.",
            relative.join(", ")
        ));
    }
    keys.set("tls", Value::Mapping(tls));
}

/// Accounts for the settings of a connection that is not encrypted.
pub(super) fn leave(own: &ClusterSettings<'_>) {
    for name in NAMES {
        if let Some(setting) = own.get(name) {
            setting.left("not in use: `security.protocol` is without TLS");
        }
    }
}

/// The type of a store, and where it lies.
struct Store<'s> {
    location: Option<Setting<'s>>,
    is_pem: bool,
}

/// The store that `ssl.<which>.location` and `ssl.<which>.type` describe.
fn store<'s>(own: &ClusterSettings<'s>, which: &str) -> Store<'s> {
    let kind = own.get(&format!("ssl.{which}.type"));
    let is_pem = kind
        .as_ref()
        .is_some_and(|kind| kind.value().eq_ignore_ascii_case("PEM"));
    if let Some(kind) = kind {
        match is_pem {
            true => kind.carried(),
            false => kind.left("kmirror reads PEM: see the comment on the cluster"),
        }
    }
    Store {
        location: own.get(&format!("ssl.{which}.location")),
        is_pem,
    }
}

fn authorities(
    own: &ClusterSettings<'_>,
    keys: &mut Mapping,
    tls: &mut Mapping,
    references: &mut References,
) -> Option<String> {
    let store = store(own, "truststore");
    let is_pem = store.is_pem;
    if let Some(password) = own.get("ssl.truststore.password") {
        password.left("a PEM file of authorities has none");
    }
    if let Some(inline) = own.get("ssl.truststore.certificates") {
        inline.left("kmirror has them from a file: put them there, and write its path as `tls.ca`");
        keys.decide(format!(
            "cluster {}: put the certificates of {} into a file, and write its path as `tls.ca`.",
            own.alias,
            inline.place()
        ));
    }
    let location = store.location?;
    if !is_pem {
        let path = shown(location.value());
        location.left("kmirror reads PEM: see the comment on the cluster");
        keys.decide(format!(
            "cluster {}: convert the Java store {path} with `keytool -list -rfc -keystore {path} > ca.pem`, and write `tls: {{ ca: ca.pem }}`. Until then the system's authorities are trusted.",
            own.alias
        ));
        return None;
    }
    location.carried();
    let hint = own.hint(&location, "ssl.truststore.location", "tls.ca");
    tls.set(
        "ca",
        Value::Text(references.translate(location.value(), &hint)),
    );
    relative(&location)
}

fn identity(
    own: &ClusterSettings<'_>,
    keys: &mut Mapping,
    tls: &mut Mapping,
    references: &mut References,
) -> Option<String> {
    let store = store(own, "keystore");
    if let Some(password) = own.get("ssl.keystore.password") {
        password.left("a PEM file has none; `key_password` opens the key");
    }
    let leave_password = |why: &str| {
        if let Some(password) = own.get("ssl.key.password") {
            password.left(why);
        }
    };
    let by_hand = inline_identity(own).or_else(|| match (&store.location, store.is_pem) {
        (Some(location), false) => Some(java_identity(own, location)),
        _ => None,
    });
    match (by_hand, store.location) {
        (Some(what), location) => {
            if let (Some(location), true) = (location, store.is_pem) {
                location.left("the certificate stands in MirrorMaker 2's file as well");
            }
            leave_password(
                "belongs to the key that is to be converted; write it as `tls.key_password`",
            );
            keys.decide(what);
            None
        }
        (None, Some(location)) => pem_identity(own, &location, tls, references),
        (None, None) => {
            leave_password("there is no key for it to open");
            None
        }
    }
}

/// What to do about a certificate and a key that stand in MirrorMaker 2's file itself.
fn inline_identity(own: &ClusterSettings<'_>) -> Option<String> {
    let inline = ["ssl.keystore.key", "ssl.keystore.certificate.chain"].map(|name| own.get(name));
    for setting in inline.iter().flatten() {
        setting.left(
            "kmirror has it from a file: put it there, and write `tls.certificate` and `tls.key`",
        );
    }
    let first = inline.into_iter().flatten().next()?;
    Some(format!(
        "cluster {}: put the client's certificate and key, {}, into files, and write their paths as `tls.certificate` and `tls.key`.",
        own.alias,
        first.place()
    ))
}

/// What to do about a certificate and a key in a store of Java.
fn java_identity(own: &ClusterSettings<'_>, location: &Setting<'_>) -> String {
    let path = shown(location.value());
    location.left("kmirror reads PEM: see the comment on the cluster");
    format!(
        "cluster {}: convert the Java store {path} with `keytool -importkeystore -srckeystore {path} -destkeystore client.p12 -deststoretype PKCS12` and `openssl pkcs12 -in client.p12 -out client.pem`, and write `tls: {{ certificate: client.pem, key: client.pem }}` with its `key_password`. Until then the client has no certificate.",
        own.alias
    )
}

/// Kafka's PEM store holds the certificate and its key, and so may the files of kmirror.
fn pem_identity(
    own: &ClusterSettings<'_>,
    location: &Setting<'_>,
    tls: &mut Mapping,
    references: &mut References,
) -> Option<String> {
    location.carried();
    let hint = own.hint(location, "ssl.keystore.location", "tls.key");
    let path = references.translate(location.value(), &hint);
    tls.set("certificate", Value::Text(path.clone()));
    tls.set("key", Value::Text(path));
    if let Some(password) = own.get("ssl.key.password") {
        password.carried();
        let hint = own.hint(&password, "ssl.key.password", "tls.key.password");
        let from = format!("the value of {}", password.place());
        let secret = references.secret(password.value(), &hint, from);
        tls.set("key_password", Value::Text(secret));
    }
    relative(location)
}

fn host_names(own: &ClusterSettings<'_>, tls: &mut Mapping) {
    let Some(algorithm) = own.get("ssl.endpoint.identification.algorithm") else {
        return;
    };
    match algorithm.value() {
        "" => {
            algorithm.carried();
            tls.set("verify_hostname", false);
        }
        "https" | "HTTPS" => algorithm.default(),
        _ => algorithm.left("`tls.verify_hostname` is on, as for `https`"),
    }
}

/// The path when it is a relative one.
fn relative(location: &Setting<'_>) -> Option<String> {
    let path = location.value();
    let is_relative = !Path::new(path).is_absolute() && !path.starts_with("${");
    is_relative.then(|| shown(path))
}
