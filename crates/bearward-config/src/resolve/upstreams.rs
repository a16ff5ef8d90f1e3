//! `[[upstreams]]`

use std::net::Ipv6Addr;
use std::time::Duration;

use bearward_gate::Credentials;

use super::{places, secret, unique};
use crate::place::{At, Complaint, quote};
use crate::reader::Section;
use crate::{AuthorizationMode, UpstreamSettings};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Every upstream, readable or not: routes that name a broken one are not at fault.
pub(super) fn upstreams(sections: Vec<Section<'_>>) -> Vec<At<UpstreamSettings>> {
    let mut upstreams: Vec<At<UpstreamSettings>> = Vec::new();
    for section in sections {
        let upstream = upstream(section, &upstreams);
        upstreams.push(upstream);
    }
    upstreams
}

fn upstream(mut section: Section<'_>, earlier: &[At<UpstreamSettings>]) -> At<UpstreamSettings> {
    let name = section.required("name", "\"orders\"");
    unique(&section, name.as_ref(), earlier.iter().map(|upstream| upstream.value.name.as_str()));
    if !section.has("servers") {
        section.missing("servers", "[\"127.0.0.1:3000\"]");
    }
    section.refuse_empty("servers", "name at least one server, such as \"127.0.0.1:3000\"");
    let servers = section.list("servers", server);
    let authorization = authorization(&mut section);
    let connect_timeout = section.duration("connect_timeout", SECOND / 100..=60 * SECOND);
    let read_timeout = section.duration("read_timeout", SECOND / 100..=24 * HOUR);
    let write_timeout = section.duration("write_timeout", SECOND / 100..=24 * HOUR);
    let idle_timeout = section.duration("idle_timeout", SECOND..=HOUR);
    let place = name.as_ref().map_or(section.place.clone(), |name| name.place.clone());
    section.finish();

    let servers = servers.into_iter().flat_map(|list| list.value).map(|at| at.value);
    let settings = UpstreamSettings {
        name: name.map(|name| name.value).unwrap_or_default(),
        servers: servers.collect(),
        authorization,
        connect_timeout: connect_timeout.map_or(5 * SECOND, |timeout| timeout.value),
        read_timeout: read_timeout.map_or(60 * SECOND, |timeout| timeout.value),
        write_timeout: write_timeout.map_or(60 * SECOND, |timeout| timeout.value),
        idle_timeout: idle_timeout.map_or(60 * SECOND, |timeout| timeout.value),
    };
    At { value: settings, place }
}

/// `host:port`.
fn server(text: &str) -> Result<String, Complaint> {
    const EXAMPLE: &str = "write host:port, such as \"127.0.0.1:3000\", \"orders.internal:80\" or \"[::1]:3000\"";
    if text.contains('@') {
        return Err(Complaint::new("a server holds no user name and no password").private());
    }
    if let Some((_, rest)) = text.split_once("://") {
        let complaint = Complaint::new(format!("{} is a URL; a server is host:port", quote(text)));
        let server = rest.split('/').next().filter(|rest| places::host_and_port(rest).is_some());
        return Err(match server {
            Some(server) => complaint.did_you_mean(Some(server)),
            None => complaint.hint(EXAMPLE),
        });
    }
    if places::host_and_port(text).is_some() {
        return Ok(text.to_owned());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(Complaint::new(format!("{} has no port", quote(text))).hint(format!("write \"[{text}]:80\"")));
    }
    if places::is_host(text) {
        return Err(Complaint::new(format!("{} has no port", quote(text))).hint(format!("write \"{text}:80\"")));
    }
    Err(Complaint::new(format!("{} is not host:port", quote(text))).hint(EXAMPLE))
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
    let reading = section.reading;
    match mode.map(|mode| mode.value) {
        Some(Mode::Replace) => {
            if !section.has("authorization_file") {
                section.missing("authorization_file", "\"orders.authorization\"");
            }
            let Some(file) = file else { return AuthorizationMode::Remove };
            let Some(secret) = secret::from_file(reading, &file) else { return AuthorizationMode::Remove };
            match Credentials::new(secret) {
                Ok(credentials) => AuthorizationMode::Replace(credentials),
                Err(error) => {
                    let hint = "it is the whole value in one line, such as: Basic Z2F0ZXdheTpzZWNyZXQ=";
                    reading.error(&file.place, Complaint::new(error.to_string()).hint(hint));
                    AuthorizationMode::Remove
                }
            }
        }
        mode => {
            if let Some(file) = file.filter(|_| readable || mode.is_some()) {
                let complaint = Complaint::new("is of use with `authorization = \"replace\"` alone");
                reading.error(&file.place, complaint);
            }
            match mode {
                Some(Mode::Forward) => AuthorizationMode::Forward,
                _ => AuthorizationMode::Remove,
            }
        }
    }
}
