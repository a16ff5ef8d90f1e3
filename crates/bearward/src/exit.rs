//! How the process ends: every exit code that it can give, in one place.

use std::fmt;
use std::process::ExitCode;

/// An exit code, by what it means. Wrong usage is told by clap, with its 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Success,
    /// It did not, and no other code says why.
    Failure,
    /// A service or an address that it needs cannot be had (EX_UNAVAILABLE of sysexits.h).
    Unavailable,
    /// The configuration is wrong (EX_CONFIG of sysexits.h). Nothing was bound.
    Config,
    /// A second interrupt cut the draining short: 128 and the signal's number, as shells have it.
    Interrupted,
}

impl Exit {
    /// The number that the parent process sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Unavailable => 69,
            Self::Config => 78,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that knows the code it ends with.
#[derive(Debug)]
pub(crate) struct Stop {
    exit: Exit,
    error: anyhow::Error,
}

impl Stop {
    /// An error with its code.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// The code to end with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The whole chain in one line: what failed, and why.
        write!(f, "{:#}", self.error)
    }
}

/// What a command ends with.
pub(crate) type Outcome = Result<Exit, Stop>;

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::new(Exit::Failure, error)
    }
}

/// Gives an error its exit code.
pub(crate) trait OrStop<T> {
    /// The value, or the end with this code.
    fn or_stop(self, exit: Exit) -> Result<T, Stop>;
}

impl<T, E: Into<anyhow::Error>> OrStop<T> for Result<T, E> {
    fn or_stop(self, exit: Exit) -> Result<T, Stop> {
        self.map_err(|error| Stop::new(exit, error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use anyhow::Context;

    use super::*;

    #[test]
    fn codes_are_those_that_service_managers_know() {
        let all = [Exit::Success, Exit::Failure, Exit::Unavailable, Exit::Config, Exit::Interrupted];
        assert_eq!(all.map(Exit::code), [0, 1, 69, 78, 130]);
    }

    #[test]
    fn an_error_is_told_with_its_causes_in_one_line() {
        let failed: Result<(), _> = Err(std::io::Error::other("no such file")).context("cannot read keys.json");
        let stop = failed.or_stop(Exit::Unavailable).unwrap_err();
        assert_eq!(
            (stop.exit(), stop.to_string().as_str()),
            (Exit::Unavailable, "cannot read keys.json: no such file")
        );
    }
}
