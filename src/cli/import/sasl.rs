//! Maps how a client authenticates.

use super::cluster::ClusterSettings;
use super::draft::{Mapping, Text, Value};
use super::jaas::{self, Login};
use super::references::References;
use super::settings::{Setting, shown};

const CARRIED: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// Writes `sasl` into the keys of a cluster, or what the reader has to do instead.
pub(super) fn map(own: &ClusterSettings<'_>, keys: &mut Mapping, references: &mut References) {
    let mechanism = own.get("sasl.mechanism");
    // SaslConfigs.DEFAULT_SASL_MECHANISM
    let name = mechanism.as_ref().map_or("GSSAPI", |it| it.value());
    let login = own.get("sasl.jaas.config");
    if !CARRIED.contains(&name) {
        let name = shown(name);
        let why = format!(
            "kmirror authenticates by PLAIN and SCRAM, not by {name}: give it a user of its own, and write `sasl` on the cluster"
        );
        keys.decide(format!(
            "cluster {}: the client authenticates by {name}, and kmirror by PLAIN and SCRAM only. Give it a user, and write `sasl: {{ mechanism: SCRAM-SHA-512, username: …, password: … }}`.",
            own.alias
        ));
        for setting in mechanism.iter().chain(&login) {
            setting.left(why.as_str());
        }
        return;
    }
    if let Some(mechanism) = &mechanism {
        mechanism.carried();
    }
    let (username, password) = match login {
        Some(login) => credentials(own, &login, keys, references),
        None => {
            keys.comment("MirrorMaker 2 has the user from the file that -Djava.security.auth.login.config names.");
            elsewhere(
                own,
                "KafkaClient's login in the JAAS file of MirrorMaker 2's process",
                references,
            )
        }
    };
    let mut sasl = Mapping::default();
    sasl.set("mechanism", Value::Bare(name.to_owned()));
    sasl.set("username", Value::Text(username));
    sasl.set("password", Value::Text(password));
    keys.set("sasl", Value::Mapping(sasl));
}

/// Accounts for the settings of a client that does not authenticate.
pub(super) fn leave(own: &ClusterSettings<'_>) {
    for name in ["sasl.mechanism", "sasl.jaas.config"] {
        if let Some(setting) = own.get(name) {
            setting.left("not in use: `security.protocol` is without SASL");
        }
    }
}

/// User name and password.
fn credentials(
    own: &ClusterSettings<'_>,
    login: &Setting<'_>,
    keys: &mut Mapping,
    references: &mut References,
) -> (Text, Text) {
    login.carried();
    let whole_is_elsewhere = login.value().starts_with("${") && references.holds_any(login.value());
    if whole_is_elsewhere {
        let from = format!("the login that {} refers to", login.place());
        return elsewhere(own, &from, references);
    }
    let Login { module, options } = match jaas::read(login.value()) {
        Ok(login) => login,
        Err(why) => {
            let remedy = "write `…LoginModule required username=\"…\" password=\"…\";`";
            login.wrong(why, remedy);
            return (Text::default(), Text::default());
        }
    };
    let option = |name: &str| options.get(name).map(String::as_str);
    let (Some(username), Some(password)) = (option("username"), option("password")) else {
        let remedy = "write `username=\"…\" password=\"…\"` behind `required`";
        login.wrong("has no user name and password", remedy);
        return (Text::default(), Text::default());
    };
    if option("tokenauth").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        keys.decide(format!(
            "cluster {}: the client authenticates by a delegation token, which kmirror does not know. Give it a user of its own.",
            own.alias
        ));
    }
    if !matches!(module.as_str(), "PlainLoginModule" | "ScramLoginModule") {
        keys.decide(format!(
            "cluster {}: {} logs in by a class of its own, {}. Whether its user name and password do alone is for you to see.",
            own.alias,
            login.place(),
            shown(&module)
        ));
    }
    let hint = |what: &str| own.hint(login, "sasl.jaas.config", what);
    let username = references.translate(username, &hint("sasl.username"));
    let from = format!("the password in {}", login.place());
    let password = references.secret(password, &hint("sasl.password"), from);
    (username, password)
}

/// Variables for a user name and a password that do not stand in the file.
fn elsewhere(own: &ClusterSettings<'_>, place: &str, references: &mut References) -> (Text, Text) {
    let mut variable = |what: &str, key: &str| {
        let from = format!("the {key} of cluster {}, from {place}", own.alias);
        Text::variable(references.variable(&format!("{}.{what}", own.alias), from))
    };
    let username = variable("sasl.username", "user name");
    (username, variable("sasl.password", "password"))
}
