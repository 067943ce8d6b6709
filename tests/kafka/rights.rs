//! A mirror on clusters with ACLs: what it needs is what the documentation says, and `kmirror check` tells what is missing.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::clusters::{Clusters, copy_of};
use crate::properties::PRINCIPAL;
use crate::support::acls::Operation::{
    self, Alter, AlterConfigs, Create, Describe, DescribeConfigs, Read, Write,
};
use crate::support::acls::Permission::Allow;
use crate::support::acls::Resource::{self, Cluster, Group, GroupsOf, Topic};
use crate::support::cli::kmirror_on;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(90);
const TOPIC: &str = "rights";
const COPY: &str = "source.rights";
const GROUP: &str = "rights-billing";
const CHECKPOINTS: &str = "source.checkpoints.internal";

/// Rights on one thing.
type Rights<'a> = (Resource<'static>, &'a [Operation]);

/// As `docs/your-own-clusters.md` lists them.
const ON_SOURCE: [Rights<'static>; 4] = [
    (Topic(TOPIC), &[Describe, Read, DescribeConfigs]),
    (GroupsOf("kmirror."), &[Read]),
    (Cluster, &[Describe]),
    (Group(GROUP), &[Describe]),
];
const ON_TARGET: [Rights<'static>; 6] = [
    (Group(GROUP), &[Read, Describe]),
    (Topic(COPY), OWN),
    (Topic("__kmirror_offsets"), OWN),
    (Topic(CHECKPOINTS), OWN),
    (Topic("heartbeats"), OWN),
    (Topic("source.heartbeats"), OWN),
];
/// What kmirror writes, it creates and grows, and reads again after a crash.
const OWN: &[Operation] = &[
    Describe,
    Read,
    Write,
    Create,
    Alter,
    DescribeConfigs,
    AlterConfigs,
];

const READ: &str = "READ is not allowed; add an ACL for READ on";
const WRITE: &str = "WRITE is not allowed; add an ACL for WRITE on";
const DESCRIBE: &str = "DESCRIBE is not allowed; add an ACL for DESCRIBE on";

