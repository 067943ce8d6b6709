//! Tells a wrong command line in one line: what is wrong, and how it is written.

use clap::error::ErrorKind;

use super::exit::Failure;

/// What to do about a command line that was not understood, or about a request for help.
pub(super) enum Outcome {
    /// Help or version, asked for: stdout, and all is well.
    Text(clap::Error),
    /// Help where a command was missing: stderr, with the code of a wrong command line.
    MissingCommand(clap::Error),
    /// A wrong command line.
    Wrong(Failure),
}

pub(super) fn outcome(error: clap::Error) -> Outcome {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Outcome::Text(error),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Outcome::MissingCommand(error)
        }
        _ => Outcome::Wrong(Failure::usage(one_line(&error.to_string()))),
    }
}

/// clap writes a paragraph each for the error, the tips and the usage, and then points to `--help`.
fn one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let paragraphs = text
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .map(|paragraph| {
            let words: Vec<_> = paragraph.split_whitespace().collect();
            words.join(" ")
        })
        .map(|line| line.replacen("Usage: ", "usage: ", 1));
    paragraphs.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_command_line_is_told_in_one_line() {
        let text = "error: unexpected argument '--jsn' found\n\n  \
                    tip: a similar argument exists: '--json'\n\n\
                    Usage: kmirror status --json --config <FILE>\n\n\
                    For more information, try '--help'.\n";
        assert_eq!(
            one_line(text),
            "unexpected argument '--jsn' found; tip: a similar argument exists: '--json'; \
             usage: kmirror status --json --config <FILE>"
        );
    }

    #[test]
    fn missing_arguments_are_named_on_the_same_line() {
        let text = "error: the following required arguments were not provided:\n  --config <FILE>\n\n\
                    Usage: kmirror run --config <FILE>\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(text),
            "the following required arguments were not provided: --config <FILE>; \
             usage: kmirror run --config <FILE>"
        );
    }
}
