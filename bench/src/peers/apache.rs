//! Apache with mod_auth_openidc as a resource server: introspection with its cache in shared memory, or the issuer's keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Checks, Place, program};

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    let path = place.site.installed.apache.clone()?;
    let issuer = place.site.introspection.address;
    let tokens = match place.setup.checks {
        Checks::Nothing => bail!("Apache is not set up to forward without a check here"),
        Checks::SelfContained(_) => format!("OIDCOAuthVerifyJwksUri https://{issuer}/keys"),
        Checks::Referential => format!(
            "OIDCOAuthIntrospectionEndpoint https://{issuer}/introspect\nOIDCOAuthClientID bench\n\
             OIDCOAuthClientSecret secret\nOIDCOAuthIntrospectionEndpointAuth client_secret_basic"
        ),
    };
    // Its workers run as another user.
    fs::set_permissions(&place.run, fs::Permissions::from_mode(0o777))?;
    let config = place.write("apache.conf", include_str!("../../peers/apache.conf"), &[("TOKENS", &tokens)])?;
    Ok(program(&path, &["-f", &config.display().to_string(), "-D", "FOREGROUND"]))
}
