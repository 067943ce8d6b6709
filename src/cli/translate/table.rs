//! Draws where a group goes on: how much of it is known in one line, then each partition.

use comfy_table::Cell;

use super::super::terminal::{Terminal, Tone, counted, figures, grouped, words};
use super::Translation;

/// By one mirror from `source`.
pub(super) fn translation(of: &Translation, source: &str, terminal: Terminal) -> String {
    let (mirror, group) = (&of.mirror, &of.group);
    if of.partitions.is_empty() {
        let title = format!("{mirror}: group {group} has committed nothing on {source}");
        return terminal.paint(Tone::Waiting, &title);
    }
    let exact = of.partitions.iter().filter(|row| row.exact).count();
    let all = counted(of.partitions.len(), "offset");
    let (tone, verdict) = match exact == of.partitions.len() {
        true => (Tone::Good, format!("{all}, each with an exact counterpart")),
        false => {
            let exact = grouped(exact as u64);
            (
                Tone::Waiting,
                format!("{all}, {exact} with an exact counterpart"),
            )
        }
    };
    let title = format!("{mirror}: group {group}, {verdict}");
    format!("{}\n{}", terminal.paint(tone, &title), rows(of, terminal))
}

fn rows(of: &Translation, terminal: Terminal) -> String {
    let mut table = terminal.table([
        words("TOPIC"),
        figures("PARTITION"),
        figures("OFFSET"),
        words("ON THE TARGET"),
        figures("OFFSET THERE"),
        words("WHY NOT"),
    ]);
    for row in &of.partitions {
        let there = match row.target_offset {
            Some(offset) => terminal.cell(Tone::Good, offset),
            None => terminal.cell(Tone::Waiting, "–"),
        };
        table.add_row([
            Cell::new(&row.source_topic),
            Cell::new(row.partition),
            Cell::new(row.source_offset),
            Cell::new(row.target_topic.as_deref().unwrap_or("–")),
            there,
            Cell::new(row.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.trim_fmt()
}
