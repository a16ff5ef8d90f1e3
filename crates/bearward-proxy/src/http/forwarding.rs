//! The header fields of a forwarded request. Every field that names the caller or the client's connection is set by the gateway
//! or absent, because upstreams trust it.
//!
//! This runs after the hop-by-hop fields and those that `Connection` names were removed (RFC 9110, 7.6.1). So a client cannot
//! strip fields of the gateway by naming them in `Connection` (CVE-2022-31813, CVE-2025-48865). It runs again for each attempt,
//! on a fresh copy of the request.
//!
//! Trailers cannot add headers either: pingora 0.9 reads the trailers of a chunked HTTP/1 body to find its end and drops
//! them, in both directions (`pingora-core`, `protocols/http/v1/body.rs`, `parse_trailers_end`).

use std::net::IpAddr;

use bearward_core::{Fields, IdentityHeaders, Server, X_REQUEST_ID, is_proxys_word, remove_fields, same_field_name};
use http::header::{AUTHORIZATION, HOST, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::settings::AuthorizationMode;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Fields that the HTTP library handles under their own name, so that only their aliases are removed: a server that takes `_`
/// for `-` would read a second body length from them.
const ALIASES_REMOVED: &[&str] = &["content-length", "transfer-encoding"];

/// The data for a forwarded request.
#[derive(Debug)]
pub(crate) struct Forwarding<'a> {
    pub(crate) identity: &'a IdentityHeaders,
    /// The caller's identity; empty on an open route.
    pub(crate) admission: &'a [(HeaderName, HeaderValue)],
    pub(crate) authorization: &'a AuthorizationMode,
    pub(crate) client: Option<IpAddr>,
    pub(crate) request_id: &'a HeaderValue,
    /// The server's own `host:port`, for requests without `Host`.
    pub(crate) server: &'a Server,
    /// The HTTP version of the received request.
    pub(crate) received: Version,
}

/// Turns a copy of the request's fields into those that the upstream gets; `original` are the received fields.
pub(crate) fn rewrite<F: Fields>(fields: &mut F, original: &HeaderMap, with: &Forwarding<'_>) -> Result<(), F::Error> {
    remove_fields(fields, |name| is_removed(name) || with.identity.is_reserved(name));

    for (name, value) in with.admission {
        fields.set(name.clone(), value.clone())?;
    }
    authorize(fields, original, with.authorization)?;

    if let Some(client) = with.client {
        // An IPv4 client of a dual-stack listener is shown with its IPv4 address.
        fields.set(X_FORWARDED_FOR, text(client.to_canonical()))?;
    }
    fields.set(X_FORWARDED_PROTO, HeaderValue::from_static("http"))?;
    match original.get(HOST) {
        Some(host) => fields.set(X_FORWARDED_HOST, host.clone())?,
        // Only HTTP/1.0 may lack one, and HTTP/1.1, which the upstream gets, requires one.
        None => fields.set(HOST, text(with.server))?,
    }
    // After the entries of earlier proxies (RFC 9110, 7.6.3).
    let via = if with.received == Version::HTTP_10 { "1.0 bearward" } else { "1.1 bearward" };
    fields.add(VIA, HeaderValue::from_static(via))?;
    fields.set(X_REQUEST_ID, with.request_id.clone())
}

fn authorize<F: Fields>(fields: &mut F, original: &HeaderMap, mode: &AuthorizationMode) -> Result<(), F::Error> {
    match mode {
        AuthorizationMode::Remove => {
            fields.remove(&AUTHORIZATION);
            Ok(())
        }
        // From the original, because `Connection: authorization` removes it from the copy.
        AuthorizationMode::Forward => match original.get(AUTHORIZATION) {
            Some(authorization) => fields.set(AUTHORIZATION, authorization.clone()),
            None => Ok(()),
        },
        AuthorizationMode::Replace(credentials) => fields.set(AUTHORIZATION, credentials.value()),
    }
}

