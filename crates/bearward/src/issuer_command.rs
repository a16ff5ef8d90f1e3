//! `bearward issuer`: the development issuer alone.

use bearward_issuer::{BuildError, Issuer, Settings, SpawnError, TokenFormat};

use crate::cli::IssuerArgs;
use crate::exit::{Exit, Outcome, Stop};
use crate::output;
use crate::run::runtime;
use crate::signals::Signals;

/// Runs the issuer until it is told to stop.
pub(crate) fn run(args: &IssuerArgs) -> Outcome {
    let mut builder = Issuer::builder().bind(args.listen);
    if args.allow_non_loopback {
        builder = builder.allow_non_loopback();
    }
    if let Some(url) = &args.url {
        builder = builder.url(url);
    }
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let running = builder.spawn().await.map_err(stop)?;
        output::out(&text(running.url(), running.issuer().settings()))?;
        signals.stop().await;
        Ok(Exit::Success)
    });
    runtime.shutdown_background();
    outcome
}

/// The issuer's errors name its Rust API; here, the flags are what can be changed.
fn stop(error: SpawnError) -> Stop {
    match error {
        SpawnError::Build(BuildError::NotLoopback(address)) => Stop::from(anyhow::anyhow!(
            "refusing to listen on {address}, which others can reach: this issuer is for development and gives \
             anybody a token; listen on 127.0.0.1, or say --allow-non-loopback"
        )),
        SpawnError::Build(BuildError::NoUrl(address)) => Stop::from(anyhow::anyhow!(
            "{address} does not tell by which URL the issuer is reached; name it with --url http://HOST:PORT"
        )),
        SpawnError::Bind { .. } => Stop::new(Exit::Unavailable, error),
        error => Stop::from(error),
    }
}

fn text(url: &str, settings: &Settings) -> String {
    let mut text = format!(
        "\
Development issuer at {url}. NOT FOR PRODUCTION: its secrets are public, and its keys are new at each start.

"
    );
    let heading = ["application", "tokens", "audience", "scopes"].map(str::to_owned);
    let rows = settings.applications.iter().map(|application| {
        let (format, audience) = match (application.grant_types.is_empty(), application.token_format) {
            (true, _) => ("none: it introspects", String::new()),
            (false, TokenFormat::SelfContained) => ("self-contained", audience(application)),
            (false, TokenFormat::Referential) => ("referential", audience(application)),
        };
        [application.client_id.clone(), format.to_owned(), audience, application.allowed_scopes.join(" ")]
    });
    text.push_str(&bearward_config::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
    let named = if url == "http://127.0.0.1:9000" { String::new() } else { format!(" --issuer {url}") };
    text.push_str(&format!(
        "
A token, from a program on this machine:
  bearward token{named}
as an application gets it:
  curl -u orders-app:orders-secret -d grant_type=client_credentials {url}/token
and what one means:
  curl -u gateway:gateway-secret -d token=TOKEN {url}/introspect

Ctrl-C ends it.
"
    ));
    text
}

fn audience(application: &bearward_issuer::Application) -> String {
    application.resource_server.clone().unwrap_or_else(|| application.client_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_who_there_is_and_how_to_get_a_token() {
        insta::assert_snapshot!("issuer", text("http://127.0.0.1:9000", &Settings::default()));
    }

    #[test]
    fn a_refusal_names_the_flag() {
        let stop = stop(SpawnError::Build(BuildError::NotLoopback(([0, 0, 0, 0], 9000).into())));
        assert!(stop.to_string().contains("--allow-non-loopback"), "{stop}");
    }
}
