//! `bearward issuer`: the development issuer alone.

use anyhow::Context;
use bearward_issuer::{
    Application, BuildError, ClientAuthentication, FileError, GrantType, Issuer, Person, ResourceServer, Settings,
    SpawnError, TokenFormat,
};

use crate::cli::IssuerArgs;
use crate::exit::{Exit, OrStop, Outcome, Stop};
use crate::output;
use crate::run::runtime;
use crate::signals::Signals;

/// Runs the issuer until it is told to stop.
pub(crate) fn run(args: &IssuerArgs) -> Outcome {
    let mut builder = Issuer::builder().settings(settings(args)?).bind(args.listen);
    for fault in &args.faults {
        builder = builder.fault(*fault);
    }
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

/// The file's tenant or the built-in one, and then what the flags add.
fn settings(args: &IssuerArgs) -> Result<Settings, Stop> {
    let mut settings = match &args.config {
        None => Settings::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read {}", file.display())).or_stop(Exit::Config)?;
            Settings::from_toml(&text).with_context(|| file.display().to_string()).or_stop(Exit::Config)?
        }
    };
    for text in &args.resource_servers {
        settings.set_resource_server(entry("--resource-server", ResourceServer::from_toml(text))?);
    }
    for text in &args.applications {
        settings.set_application(entry("--application", Application::from_toml(text))?);
    }
    for text in &args.people {
        settings.set_person(entry("--person", Person::from_toml(text))?);
    }
    Ok(settings)
}

fn entry<T>(flag: &'static str, read: Result<T, FileError>) -> Result<T, Stop> {
    read.context(flag).or_stop(Exit::Config)
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
        SpawnError::Build(
            error @ (BuildError::Application { .. }
            | BuildError::ClientId(_)
            | BuildError::ResourceServer(_)
            | BuildError::ScopeName(_)
            | BuildError::Subject(_)
            | BuildError::Role { .. }
            | BuildError::Algorithms),
        ) => Stop::new(Exit::Config, error),
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
        let (tokens, audience) = if application.grant_types.is_empty() {
            ("none: it introspects".to_owned(), String::new())
        } else {
            (tokens(application), audiences(application))
        };
        [application.client_id.clone(), tokens, audience, application.allowed_scopes.join(" ")]
    });
    text.push_str(&bearward_config::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
    if !settings.people.is_empty() {
        let people: Vec<&str> = settings.people.iter().map(|person| person.subject.as_str()).collect();
        text.push_str(&format!("\nPeople who can sign in: {}.\n", people.join(", ")));
    }
    let named = if url == "http://127.0.0.1:9000" { String::new() } else { format!(" --issuer {url}") };
    text.push_str(&format!(
        "
Each application also has an issuer URL of its own, {url}/apps/APPLICATION.

A token, from a program on this machine:
  bearward token{named}
"
    ));
    text.push_str(&lines_to_paste(url, settings));
    text.push_str("\nCtrl-C ends it.\n");
    text
}

/// Who its tokens are for.
fn audiences(application: &Application) -> String {
    match application.resource_servers.as_slice() {
        [] => application.client_id.clone(),
        servers => servers.join(" "),
    }
}

/// For a person, or for the application itself.
fn tokens(application: &Application) -> String {
    let format = match application.token_format {
        TokenFormat::SelfContained => "self-contained",
        TokenFormat::Referential => "referential",
    };
    let person = application.has_grant(GrantType::AuthorizationCode);
    if person { format!("{format}, a person signs in") } else { format.to_owned() }
}

/// How an application gets a token, with the built-in secrets where those are in force: the issuer itself cannot tell
/// what a secret is.
fn lines_to_paste(url: &str, settings: &Settings) -> String {
    let has = |client_id: &str, secret: &str| {
        settings.application(client_id).is_some_and(|application| match &application.authentication {
            ClientAuthentication::SecretBasic(known) => known.matches(secret),
            _ => false,
        })
    };
    if !has("orders-app", "orders-secret") || !has("gateway", "gateway-secret") {
        return String::new();
    }
    format!(
        "\
as an application gets it:
  curl -u orders-app:orders-secret -d grant_type=client_credentials {url}/token
and what one means:
  curl -u gateway:gateway-secret -d token=TOKEN {url}/introspect
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_who_there_is_and_how_to_get_a_token() {
        insta::assert_snapshot!("issuer", text("http://127.0.0.1:9000", &Settings::default()));
    }

    #[test]
    fn a_tenant_of_ones_own_is_not_told_of_secrets_that_are_not_in_force() {
        let mut settings = Settings::default();
        settings.set_application(Application::new("orders-app", "changed"));
        let text = text("http://127.0.0.1:9000", &settings);
        assert!(!text.contains("curl") && text.contains("bearward token"), "{text}");
    }

    #[test]
    fn a_refusal_names_the_flag() {
        let stop = stop(SpawnError::Build(BuildError::NotLoopback(([0, 0, 0, 0], 9000).into())));
        assert!(stop.to_string().contains("--allow-non-loopback"), "{stop}");
    }
}
