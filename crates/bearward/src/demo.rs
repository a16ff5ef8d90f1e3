//! `bearward demo`: the development issuer, an API that echoes, and the gateway between them, in one process.

mod cases;
mod config;
mod echo;
mod flows;
mod tokens;
mod try_run;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bearward_issuer::{Issuer, RunningIssuer, SigningAlgorithm};
use tokio::runtime::Handle;

use self::config::Addresses;
use self::tokens::Tokens;
use crate::cli::DemoArgs;
use crate::exit::{Exit, OrStop, Outcome, Stop};
use crate::gateway::Gateway;
use crate::run::runtime;
use crate::signals::Signals;
use crate::{logging, output};
use bearward_config::{Config, LogSettings, Overrides, parse};
use bearward_gate::MetricsRegistry;

/// The longest that the gateway may take to be ready. Everything it needs is in this process.
const READY_TIMEOUT: Duration = Duration::from_secs(20);
const READY_POLL: Duration = Duration::from_millis(10);
/// The most connections to the demo's gateway at a time.
const MAX_CONNECTIONS: usize = 64;

/// Writes the configuration, or starts the demo and tries it, or lets people try it.
pub(crate) fn run(args: &DemoArgs) -> Outcome {
    if let Some(file) = &args.write_config {
        return write_config(file);
    }
    let mut log = LogSettings::default();
    log.level = "warn".to_owned();
    let _log = logging::start(&log)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let mut demo = tokio::select! {
            demo = Demo::start(args.port, runtime.handle()) => demo?,
            _ = signals.stop() => return Ok(Exit::Success),
        };
        if args.try_it {
            return demo.try_it().await;
        }
        output::out(&text(&demo.addresses, &demo.tokens))?;
        tokio::select! {
            ended = demo.gateway.ended() => ended.or_stop(Exit::Unavailable).map(|()| Exit::Success),
            // Nobody's requests are at stake: it ends at once.
            _ = signals.stop() => Ok(Exit::Success),
        }
    });
    runtime.shutdown_background();
    outcome
}

/// Everything that runs.
#[derive(Debug)]
struct Demo {
    addresses: Addresses,
    gateway: Gateway,
    /// Ends when dropped.
    _issuer: RunningIssuer,
    tokens: Tokens,
}

impl Demo {
    /// Starts all three, and waits until the gateway is ready.
    async fn start(port: Option<u16>, runtime: &Handle) -> Result<Self, Stop> {
        // Its signatures are short, which keeps the printed lines so.
        let issuer = Issuer::builder()
            .algorithms([SigningAlgorithm::Es256])
            .spawn()
            .await
            .context("cannot start the development issuer")?;
        let addresses = Addresses {
            gateway: port.map_or_else(free_address, |port| Ok((Ipv4Addr::LOCALHOST, port).into()))?,
            admin: free_address()?,
            issuer: issuer.url().to_owned(),
            upstream: echo::spawn().await.context("cannot start the demo's API")?,
        };
        let mut config = settings(&addresses)?;
        // Few people try it at once, and no machine is too small for so many.
        config.proxy.max_connections = config.proxy.max_connections.min(MAX_CONNECTIONS);
        let mut gateway = Gateway::start(config, runtime, MetricsRegistry::default())?;
        gateway.listening().await?;
        let ready = async {
            while !gateway.is_ready() {
                tokio::time::sleep(READY_POLL).await;
            }
        };
        tokio::time::timeout(READY_TIMEOUT, ready)
            .await
            .map_err(|_| anyhow!("the gateway is not ready; see http://{}/readyz?verbose", addresses.admin))
            .or_stop(Exit::Unavailable)?;
        let tokens = Tokens::obtain(issuer.issuer()).await?;
        Ok(Self { addresses, gateway, _issuer: issuer, tokens })
    }

    async fn try_it(&self) -> Outcome {
        let report = try_run::run(self.addresses.gateway, self.addresses.admin, &self.tokens).await?;
        output::out(&report.text())?;
        Ok(if report.passed() { Exit::Success } else { Exit::Failure })
    }
}

/// What is where, and what to paste.
fn text(addresses: &Addresses, tokens: &Tokens) -> String {
    let Addresses { gateway, admin, issuer, upstream } = addresses;
    let mut text = format!(
        "\
Bearward is running, for this machine only.

  gateway  http://{gateway}
  admin    http://{admin}/readyz?verbose and http://{admin}/metrics
  issuer   {issuer} (for development: it gives anybody a token)
  API      http://{upstream} (behind the gateway; it echoes what reaches it)

Paste these into another shell. The tokens are the demo's own and worth nothing elsewhere.
"
    );
    for case in cases::all() {
        let curl = case.curl(&format!("http://{gateway}"), case.token.map(|token| tokens.get(token)));
        text.push_str(&format!("\n# {}  {}\n{curl}\n", case.status(), case.remark));
    }
    text.push_str(&format!(
        "
More tokens:                    bearward token --issuer {issuer} --help
A configuration of your own:    bearward demo --write-config bearward.toml
Ctrl-C ends the demo.
"
    ));
    text
}

/// A free port. It may be taken before the gateway binds it, which then says so.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The demo's text, read as any configuration is.
fn settings(addresses: &Addresses) -> Result<Config, Stop> {
    let environment = [(config::SECRET_VARIABLE.to_owned(), config::SECRET.to_owned())];
    parse(&config::text(addresses), Path::new("demo.toml"), &Overrides::default(), environment)
        .map_err(|problems| anyhow!("the demo's own configuration is wrong:\n{problems}"))
        .or_stop(Exit::Config)
}

fn write_config(file: &Path) -> Outcome {
    let text = config::text(&Addresses::fixed());
    match File::create_new(file).and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(anyhow!("{} exists and may be somebody's work; name another file", file.display()).into());
        }
        written => written.with_context(|| format!("cannot write {}", file.display()))?,
    }
    output::out(&format!(
        "\
Wrote {file}. It passes requests on to an API at 127.0.0.1:3000, which is yours to run. Then, in three shells:

  bearward issuer
  {variable}={secret} bearward run --config {file}
  curl -i http://127.0.0.1:8080/orders/1 -H \"Authorization: Bearer $(bearward token)\"
",
        file = file.display(),
        variable = config::SECRET_VARIABLE,
        secret = config::SECRET,
    ))?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn the_printed_lines_read_well() {
        insta::assert_snapshot!("demo", text(&Addresses::fixed(), &Tokens::placeholders()));
    }

    #[test]
    fn the_configuration_is_whole_and_without_warnings() {
        let config = settings(&Addresses::fixed()).unwrap();
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_case_is_answered_as_expected() {
        let demo = Demo::start(None, &Handle::current()).await.unwrap();
        let report = try_run::run(demo.addresses.gateway, demo.addresses.admin, &demo.tokens).await.unwrap();
        assert!(report.passed(), "{}", report.text());
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("bearward.toml");
        std::fs::write(&file, "mine").unwrap();
        let stop = write_config(&file).unwrap_err();
        assert!(stop.to_string().ends_with("name another file"), "{stop}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
