//! How a command ends: its exit code, and the one line that says why.

use std::fmt;
use std::process::ExitCode;

use crate::clusters;
use crate::config;
use crate::http::BindError;

/// What the process returns; the numbers are those of `sysexits.h` where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Clean = 0,
    /// The command did its work, and its verdict is bad.
    BadVerdict = 1,
    /// The command line or the configuration is wrong.
    Usage = 64,
    /// A cluster does not answer.
    Unreachable = 69,
    /// A fault of kmirror itself.
    Internal = 70,
    /// The drain deadline passed with records still in flight.
    DrainDeadline = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that could not do its work.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the process returns.
    pub exit: Exit,
    /// One problem per line: what, where, and what to do.
    pub message: String,
}

impl Failure {
    /// A wrong command line or configuration.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// A fault of kmirror itself, or of the machine it runs on.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Internal,
            message: message.to_string(),
        }
    }
}

impl From<config::Errors> for Failure {
    fn from(errors: config::Errors) -> Self {
        Self::usage(errors)
    }
}

impl From<clusters::Error> for Failure {
    fn from(error: clusters::Error) -> Self {
        Self {
            exit: Exit::Unreachable,
            message: error.to_string(),
        }
    }
}

/// What keeps the daemon from starting: an address that is taken and a refused property are the
/// configuration's and say what to do; the rest is ours, with every cause.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        if error.is::<BindError>() || error.is::<clusters::Error>() {
            Self::usage(error)
        } else {
            Self::internal(format!("{error:#}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let documented = [
            (Exit::Clean, 0),
            (Exit::BadVerdict, 1),
            (Exit::Usage, 64),
            (Exit::Unreachable, 69),
            (Exit::Internal, 70),
            (Exit::DrainDeadline, 75),
        ];
        for (exit, code) in documented {
            assert_eq!(exit as u8, code);
        }
    }

    #[test]
    fn a_port_in_use_is_the_configurations_fault() {
        let error = BindError {
            address: ([127, 0, 0, 1], 9646).into(),
            source: std::io::ErrorKind::AddrInUse.into(),
        };
        let failure = Failure::from(anyhow::Error::from(error));
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.starts_with("http.listen: "));
    }

    #[test]
    fn a_cluster_that_does_not_answer_has_its_own_code() {
        let error = clusters::Error::Other {
            cluster: "paris".to_owned(),
            what: "broken".to_owned(),
        };
        assert_eq!(Failure::from(error).exit, Exit::Unreachable);
    }

    #[test]
    fn anything_else_is_ours() {
        assert_eq!(Failure::from(anyhow::anyhow!("?")).exit, Exit::Internal);
    }
}
