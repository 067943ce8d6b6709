//! Finds the operation that a line names, and carries it out.

use std::pin::Pin;

use super::answer::{Told, Wrong, tell};
use super::ask::Ask;
use super::suggest::hint;
use super::{controls, inspect, rules};
use crate::cluster::Cluster;

/// An operation: its name, the fields it takes, and what it does.
pub(super) struct Op {
    pub(super) name: &'static str,
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    pub(super) run: Run,
}

/// How an operation is carried out.
pub(super) enum Run {
    /// At once.
    Now(fn(&Cluster, &Ask) -> Told),
    /// After a wait.
    Later(for<'a> fn(&'a Cluster, &'a Ask) -> Waiting<'a>),
}

/// An outcome that is waited for.
pub(super) type Waiting<'a> = Pin<Box<dyn Future<Output = Told> + Send + 'a>>;

/// An operation that is carried out at once.
pub(super) const fn now(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    run: fn(&Cluster, &Ask) -> Told,
) -> Op {
    Op {
        name,
        required,
        optional,
        run: Run::Now(run),
    }
}

/// An operation that takes a while.
pub(super) const fn later(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    run: for<'a> fn(&'a Cluster, &'a Ask) -> Waiting<'a>,
) -> Op {
    Op {
        name,
        required,
        optional,
        run: Run::Later(run),
    }
}

const HELP: &[Op] = &[now("help", &[], &[], help)];

fn all() -> impl Iterator<Item = &'static Op> {
    [rules::OPS, inspect::OPS, controls::OPS, HELP]
        .into_iter()
        .flatten()
}

/// Carries out what a line asks for.
pub(super) async fn carry_out(cluster: &Cluster, ask: &Ask) -> Told {
    let op = all().find(|op| op.name == ask.op).ok_or_else(|| {
        let hint = hint(&ask.op, all().map(|op| op.name));
        let message = format!("there is no op \"{}\"{hint} (\"help\" lists them)", ask.op);
        Wrong::new(message)
    })?;
    ask.check(op.required, op.optional)?;
    match op.run {
        Run::Now(run) => run(cluster, ask),
        Run::Later(run) => run(cluster, ask).await,
    }
}

fn help(_: &Cluster, _: &Ask) -> Told {
    let ops: Vec<String> = all().map(usage).collect();
    tell("ops", ops)
}

/// The name of an operation, then its fields, those in brackets that may be left out.
fn usage(op: &Op) -> String {
    let optional = op.optional.iter().map(|field| format!("[{field}]"));
    let fields = op.required.iter().map(|field| (*field).to_owned());
    let words = std::iter::once(op.name.to_owned())
        .chain(fields)
        .chain(optional);
    words.collect::<Vec<_>>().join(" ")
}
