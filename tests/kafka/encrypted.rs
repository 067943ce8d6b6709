//! A mirror between clusters that want TLS with certificates of both sides, and SCRAM: librdkafka's connections and kmirror's
//! own, by the same keys of the configuration.

use std::time::Duration;

use anyhow::Result;

use crate::certificates::PASSWORD;
use crate::clusters::Clusters;
use crate::properties::TRUSTED;
use crate::support::cli::kmirror_on;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(90);
const TOPIC: &str = "encrypted";

/// `spoil` changes what is written of each cluster.
fn config(clusters: &Clusters, spoil: impl Fn(String) -> String) -> Result<ConfigFile> {
    let (user, password) = TRUSTED;
    let mut yaml = "clusters:\n".to_owned();
    for (name, broker) in [("source", &clusters.source), ("target", &clusters.target)] {
        let (servers, files) = (broker.encrypted(), broker.certificates());
        let tls = format!(
            "tls: {{ ca: {:?}, certificate: {:?}, key: {:?}, key_password: {PASSWORD} }}",
            files.authority(),
            files.client(),
            files.client_key()
        );
        let sasl =
            format!("sasl: {{ mechanism: SCRAM-SHA-512, username: {user}, password: {password} }}");
        yaml += &spoil(format!(
            "  {name}:\n    bootstrap_servers: {servers:?}\n    {tls}\n    {sasl}\n"
        ));
    }
    yaml += &format!(
        "mirrors: [{{ source: source, target: target, topics: [{TOPIC}] }}]\n\
         http: {{ listen: '127.0.0.1:0' }}\nlog: {{ format: json }}\n"
    );
    ConfigFile::of(&yaml)
}

/// What `check --connect` says, with its exit code.
fn check(file: &ConfigFile) -> Result<(Option<i32>, String)> {
    let ended = kmirror_on(file.path(), &["check", "--connect"])?;
    Ok((ended.code, format!("{}{}", ended.stdout, ended.stderr)))
}

#[track_caller]
fn assert_told(
    clusters: &Clusters,
    spoil: impl Fn(String) -> String,
    words: &[&str],
) -> Result<()> {
    let (code, said) = check(&config(clusters, spoil)?)?;
    assert_eq!(code, Some(69), "{said}");
    for words in words {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    Ok(())
}

#[test]
fn records_cross_and_what_is_wrong_is_told() -> Outcome {
    let clusters = Clusters::with_topic(TOPIC, 2)?;
    let mut source = clusters.source.client();
    for partition in 0..2 {
        let records = (0..500).map(|index| workload::typical(partition, index));
        Writer::new(&mut source, TOPIC)?.write_all(partition, records, 50, Codec::Lz4)?;
    }
    let right = config(&clusters, |cluster| cluster)?;
    let (code, said) = check(&right)?;
    assert_eq!(code, Some(0), "{said}");
    let daemon = Daemon::start("encrypted", &right)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    let comparison = clusters.compare(TOPIC)?;
    assert!(comparison.is_exact(), "{comparison}");
    drop(daemon);

    let another = |cluster: String| cluster.replace(TRUSTED.1, "wrong-secret");
    assert_told(
        &clusters,
        another,
        &["denies access", "SASL authentication error"],
    )?;
    // A certificate that signed nothing.
    let stranger = |cluster: String| cluster.replace("ca.pem", "client.pem");
    assert_told(
        &clusters,
        stranger,
        &["does not answer at", "certificate could not be verified"],
    )?;
    let nobody = |cluster: String| cluster.replace("SCRAM-SHA-512", "PLAIN");
    assert_told(&clusters, nobody, &["denies access", "SCRAM-SHA-512"])?;
    Ok(())
}
