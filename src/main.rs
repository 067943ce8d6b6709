//! The `kmirror` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmirror::cli::main()
}