/// An address or a server: printable ASCII, and so always a field's value.
fn text(text: impl ToString) -> HeaderValue {
    HeaderValue::try_from(text.to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// Whether a field of this name, or one that a CGI-like server takes for it, is never forwarded.
fn is_removed(name: &str) -> bool {
    let is_alias = |of: &&str| *of != name && same_field_name(of, name);
    is_proxys_word(name) || ALIASES_REMOVED.iter().any(is_alias)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use bearward_gate::{Credentials, Secret};

    use super::*;

    fn fields(headers: &[(&'static str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        let mut fields = HeaderMap::new();
        for (name, value) in headers.iter().map(field) {
            fields.append::<HeaderName>(name, value);
        }
        fields
    }

    /// The headers that the upstream gets, sorted, with values.
    fn rewritten(
        headers: &[(&'static str, &str)],
        admission: &[(&'static str, &str)],
        authorization: &AuthorizationMode,
    ) -> Vec<String> {
        let identity = IdentityHeaders::new(Vec::new()).unwrap();
        let admission: Vec<_> = admission
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let with = Forwarding {
            identity: &identity,
            admission: &admission,
            authorization,
            client: Some("192.0.2.7".parse().unwrap()),
            request_id: &HeaderValue::from_static("id"),
            server: &Server::parse("127.0.0.1:3000").unwrap(),
            received: Version::HTTP_11,
        };
        let original = fields(headers);
        let mut copy = original.clone();
        rewrite(&mut copy, &original, &with).unwrap();
        let mut lines: Vec<_> =
            copy.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    const OURS: [&str; 5] = [
        "via: 1.1 bearward",
        "x-forwarded-for: 192.0.2.7",
        "x-forwarded-host: a",
        "x-forwarded-proto: http",
        "x-request-id: id",
    ];

    #[test]
    fn a_clients_word_about_itself_is_removed_in_every_alias() {
        for name in [
            "X-Auth-Subject",
            "x_auth_subject",
            "X-Auth_Subject",
            "X.Auth.Subject",
            "X-Auth-Scope",
            "X-Forwarded-For",
            "X_Forwarded_For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forwarded-Uri",
            "X-Forwarded-Method",
            "X-Forwarded-Prefix",
            "X-Forwarded-Client-Cert",
            "X_Forwarded-Something-Rather-Long-To-Look-At",
            "Forwarded",
            "X-Original-URL",
            "X_Original.URL",
            "X!Real'IP",
            "X-Rewrite-URL",
            "X-Real-IP",
            "Client-IP",
            "True-Client-IP",
            "X-Client-IP",
            "X-Envoy-Original-Path",
            "X-Remote-User",
            "Script_Name",
            "X-HTTP-Method-Override",
            "X-SSL-Client-Verify",
            "Client-Cert",
            "Proxy-Authorization",
            "X-Request-Id",
            "X_Request_Id",
            "Authorization",
            "Content_Length",
            "Transfer.Encoding",
        ] {
            let lines = rewritten(&[("Host", "a"), (name, "evil")], &[], &AuthorizationMode::Remove);
            assert_eq!(lines, ["host: a", OURS[0], OURS[1], OURS[2], OURS[3], OURS[4]], "{name}");
        }
    }

    #[test]
    fn other_fields_pass() {
        let headers =
            [("Host", "a"), ("Accept", "*/*"), ("Cookie", "c=1"), ("Content-Length", "3"), ("X-Authentic", "yes")];
        let lines = rewritten(&headers, &[], &AuthorizationMode::Remove);
        for line in ["accept: */*", "cookie: c=1", "content-length: 3", "x-authentic: yes", "host: a"] {
            assert!(lines.iter().any(|had| had == line), "{line} in {lines:?}");
        }
    }

    #[test]
    fn the_admitted_identity_replaces_the_clients() {
        let headers = [("Host", "a"), ("X-Auth-Subject", "evil"), ("x-auth-subject", "worse")];
        let lines = rewritten(&headers, &[("x-auth-subject", "alice")], &AuthorizationMode::Remove);
        assert_eq!(
            lines.iter().filter(|line| line.starts_with("x-auth-")).collect::<Vec<_>>(),
            ["x-auth-subject: alice"]
        );
    }

    #[test]
    fn authorization_follows_the_upstreams_mode() {
        let authorization = |mode: &AuthorizationMode| {
            let lines = rewritten(&[("Host", "a"), ("Authorization", "Bearer t")], &[], mode);
            lines.into_iter().find(|line| line.starts_with("authorization"))
        };
        assert_eq!(authorization(&AuthorizationMode::Remove), None);
        assert_eq!(authorization(&AuthorizationMode::Forward).unwrap(), "authorization: Bearer t");
        let own = Credentials::new(Secret::from_text("Basic Z2F0ZXdheQ==".to_owned())).unwrap();
        let own = AuthorizationMode::Replace(own);
        assert_eq!(authorization(&own).unwrap(), "authorization: Basic Z2F0ZXdheQ==");
    }

    #[test]
    fn connection_cannot_take_a_forwarded_authorization_away() {
        let identity = IdentityHeaders::new(Vec::new()).unwrap();
        let with = Forwarding {
            identity: &identity,
            admission: &[],
            authorization: &AuthorizationMode::Forward,
            client: None,
            request_id: &HeaderValue::from_static("id"),
            server: &Server::parse("127.0.0.1:3000").unwrap(),
            received: Version::HTTP_11,
        };
        let original = fields(&[("Host", "a"), ("Authorization", "Bearer t")]);
        let mut copy = fields(&[("Host", "a")]); // what is left of `Connection: authorization`
        rewrite(&mut copy, &original, &with).unwrap();
        assert_eq!(copy.get(AUTHORIZATION).unwrap(), "Bearer t");
    }

    #[test]
    fn an_http_1_0_request_without_host_gets_the_servers() {
        let lines = rewritten(&[], &[], &AuthorizationMode::Remove);
        assert_eq!(lines, ["host: 127.0.0.1:3000", OURS[0], OURS[1], OURS[3], OURS[4]]);
    }
}
