//! `[[upstreams]]`

use std::time::Duration;

use bearward_core::{HostError, Server, ServerError};
use bearward_gate::Credentials;
use bearward_proxy::{AuthorizationMode, UpstreamSettings};

use super::{secret, set, unique};
use crate::location::{Diagnostic, Located, quote, values};
use crate::reader::Section;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Every upstream, readable or not, because a route that names a broken one is not wrong itself.
pub(super) fn upstreams(sections: Vec<Section<'_>>) -> Vec<Located<UpstreamSettings>> {
    let mut upstreams: Vec<Located<UpstreamSettings>> = Vec::new();
    for section in sections {
        let upstream = upstream(section, &upstreams);
        upstreams.push(upstream);
    }
    upstreams
}

fn upstream(mut section: Section<'_>, earlier: &[Located<UpstreamSettings>]) -> Located<UpstreamSettings> {
    let name = section.required("name", "\"orders\"");
    unique(&section, name.as_ref(), earlier.iter().map(|upstream| upstream.value.name.as_str()));
    section.require("servers", "[\"127.0.0.1:3000\"]");
    section.refuse_empty("servers", "name at least one server, such as \"127.0.0.1:3000\"");
    let servers = section.list("servers", server);
    let authorization = authorization(&mut section);
    let connect_timeout = section.duration("connect_timeout", SECOND / 100..=60 * SECOND);
    let read_timeout = section.duration("read_timeout", SECOND / 100..=24 * HOUR);
    let write_timeout = section.duration("write_timeout", SECOND / 100..=24 * HOUR);
    let idle_timeout = section.duration("idle_timeout", SECOND..=HOUR);
    let location = name.as_ref().map_or(section.location.clone(), |name| name.location.clone());
    section.finish();

    let mut settings = UpstreamSettings::new(name.map(|name| name.value).unwrap_or_default(), values(servers));
    settings.authorization = authorization;
    set(&mut settings.connect_timeout, connect_timeout.map(|timeout| timeout.value));
    set(&mut settings.read_timeout, read_timeout.map(|timeout| timeout.value));
    set(&mut settings.write_timeout, write_timeout.map(|timeout| timeout.value));
    set(&mut settings.idle_timeout, idle_timeout.map(|timeout| timeout.value));
    Located { value: settings, location }
}

/// `host:port`.
fn server(text: &str) -> Result<Server, Diagnostic> {
    const EXAMPLE: &str = "write host:port, such as \"127.0.0.1:3000\", \"orders.internal:80\" or \"[::1]:3000\"";
    if text.contains('@') {
        return Err(Diagnostic::new("a server holds no user name and no password").private());
    }
    if let Some((_, rest)) = text.split_once("://") {
        let diagnostic = Diagnostic::new(format!("{} is a URL; a server is host:port", quote(text)));
        let server = rest.split('/').next().filter(|rest| Server::parse(rest).is_ok());
        return Err(match server {
            Some(server) => diagnostic.did_you_mean(Some(server)),
            None => diagnostic.hint(EXAMPLE),
        });
    }
    Server::parse(text).map_err(|error| {
        let no_port = Diagnostic::new(format!("{} has no port", quote(text)));
        match error {
            ServerError::NoPort => no_port.hint(format!("write \"{text}:80\"")),
            ServerError::Host(HostError::NoBrackets) => no_port.hint(format!("write \"[{text}]:80\"")),
            ServerError::Port => Diagnostic::new(format!("{} is not host:port: {error}", quote(text))).hint(EXAMPLE),
            ServerError::Host(why) => Diagnostic::new(format!("{} is not host:port: {why}", quote(text))).hint(EXAMPLE),
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Remove,
    Forward,
    Replace,
}

fn authorization(section: &mut Section<'_>) -> AuthorizationMode {
    let modes = [("remove", Mode::Remove), ("forward", Mode::Forward), ("replace", Mode::Replace)];
    let readable = !section.has("authorization");
    let mode = section.choice("authorization", &modes);
    let file = section.string("authorization_file");
    let reader = section.reader;
    match mode.map(|mode| mode.value) {
        Some(Mode::Replace) => {
            section.require("authorization_file", "\"orders.authorization\"");
            let Some(file) = file else { return AuthorizationMode::Remove };
            let Some(secret) = secret::from_file(reader, &file) else { return AuthorizationMode::Remove };
            match Credentials::new(secret) {
                Ok(credentials) => AuthorizationMode::Replace(credentials),
                Err(error) => {
                    let hint = "it is the whole value in one line, such as: Basic Z2F0ZXdheTpzZWNyZXQ=";
                    reader.error(&file.location, Diagnostic::new(error.to_string()).hint(hint));
                    AuthorizationMode::Remove
                }
            }
        }
        mode => {
            if let Some(file) = file.filter(|_| readable || mode.is_some()) {
                let diagnostic = Diagnostic::new("means nothing without `authorization = \"replace\"`");
                reader.error(&file.location, diagnostic);
            }
            match mode {
                Some(Mode::Forward) => AuthorizationMode::Forward,
                _ => AuthorizationMode::Remove,
            }
        }
    }
}
