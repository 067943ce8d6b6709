//! Draws a plan: what is to be done in numbers, then each action with its reason.

use comfy_table::Cell;

use super::super::terminal::{Terminal, Tone, counted, grouped, words};
use super::MirrorPlan;
use super::deed::What;

/// The order in which actions are counted.
const VERBS: [&str; 5] = ["create", "grow", "alter", "acl", "refuse"];

/// One mirror.
pub(super) fn mirror(plan: &MirrorPlan, terminal: Terminal) -> String {
    let title = format!("{}: {}", plan.name, summary(plan));
    let mut text = terminal.paint(Tone::Title, &title);
    if !plan.actions.is_empty() {
        text.push('\n');
        text.push_str(&actions(plan, terminal));
    }
    for notice in &plan.notices {
        let note = terminal.paint(Tone::Waiting, "note:");
        text.push_str(&format!("\n{note} {notice}"));
    }
    text
}

fn summary(plan: &MirrorPlan) -> String {
    let topics = counted(plan.topics, "topic");
    if plan.topics == 0 {
        return format!("no topic of {} is selected", plan.source);
    }
    let counts = VERBS.into_iter().filter_map(|verb| {
        let these = plan.actions.iter().filter(|one| one.what.verb() == verb);
        let count = these.count();
        (count > 0).then(|| format!("{} to {verb}", grouped(count as u64)))
    });
    let counts: Vec<_> = counts.collect();
    match counts.is_empty() {
        true => format!("{topics}, nothing to do"),
        false => format!("{topics}, {}", counts.join(", ")),
    }
}

fn actions(plan: &MirrorPlan, terminal: Terminal) -> String {
    let mut table = terminal.table([
        words("ACTION"),
        words("TOPIC"),
        words("ON THE TARGET"),
        words("WHAT"),
    ]);
    for deed in &plan.actions {
        let tone = match deed.what {
            What::Refuse { .. } => Tone::Bad,
            _ => Tone::Good,
        };
        let source = deed.source_topic.as_deref().unwrap_or("–");
        table.add_row([
            terminal.cell(tone, deed.what.verb()),
            Cell::new(source),
            Cell::new(&deed.target_topic),
            Cell::new(deed.what.details()),
        ]);
    }
    table.trim_fmt()
}
