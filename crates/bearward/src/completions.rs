//! `bearward completions`: what a shell needs to complete the command line.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::{Exit, Outcome};
use crate::output;

/// Prints the completion script for one shell.
pub(crate) fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bearward", &mut script);
    output::out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
