//! The sign-in page in a real browser, up to a token that the gateway admits.

use super::tenant::Tenant;
use crate::support::{Echo, Gateway, minimal_config, node};
use std::{env, path::PathBuf};

#[test]
fn a_person_signs_in_through_the_page_and_the_gateway_admits_the_token() {
    let (tenant, echo) = (Tenant::start(), Echo::start());
    let gateway = Gateway::start(&minimal_config(&tenant.issuer, &echo.address())).ready();
    let mut script = node("issuer-clients", "playwright-core", "browser.mjs");
    script.env("CHROMIUM", chromium()).env("GATEWAY", gateway.url());
    let flows = [
        "sign-in by mouse",
        "sign-in by keyboard",
        "a person who says no",
        "on to another site",
        "back to the page",
        "any size and colour scheme",
    ];
    tenant.must_get_through(&mut script, &flows);
    let people: Vec<String> =
        echo.requests().iter().map(|request| request.values("x-auth-subject").join(" and ")).collect();
    assert_eq!(people, ["alice", "bob"]);
}

/// The browser: the one that `CHROMIUM` names, or the first that is found.
fn chromium() -> PathBuf {
    if let Some(named) = env::var_os("CHROMIUM") {
        return named.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file()));
    found.expect("this test needs chromium, in PATH or where the variable CHROMIUM says")
}
