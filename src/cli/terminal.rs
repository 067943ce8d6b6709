//! What stdout can show: colours, width, a picture that is drawn over.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::{Exit, Failure};

/// Where output goes, and what may be written there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// Whether someone watches: what is drawn may be drawn over.
    pub(super) interactive: bool,
    /// Whether colours may be used (`NO_COLOR` is not set, and it is a terminal).
    pub(super) colours: bool,
}

impl Terminal {
    /// The process's stdout.
    pub(super) fn stdout() -> Self {
        let interactive = std::io::stdout().is_terminal();
        Self {
            interactive,
            colours: interactive && colours_wanted(),
        }
    }

    /// Writes a line to stdout. Where nobody reads any more (`kmirror status | head`), there is nothing left
    /// to do, and nothing to complain of.
    pub(super) fn say(self, line: impl fmt::Display) -> Result<(), Failure> {
        writeln!(std::io::stdout(), "{line}").map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure {
                exit: Exit::Clean,
                message: String::new(),
            },
            _ => Failure::internal(format!("cannot write to stdout: {error}")),
        })
    }

    /// `text` so that it stands out as `tone`.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if self.colours {
            format!("\x1b[{}m{text}\x1b[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    /// A cell of a table that stands out as `tone`.
    pub(super) fn cell(self, tone: Tone, text: impl ToString) -> Cell {
        let cell = Cell::new(text);
        if self.colours {
            cell.fg(tone.colour())
        } else {
            cell
        }
    }

    /// An empty table with `columns`, as wide as the terminal at most.
    pub(super) fn table<const N: usize>(self, columns: [Column; N]) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(columns.map(|column| column.title));
        if self.colours {
            table.enforce_styling();
        }
        if !self.interactive {
            table.force_no_tty();
        }
        for (index, column) in columns.into_iter().enumerate() {
            let place = table.column_mut(index).expect("the header has made it");
            place.set_padding((0, 2));
            place.set_cell_alignment(column.alignment);
        }
        table
    }
}

/// Whether the user has not asked for plain text (<https://no-color.org>).
pub(super) fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Title and alignment of a table's column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    alignment: CellAlignment,
}

/// A column of words.
pub(super) fn words(title: &'static str) -> Column {
    Column {
        title,
        alignment: CellAlignment::Left,
    }
}

/// A column of figures.
pub(super) fn figures(title: &'static str) -> Column {
    Column {
        title,
        alignment: CellAlignment::Right,
    }
}

/// How a text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Waiting,
    Bad,
    Title,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Waiting => "33",
            Self::Bad => "1;31",
            Self::Title => "1",
        }
    }

    fn colour(self) -> Color {
        match self {
            Self::Good => Color::DarkGreen,
            Self::Waiting => Color::DarkYellow,
            Self::Bad => Color::Red,
            Self::Title => Color::Reset,
        }
    }
}

/// A number with its thousands apart: `1,203,004`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time to the two digits that matter: `0 s`, `<0.1 s`, `0.4 s`, `12 s`, `3 m 20 s`, `5 h 10 m`, `2 d 3 h`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds <= 0.0 => "0 s".to_owned(),
        _ if seconds < 0.1 => "<0.1 s".to_owned(),
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} m {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} m", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// `1 topic`, `2 topics`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_203_004, "1,203,004"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn times_keep_the_digits_that_matter() {
        let cases = [
            (0.0, "0 s"),
            (0.04, "<0.1 s"),
            (0.44, "0.4 s"),
            (12.3, "12 s"),
            (200.0, "3 m 20 s"),
            (18_600.0, "5 h 10 m"),
            (183_600.0, "2 d 3 h"),
        ];
        for (number, text) in cases {
            assert_eq!(seconds(number), text);
        }
    }

    #[test]
    fn colours_are_left_out_where_they_are_not_wanted() {
        let plain = Terminal {
            interactive: false,
            colours: false,
        };
        assert_eq!(plain.paint(Tone::Bad, "down"), "down");
        let coloured = Terminal {
            colours: true,
            ..plain
        };
        assert_eq!(coloured.paint(Tone::Bad, "down"), "\x1b[1;31mdown\x1b[0m");
    }

    #[test]
    fn a_table_has_no_colours_and_no_width_when_piped() {
        let plain = Terminal {
            interactive: false,
            colours: false,
        };
        let mut table = plain.table([words("TOPIC"), figures("LAG")]);
        table.add_row(["orders", "1,000"]);
        assert_eq!(table.trim_fmt(), "TOPIC     LAG\norders  1,000");
    }
}
