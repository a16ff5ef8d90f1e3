//! What a route matches, apart from its path.

use bearward_core::{Host, Server};
use http::Method;

use crate::location::{Diagnostic, quote, values};
use crate::reader::Section;
use crate::suggest;

/// The methods of a route; empty for every method. `None` if there are some and none can be read: such a route must not be
/// taken for one that matches every method.
pub(super) fn methods(section: &mut Section<'_>) -> Option<Vec<Method>> {
    section.refuse_empty("methods", "leave it out to match every method");
    let methods = values(section.list("methods", method));
    (!methods.is_empty() || !section.has("methods")).then_some(methods)
}

/// The hosts of a route; empty for every host. `None` if there are some and none can be read.
pub(super) fn hosts(section: &mut Section<'_>) -> Option<Vec<Host>> {
    section.refuse_empty("hosts", "leave it out to match every host");
    section.exclude(&["hosts", "host"], "list all hosts in `hosts`");
    let one = section.parsed("host", "a host name", host).map(|host| host.value);
    let several = values(section.list("hosts", host));
    let hosts: Vec<Host> = one.into_iter().chain(several).collect();
    (!hosts.is_empty() || !section.has("host") && !section.has("hosts")).then_some(hosts)
}

fn host(text: &str) -> Result<Host, Diagnostic> {
    if text.contains('*') {
        let diagnostic = Diagnostic::new("a host is matched as a whole, `*` stands for nothing here");
        return Err(diagnostic.hint("list the hosts, or leave them out to match every host"));
    }
    if let Ok(server) = Server::parse(text) {
        let diagnostic = Diagnostic::new("a route matches the host without its port");
        return Err(diagnostic.did_you_mean(Some(server.host())));
    }
    Host::parse(text).map_err(|why| {
        Diagnostic::new(format!("{} is not a host name: {why}", quote(text))).hint("for example: \"api.example.com\"")
    })
}

/// The methods of RFC 9110, PATCH, and those of WebDAV. CONNECT and TRACE are never passed on.
const METHODS: [&str; 19] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "QUERY",
    "COPY",
    "LOCK",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "REPORT",
    "SEARCH",
    "UNLOCK",
    "ACL",
];

fn method(text: &str) -> Result<Method, Diagnostic> {
    if METHODS.contains(&text) {
        return Method::from_bytes(text.as_bytes()).map_err(|error| Diagnostic::new(error.to_string()));
    }
    let upper = text.to_ascii_uppercase();
    let diagnostic = match upper.as_str() {
        "CONNECT" | "TRACE" => return Err(Diagnostic::new(format!("{upper} is never passed on"))),
        "ALL" | "ANY" | "*" => {
            return Err(Diagnostic::new(format!("{} is not a method", quote(text)))
                .hint("leave `methods` out to match every method"));
        }
        _ if METHODS.contains(&upper.as_str()) => Diagnostic::new("methods are written in capitals (RFC 9110, 9.1)"),
        _ => Diagnostic::new(format!("{} is not a known method", quote(text))),
    };
    Err(diagnostic.did_you_mean(suggest::nearest(&upper, METHODS)))
}
