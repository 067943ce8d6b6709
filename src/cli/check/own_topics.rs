//! Examines the topics that a mirror keeps beside its copies: whether it may use those that are there and create the others.

use rdkafka::types::RDKafkaErrorCode as Code;

use super::Problems;
use super::rights::{self, READ, TopicRights, WRITE};
use crate::clusters::own_topic::Wanted;
use crate::clusters::{ChangeError, Error, Inspector};
use crate::config::{ImportFrom, Mirror};
use crate::control::reason::is_denied;
use crate::librdkafka::admin::cluster_description::AclOperation;
use crate::librdkafka::admin::topic_creation::Mode;
use crate::{checkpoints, heartbeats, mirrormaker, offset_map};

/// A topic of kmirror or of MirrorMaker 2 on one cluster.
struct Own {
    topic: String,
    needed: Vec<AclOperation>,
    /// How kmirror creates it; `None` where it does not.
    created: Option<Wanted>,
}

impl Own {
    fn kept(wanted: Wanted, needed: &[AclOperation]) -> Self {
        Self {
            topic: wanted.name.clone(),
            needed: needed.to_vec(),
            created: Some(wanted),
        }
    }

    fn read(topic: String) -> Self {
        Self {
            topic,
            needed: vec![READ],
            created: None,
        }
    }
}

/// Each topic once, with all that is done with it: one that is read at first may be written later.
fn merged(own: Vec<Own>) -> Vec<Own> {
    let mut merged: Vec<Own> = Vec::new();
    for one in own {
        match merged.iter_mut().find(|known| known.topic == one.topic) {
            Some(known) => {
                known.needed.extend(one.needed);
                known.created = known.created.take().or(one.created);
            }
            None => merged.push(one),
        }
    }
    merged
}

/// What stands in the way on the source.
pub(super) async fn on_source(mirror: &Mirror, source: &Inspector) -> Result<Problems, Error> {
    let mut own = heartbeats_on(mirror, &mirror.source);
    if is_import(mirror) {
        own.push(Own::read(mirrormaker::syncs_on_source(mirror)));
    }
    if mirror.mm2_offset_syncs {
        own.push(Own::kept(mirrormaker::wanted_syncs(mirror), &[WRITE]));
    }
    examine(source, own).await
}

/// What stands in the way on the target. Its `copies` are examined elsewhere.
pub(super) async fn on_target(
    mirror: &Mirror,
    target: &Inspector,
    copies: &[String],
) -> Result<Problems, Error> {
    let mut own = vec![Own::kept(offset_map::wanted_topic(mirror), &[READ, WRITE])];
    if !mirror.groups.include.is_empty() {
        own.push(Own::kept(checkpoints::wanted_topic(mirror), &[WRITE]));
    }
    own.extend(heartbeats_on(mirror, &mirror.target));
    if is_import(mirror) {
        own.push(Own::read(mirror.import_offsets_topic()));
        own.push(Own::read(mirrormaker::syncs_on_target(mirror)));
    }
    if mirror.mm2_offset_syncs {
        own.push(Own::kept(mirrormaker::wanted_progress(mirror), &[WRITE]));
    }
    own.retain(|one| !copies.contains(&one.topic));
    examine(target, own).await
}

fn heartbeats_on(mirror: &Mirror, cluster: &str) -> Vec<Own> {
    let wanted = heartbeats::wanted_topics(mirror, cluster).into_iter();
    wanted.map(|wanted| Own::kept(wanted, &[WRITE])).collect()
}

fn is_import(mirror: &Mirror) -> bool {
    mirror.import_from == Some(ImportFrom::MirrorMaker2)
}

async fn examine(cluster: &Inspector, own: Vec<Own>) -> Result<Problems, Error> {
    let own = merged(own);
    let names: Vec<_> = own.iter().map(|one| one.topic.clone()).collect();
    let answers = rights::by_topic(cluster.topic_rights(&names).await?);
    let (mut problems, mut missing) = (Problems::new(), Vec::new());
    for one in own {
        match answers.get(&one.topic) {
            Some(answer) if is_missing(answer) => missing.extend(one.created),
            Some(answer) => problems.extend(rights::topic(cluster.cluster(), &one.needed, answer)),
            None => {}
        }
    }
    problems.extend(impossible(cluster, missing).await);
    Ok(problems)
}

fn is_missing(answer: &TopicRights) -> bool {
    let failure = answer.rights.as_ref().err();
    failure.is_some_and(|failure| failure.code == Code::UnknownTopicOrPartition)
}

/// Those that would not be created.
async fn impossible(cluster: &Inspector, missing: Vec<Wanted>) -> Problems {
    let on = cluster.cluster();
    let (created, others): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|wanted| wanted.may_create);
    let others = others.iter();
    let others = others.map(|one| format!("topic {} on {on}: {}", one.name, one.remedy()));
    let mut problems: Problems = others.collect();
    let specs: Vec<_> = created.iter().map(Wanted::spec).collect();
    let outcomes = cluster.create_topics(specs, Mode::Rehearse).await;
    for (wanted, outcome) in created.iter().zip(outcomes) {
        let name = &wanted.name;
        let why = match outcome {
            Ok(()) => continue,
            // Somebody was faster.
            Err(error) if error.is(Code::TopicAlreadyExists) => continue,
            Err(ChangeError::Refused(failure)) if is_denied(failure.code) => {
                "it is not there, and CREATE is not allowed; add an ACL for CREATE on it".to_owned()
            }
            Err(error) => format!("it cannot be created: {error}"),
        };
        problems.push(format!("topic {name} on {on}: {why}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use std::path::Path;

    fn mirror(more: &str) -> Mirror {
        let text = format!(
            "clusters:\n  a: {{ bootstrap_servers: 'a:1' }}\n  b: {{ bootstrap_servers: 'b:1' }}\n\
             mirrors:\n  - {{ source: a, target: b{more} }}\n"
        );
        let config = config::parse(&text, &|_| None, Path::new("")).expect("a valid file");
        config.mirrors[0].clone()
    }

    fn names(own: &[Own]) -> Vec<&str> {
        own.iter().map(|one| one.topic.as_str()).collect()
    }

    #[test]
    fn a_topic_that_is_read_and_written_is_one() {
        let mirror = mirror("");
        let kept = Own::kept(mirrormaker::wanted_syncs(&mirror), &[WRITE]);
        let read = Own::read(mirrormaker::syncs_on_source(&mirror));
        let merged = merged(vec![read, kept]);
        assert_eq!(names(&merged), ["mm2-offset-syncs.b.internal"]);
        assert_eq!(merged[0].needed, [READ, WRITE]);
        assert!(merged[0].created.is_some());
    }

    #[test]
    fn heartbeats_are_written_where_the_mirror_says() {
        for (more, on_source, on_target) in [
            ("", &[][..], &["heartbeats", "a.heartbeats"][..]),
            (", heartbeats: both", &["heartbeats"], &["heartbeats"]),
            (", heartbeats: 'off'", &[], &[]),
        ] {
            let mirror = mirror(more);
            assert_eq!(names(&heartbeats_on(&mirror, "a")), on_source, "{more}");
            assert_eq!(names(&heartbeats_on(&mirror, "b")), on_target, "{more}");
        }
    }
}
