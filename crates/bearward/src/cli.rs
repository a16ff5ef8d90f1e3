//! The command line: what can be asked, and the words that explain it.

use std::net::SocketAddr;
use std::path::PathBuf;

use bearward_issuer::Fault;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Stands in front of an API, proves each access token, and passes the caller's identity on
#[derive(Debug, Parser)]
#[command(name = "bearward", version, arg_required_else_help = true, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  bearward demo                                    see it work, with nothing to set up
  bearward demo --write-config bearward.toml       a commented configuration to begin with
  bearward check --config bearward.toml            what that configuration means
  bearward run --config bearward.toml              the gateway

Exit codes: 0 done; 1 failed; 2 wrong usage; 69 an address or a service cannot be had; 78 the \
configuration is wrong; 130 interrupted a second time.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Run(RunArgs),
    /// Read a configuration and say what it means, without running it
    Check(CheckArgs),
    /// See the gateway at work, with an issuer and an API, on this machine
    Demo(DemoArgs),
    /// Run the development issuer alone (never for production)
    Issuer(IssuerArgs),
    /// Get an access token from a running development issuer
    Token(TokenArgs),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
}

/// `bearward run`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward run --config /etc/bearward/config.toml
  bearward run --config config.toml --listen 127.0.0.1:8081 --log-level debug
  BEARWARD_CONFIG=config.toml BEARWARD_LOG__FORMAT=json bearward run

The settings of [server], [admin], [log] and [cache] can also come from the environment, as \
BEARWARD_SECTION__KEY. Flags win over the environment, and the environment over the file.

SIGTERM or Ctrl-C drains: readiness turns 503 at once, requests under way are finished, then it exits with 0. \
A second Ctrl-C exits at once.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
    /// Accept requests at this address, instead of the configured ones
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve health, readiness and metrics at this address
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// A level (error, warn, info, debug, trace), or directives such as info,bearward_gate=debug
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Human,
    /// One JSON object a line, for machines
    Json,
}

impl From<LogFormat> for bearward_config::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Human => Self::Human,
            LogFormat::Json => Self::Json,
        }
    }
}

/// Where the configuration is.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// The configuration file (TOML)
    #[arg(long, short, value_name = "FILE", env = "BEARWARD_CONFIG", hide_env_values = true)]
    pub(crate) config: PathBuf,
}

/// `bearward check`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward check --config config.toml
  bearward check --config config.toml --show

Prints the routes and the access each one needs, open ones marked. Problems are told all at once with file, line, \
column and a hint, and the exit code is 78. Nothing is bound and no issuer is asked.

What --show prints is itself a configuration, for the same folder, and means the same. Settings whose default is to be \
absent are not in it; those of a preset name the provider.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
    /// Print every setting with its value in force, as TOML, instead; secrets are never in it
    #[arg(long)]
    pub(crate) show: bool,
}

/// `bearward demo`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward demo                                  start it, and print curl lines to try
  bearward demo --try                            try them all, print what came back, and exit
  bearward demo --write-config bearward.toml     write a commented configuration to begin with

Everything listens on loopback and on free ports, and nothing is written to disk unless asked. Ctrl-C ends it.")]
pub(crate) struct DemoArgs {
    /// Send the requests, print a table of the answers, and exit; 1 if an answer is not the expected one
    #[arg(long = "try", conflicts_with = "write_config")]
    pub(crate) try_it: bool,
    /// Write a commented configuration for `bearward run` to a new file, and exit
    #[arg(long, value_name = "FILE")]
    pub(crate) write_config: Option<PathBuf>,
    /// The gateway's port on 127.0.0.1; a free one if not given
    #[arg(long, value_name = "PORT", conflicts_with = "write_config")]
    pub(crate) port: Option<u16>,
}

/// `bearward issuer`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward issuer
  bearward issuer --config apps.toml
  bearward issuer --person 'subject = \"carol\", scopes = [\"orders:read\"]'
  bearward issuer --fault introspection=slow:2s --fault jwks=500 --fault clock=+90s
  bearward issuer --listen 0.0.0.0:9000 --allow-non-loopback --url http://issuer.test:9000

docs/issuer.md has every property of an application. It gives anybody who can reach it any token they ask for: for \
development and tests only.")]
pub(crate) struct IssuerArgs {
    /// Its applications, resource servers and people (TOML), instead of the built-in ones
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Add or replace an application, by the inside of an inline TOML table
    #[arg(long = "application", value_name = "TOML")]
    pub(crate) applications: Vec<String>,
    /// Add or replace a resource server
    #[arg(long = "resource-server", value_name = "TOML")]
    pub(crate) resource_servers: Vec<String>,
    /// Add or replace somebody who can sign in
    #[arg(long = "person", value_name = "TOML")]
    pub(crate) people: Vec<String>,
    /// What goes wrong: ENDPOINT=slow:2s, ENDPOINT=503 or clock=+90s
    #[arg(long = "fault", value_name = "FAULT")]
    pub(crate) faults: Vec<Fault>,
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub(crate) listen: SocketAddr,
    /// Its issuer URL, where that does not follow from the address it listens on
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Let it listen on an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_non_loopback: bool,
}

/// `bearward token`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward token
  bearward token --format referential --scope 'orders:read orders:write' --subject alice
  curl -H \"Authorization: Bearer $(bearward token)\" http://127.0.0.1:8080/orders/1

Only the token is printed, so that it can stand in another command. Needs a running `bearward issuer`.")]
pub(crate) struct TokenArgs {
    /// The development issuer to ask; with /apps/CLIENT_ID at its end, that application's own issuer URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    pub(crate) issuer: String,
    /// What the token is made of, instead of what the application gets
    #[arg(long, value_enum)]
    pub(crate) format: Option<TokenFormat>,
    /// The resource server that the token is for, instead of the application's own
    #[arg(long, value_name = "AUDIENCE")]
    pub(crate) audience: Option<String>,
    /// The scopes, separated by spaces, instead of the application's own
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scope: Option<String>,
    /// How long the token is good; below zero for one that has expired
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) lifetime: Option<i64>,
    /// Whom the token speaks for
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// The application that asks for it; the issuer's first one if not given
    #[arg(long, value_name = "CLIENT_ID")]
    pub(crate) application: Option<String>,
}

/// The two kinds of access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenFormat {
    /// A signed JWT that carries its claims
    SelfContained,
    /// A reference that only the issuer can resolve
    Referential,
}

/// `bearward completions`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bearward completions bash > ~/.local/share/bash-completion/completions/bearward
  bearward completions zsh > \"${fpath[1]}/_bearward\"
  bearward completions fish > ~/.config/fish/completions/bearward.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_reads_well() {
        let mut command = Cli::command().term_width(100);
        command.build();
        insta::assert_snapshot!("help", command.render_long_help());
        for name in ["run", "check", "demo", "issuer", "token", "completions"] {
            let help = command.find_subcommand_mut(name).map(|command| command.render_help().to_string());
            insta::assert_snapshot!(format!("help-{name}"), help.unwrap_or_default());
        }
    }
}