fn allow(client: &mut Client, rights: &[Rights<'_>]) -> Result<()> {
    let principal = format!("User:{}", PRINCIPAL.0);
    for (resource, operations) in rights {
        for operation in *operations {
            client.add_acl_of(*resource, &principal, Allow, *operation)?;
        }
    }
    Ok(())
}

fn config(clusters: &Clusters, more: &str) -> Result<ConfigFile> {
    let (user, password) = PRINCIPAL;
    let mut yaml = "clusters:\n".to_owned();
    for (name, broker) in [("source", &clusters.source), ("target", &clusters.target)] {
        let servers = broker.secured();
        yaml += &format!(
            "  {name}:\n    bootstrap_servers: {servers:?}\n    \
             sasl: {{ mechanism: PLAIN, username: {user}, password: {password} }}\n"
        );
    }
    yaml += &format!(
        "mirrors:\n  - {{ source: source, target: target, topics: [{TOPIC}], groups: [{GROUP}], \
         checkpoint_interval: 500ms{more} }}\n\
         http: {{ listen: '127.0.0.1:0' }}\nlog: {{ format: json }}\n"
    );
    ConfigFile::of(&yaml)
}

/// What `kmirror check` finds to be wrong.
fn problems(file: &ConfigFile) -> Result<Vec<String>> {
    let ended = kmirror_on(file.path(), &["check", "--connect"])?;
    let problems = ended.stdout.lines();
    let problems = problems.filter_map(|line| line.strip_prefix("problem: source-target: "));
    let problems: Vec<_> = problems.map(str::to_owned).collect();
    let expected = i32::from(!problems.is_empty());
    let said = format!("{}{}", ended.stdout, ended.stderr);
    ensure!(ended.code == Some(expected), "{:?} {said}", ended.code);
    Ok(problems)
}

/// Waits until `kmirror check` finds just one thing, which these words begin: ACLs reach a broker a moment later.
#[track_caller]
fn await_problem(file: &ConfigFile, words: &str) {
    eventually(&format!("{words} is told"), DEADLINE, || {
        let problems = problems(file)?;
        let is_told = problems.len() == 1 && problems[0].starts_with(words);
        ensure!(is_told, "{problems:#?}");
        Ok(())
    });
}

#[track_caller]
fn await_none(file: &ConfigFile) {
    eventually("nothing is missing", DEADLINE, || {
        let problems = problems(file)?;
        ensure!(problems.is_empty(), "{problems:#?}");
        Ok(())
    });
}

/// Two clusters, with records and a group on the source.
fn written() -> Result<Clusters> {
    let clusters = Clusters::with_topic(TOPIC, 1)?;
    let mut source = clusters.source.client();
    let records = (0..100).map(|index| workload::typical(0, index));
    Writer::new(&mut source, TOPIC)?.write_all(0, records, 50, Codec::Lz4)?;
    eventually("the group is coordinated", DEADLINE, || {
        source.commit(GROUP, TOPIC, 0, 40)
    });
    Ok(clusters)
}

/// The offset map's topic is the last that `check` has something to say about, before any topic of the mirror is there.
fn allow_what_is_documented(clusters: &Clusters, file: &ConfigFile) -> Result<()> {
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    allow(&mut source, &ON_SOURCE)?;
    let map = Topic("__kmirror_offsets");
    let beside = ON_TARGET.into_iter().filter(|(on, _)| *on != map);
    allow(&mut target, &beside.collect::<Vec<_>>())?;
    allow(&mut target, &[(map, &[Describe, Read, Write])])?;
    await_problem(
        file,
        "topic __kmirror_offsets on target: it is not there, and CREATE is not allowed; add an ACL for CREATE on it",
    );
    allow(&mut target, &[(map, &[Create])])?;
    await_none(file);
    Ok(())
}

/// Copies records and moves the group, with a kill in between, so that what was written is read again.
fn mirror_through_a_kill(clusters: &Clusters, file: &ConfigFile) -> Result<Daemon> {
    let (mut source, mut target) = (clusters.source.client(), clusters.target.client());
    let mut killed = Daemon::start("killed", file)?;
    clusters.await_copied(TOPIC, 100, DEADLINE);
    killed.kill()?;
    let daemon = Daemon::start("restarted", file)?;
    let records = (100..200).map(|index| workload::typical(0, index));
    Writer::new(&mut source, TOPIC)?.write_all(0, records, 50, Codec::Lz4)?;
    clusters.await_caught_up(TOPIC, DEADLINE);
    eventually("the group is moved", DEADLINE, || {
        let moved = target.committed(GROUP, &copy_of(TOPIC), 0)?;
        ensure!(moved == Some(40), "{moved:?}");
        Ok(())
    });
    let comparison = clusters.compare(TOPIC)?;
    assert!(comparison.is_exact(), "{comparison}");
    Ok(daemon)
}

/// Takes a right away, waits until `words` tell it, and gives it back.
fn assert_told(
    client: &mut Client,
    file: &ConfigFile,
    on: Resource<'static>,
    operation: Operation,
    words: &str,
) -> Result<()> {
    client.remove_acls_of(on, operation)?;
    await_problem(file, words);
    allow(client, &[(on, &[operation])])
}

#[test]
fn the_rights_that_are_documented_suffice_and_check_tells_each_that_is_missing() -> Outcome {
    let clusters = written()?;
    let file = config(&clusters, "")?;
    allow_what_is_documented(&clusters, &file)?;
    let _daemon = mirror_through_a_kill(&clusters, &file)?;
    await_none(&file);

    let source = &mut clusters.source.client();
    let words = format!("group kmirror.source-target.{TOPIC} on source: {READ} it");
    assert_told(source, &file, GroupsOf("kmirror."), Read, &words)?;
    let words = format!("cluster source: {DESCRIBE} the cluster, to know all consumer groups");
    assert_told(source, &file, Cluster, Describe, &words)?;
    let words = format!("group {GROUP} on source: {DESCRIBE} it, to read its offsets");
    assert_told(source, &file, Group(GROUP), Describe, &words)?;
    let target = &mut clusters.target.client();
    let words = format!("group {GROUP} on target: {READ} it, to write its offsets");
    assert_told(target, &file, Group(GROUP), Read, &words)?;
    let words = format!("topic {COPY} on target: {READ} it");
    assert_told(target, &file, Topic(COPY), Read, &words)?;
    for topic in ["__kmirror_offsets", CHECKPOINTS, "heartbeats"] {
        let words = format!("topic {topic} on target: {WRITE} it");
        assert_told(target, &file, Topic(topic), Write, &words)?;
    }
    Ok(())
}

#[test]
fn the_rights_on_topics_of_mirrormaker_are_told() -> Outcome {
    let clusters = written()?;
    let file = config(
        &clusters,
        ", import_from: mirrormaker2, mm2_offset_syncs: true",
    )?;
    allow(&mut clusters.source.client(), &ON_SOURCE)?;
    allow(&mut clusters.target.client(), &ON_TARGET)?;
    let syncs = "mm2-offset-syncs.target.internal";
    clusters.source.client().create_topic(syncs, 1, &[])?;
    let both = "READ and WRITE are not allowed; add ACLs for READ and WRITE on it";
    let expected = [
        format!("topic {syncs} on source: {both}"),
        format!("topic mm2-offsets.source.internal on target: {both}"),
        format!("topic mm2-offset-syncs.source.internal on target: {READ} it"),
    ];
    eventually("its topics are told", DEADLINE, || {
        let problems = problems(&file)?;
        ensure!(problems == expected, "{problems:#?}");
        Ok(())
    });
    Ok(())
}
