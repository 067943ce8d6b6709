//! Installs fault rules, awaits them, releases what they hold and removes them.

use std::time::Duration;

use serde_json::json;

use super::answer::{Told, Wrong, done, tell};
use super::ask::Ask;
use super::names;
use super::ops::{Op, Waiting, later, now};
use super::suggest::hint;
use crate::cluster::Cluster;
use crate::faults::{Fault, Rule};

/// How long a `wait` waits unless it says, in milliseconds.
const PATIENCE_MS: u64 = 10_000;

pub(super) const OPS: &[Op] = &[
    now(
        "fault",
        &["api", "action"],
        &[
            "node",
            "topic",
            "partition",
            "client",
            "group",
            "transactional_id",
            "nth",
            "first",
            "after",
            "probability",
            "error",
            "ms",
            "bytes_per_second",
        ],
        install,
    ),
    now("faults", &[], &[], list),
    later("wait", &["fault"], &["hits", "timeout_ms"], wait),
    now("release", &["fault"], &[], |cluster, ask| {
        find(cluster, ask)?.release();
        done()
    }),
    now("release_one", &["fault"], &[], |cluster, ask| {
        tell("released", find(cluster, ask)?.release_one())
    }),
    now("remove", &["fault"], &[], |cluster, ask| {
        find(cluster, ask)?.remove();
        done()
    }),
    now("clear", &[], &[], |cluster, _| {
        cluster.faults().clear();
        done()
    }),
];

fn install(cluster: &Cluster, ask: &Ask) -> Told {
    let mut rule = cluster.faults().on(names::api(ask.text("api")?)?);
    if let Some(node) = ask.maybe_number("node")? {
        rule = rule.node(node);
    }
    if let Some(topic) = ask.maybe_text("topic")? {
        rule = rule.topic(topic);
    }
    if let Some(partition) = ask.maybe_number("partition")? {
        rule = rule.partition(partition);
    }
    if let Some(pattern) = ask.maybe_text("client")? {
        rule = rule.client(pattern);
    }
    if let Some(group) = ask.maybe_text("group")? {
        rule = rule.group(group);
    }
    if let Some(id) = ask.maybe_text("transactional_id")? {
        rule = rule.transactional_id(id);
    }
    let fault = act(choose(rule, ask)?, ask)?;
    tell("fault", fault.id())
}

fn choose(mut rule: Rule, ask: &Ask) -> Result<Rule, Wrong> {
    if let Some(count) = ask.maybe_number("nth")? {
        rule = rule.nth(count);
    }
    if let Some(count) = ask.maybe_number("first")? {
        rule = rule.first(count);
    }
    if let Some(count) = ask.maybe_number("after")? {
        rule = rule.after(count);
    }
    if let Some(share) = ask.maybe_share("probability")? {
        rule = rule.probability(share);
    }
    Ok(rule)
}

/// An action, and the field that it needs.
type Action = (
    &'static str,
    Option<&'static str>,
    fn(Rule, &Ask) -> Result<Fault, Wrong>,
);

const ACTIONS: &[Action] = &[
    ("fail", Some("error"), |rule, ask| {
        Ok(rule.fail(names::error(ask.text("error")?)?))
    }),
    ("fail_after", Some("error"), |rule, ask| {
        Ok(rule.fail_after(names::error(ask.text("error")?)?))
    }),
    ("drop_before", None, |rule, _| Ok(rule.drop_before())),
    ("drop_after", None, |rule, _| Ok(rule.drop_after())),
    ("half_response", None, |rule, _| Ok(rule.half_response())),
    ("garbage", None, |rule, _| Ok(rule.garbage())),
    ("delay_before", Some("ms"), |rule, ask| {
        Ok(rule.delay_before(millis(ask, "ms")?))
    }),
    ("delay_after", Some("ms"), |rule, ask| {
        Ok(rule.delay_after(millis(ask, "ms")?))
    }),
    ("trickle", Some("bytes_per_second"), |rule, ask| {
        Ok(rule.trickle(ask.number("bytes_per_second")?))
    }),
    ("hang", None, |rule, _| Ok(rule.hang())),
    ("hold_before", None, |rule, _| Ok(rule.hold_before())),
    ("hold_before_even_if_gone", None, |rule, _| {
        Ok(rule.hold_before_even_if_gone())
    }),
    ("hold_after", None, |rule, _| Ok(rule.hold_after())),
    ("throttle", Some("ms"), |rule, ask| {
        Ok(rule.throttle(millis(ask, "ms")?))
    }),
];

/// The fields that only some actions have a use for.
const OF_ACTIONS: [&str; 3] = ["error", "ms", "bytes_per_second"];

fn act(rule: Rule, ask: &Ask) -> Result<Fault, Wrong> {
    let written = ask.text("action")?;
    let found = ACTIONS.iter().find(|(name, _, _)| *name == written);
    let (_, field, verb) = found.ok_or_else(|| {
        let names = || ACTIONS.iter().map(|(name, _, _)| *name);
        let (hint, all) = (
            hint(written, names()),
            names().collect::<Vec<_>>().join(", "),
        );
        Wrong::new(format!(
            "there is no action \"{written}\"{hint} (there are {all})"
        ))
    })?;
    let unused = OF_ACTIONS
        .iter()
        .find(|name| ask.has(name) && Some(**name) != *field);
    if let Some(unused) = unused {
        let message = format!("\"{written}\" has no use for \"{unused}\"; leave it out");
        return Err(Wrong::new(message));
    }
    verb(rule, ask)
}

fn millis(ask: &Ask, key: &str) -> Result<Duration, Wrong> {
    ask.number(key).map(Duration::from_millis)
}

fn list(cluster: &Cluster, _: &Ask) -> Told {
    let describe = |fault: &Fault| {
        json!({
            "fault": fault.id(),
            "rule": fault.to_string(),
            "hits": fault.hits(),
            "held": fault.held(),
        })
    };
    let faults: Vec<_> = cluster.faults().list().iter().map(describe).collect();
    tell("faults", faults)
}

fn wait<'a>(cluster: &'a Cluster, ask: &'a Ask) -> Waiting<'a> {
    Box::pin(async move {
        let fault = find(cluster, ask)?;
        let hits = ask.maybe_number("hits")?.unwrap_or(1);
        let patience = ask.maybe_number("timeout_ms")?.unwrap_or(PATIENCE_MS);
        let waited = tokio::time::timeout(Duration::from_millis(patience), fault.hit(hits)).await;
        match waited {
            Ok(()) => tell("hits", fault.hits()),
            Err(_) => {
                let message = format!("{} of {hits} hits after {patience} ms", fault.hits());
                Err(Wrong::new(message))
            }
        }
    })
}

fn find(cluster: &Cluster, ask: &Ask) -> Result<Fault, Wrong> {
    let id = ask.number("fault")?;
    let found = cluster.faults().get(id);
    found.ok_or_else(|| Wrong::new(format!("there is no fault {id} (\"faults\" lists them)")))
}
