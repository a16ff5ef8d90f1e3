//! Bearward itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::Result;

use super::{Checks, Place, Remembers, program};
use crate::process::free_address;

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    let secret = place.run.join("secret");
    fs::write(&secret, "secret")?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    let max_age = match place.setup.remembers {
        Remembers::Never => "0s",
        Remembers::Briefly => "2s",
        Remembers::Long => "1h",
    };
    let route = match place.setup.checks {
        Checks::Nothing => "open = true",
        Checks::SelfContained(_) | Checks::Referential => "scopes = [\"read:items\"]",
    };
    let tokens = match place.setup.checks {
        Checks::Referential => format!(
            "tokens = \"referential\"\nca_file = \"@KEYS@/tls.pem\"\n[issuers.introspection]\nurl = \"https://{}/introspect\"\n\
             client_id = \"bench\"\nclient_secret_file = \"secret\"\ncache_ttl = \"1h\"",
            place.site.introspection.address
        ),
        _ => "tokens = \"self-contained\"\njwks_file = \"@KEYS@/keys.json\"".to_owned(),
    };
    let values = [
        ("ROUTE", route),
        ("TOKENS", tokens.as_str()),
        ("MAX_AGE", max_age),
        ("LEVEL", if place.setup.access_log { "info" } else { "warn" }),
        ("ADMIN", &free_address()?.to_string()),
    ];
    let config = place.write("bearward.toml", include_str!("../../peers/bearward.toml"), &values)?;
    let mut command = program(&place.site.installed.bearward.clone()?, &[]);
    command.arg("run").arg("--config").arg(config);
    Ok(command)
}
