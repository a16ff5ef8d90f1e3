//! The `bearward` command: the gateway, its development issuer, and a demonstration of both in one process.

mod admin;
mod cli;
mod completions;
mod demo;
mod descriptors;
mod exit;
mod gateway;
mod http;
mod issuer_command;
mod logging;
mod output;
mod process_metrics;
mod run;
mod signals;
mod token;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Chosen by processor time and memory of connections together, for the binary alone: a library's allocator is its program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all: a library that meets TLS before a provider is chosen panics, or chooses one for everybody.
    let provider = rustls::crypto::aws_lc_rs::default_provider().install_default();
    debug_assert!(provider.is_ok(), "nothing has run before that could have installed one");

    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => run::check(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Issuer(args) => issuer_command::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(stop) => {
            output::err(&format!("bearward: {stop}"));
            stop.exit().into()
        }
    }
}
