//! Whether a proxy judges as it should: what is not equivalent is not compared.

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::peers::Checks;
use crate::process::{Running, ask};
use crate::requests::{Expect, head, opaque};
use crate::tokens::{Mint, forged, now};

/// Sends a good request and some bad ones.
pub(crate) fn check(proxy: &Running, checks: Checks, mint: &Mint) -> Result<()> {
    let good = match checks {
        Checks::Nothing => None,
        Checks::SelfContained(algorithm) => Some(mint.with(algorithm, json!({}))?),
        Checks::Referential => Some(opaque("good", 0)),
    };
    // Twice, so that what was remembered is looked at too.
    for _ in 0..2 {
        let (status, echo) = send(proxy, good.as_deref())?;
        ensure!(status == 200, "a good request is answered {status}");
        if checks != Checks::Nothing {
            check_upstream(&echo)?;
        }
    }
    for (what, token) in bad(checks, mint)? {
        let (status, _) = send(proxy, token.as_deref())?;
        ensure!(Expect::Refuse.is(status), "{what}: answered {status}, not refused");
    }
    Ok(())
}

/// What the upstream has seen of a good request.
fn check_upstream(echo: &str) -> Result<()> {
    let echo = echo.to_lowercase();
    for field in [
        "x-auth-subject: user-000000\r\n",
        "x-auth-client-id: client-1\r\n",
        "x-auth-scope: read:items write:items profile\r\n",
    ] {
        ensure!(echo.contains(&format!("\r\n{field}")), "the upstream does not get {}", field.trim());
    }
    if echo.contains("\r\nauthorization:") {
        bail!("the upstream gets the token");
    }
    Ok(())
}

/// What has to be refused.
fn bad(checks: Checks, mint: &Mint) -> Result<Vec<(&'static str, Option<String>)>> {
    Ok(match checks {
        Checks::Nothing => Vec::new(),
        Checks::SelfContained(algorithm) => {
            let with = |claims| mint.with(algorithm, claims).map(Some);
            let good = mint.with(algorithm, json!({}))?;
            vec![
                ("no token", None),
                ("a bad signature", Some(forged(&good))),
                ("an expired token", with(json!({ "exp": now() - 3600 }))?),
                ("another issuer", with(json!({ "iss": "https://other.example.com/" }))?),
                ("another audience", with(json!({ "aud": "https://other.example.com" }))?),
                ("no scope for it", with(json!({ "scope": "write:items profile" }))?),
            ]
        }
        Checks::Referential => vec![
            ("no token", None),
            ("a token that is not active", Some(opaque("inactive", 0))),
            ("another audience", Some(opaque("audience", 0))),
            ("no scope for it", Some(opaque("scope", 0))),
        ],
    })
}

fn send(proxy: &Running, token: Option<&str>) -> Result<(u16, String)> {
    let request = head("GET", "/echo", token, false) + "\r\n";
    ask(proxy.address, request.as_bytes())
}
