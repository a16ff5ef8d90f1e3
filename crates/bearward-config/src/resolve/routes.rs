//! `[[routes]]`

use std::collections::BTreeSet;
use std::sync::Arc;

use bearward_core::{Access, Host, PathPattern, Requirement, ScopeImplications};
use bearward_gate::{IssuerSettings, RouteSettings};
use bearward_proxy::UpstreamSettings;
use http::Method;

use super::{claims, route_match, route_rules, scopes, unique};
use crate::location::{Diagnostic, Located, Location, quote, values};
use crate::reader::{Reader, Section};
use crate::suggest;

/// Every route that can be read. Reports routes that conflict, and upstreams that no route leads to.
pub(super) fn routes(
    reader: &Reader<'_>,
    sections: Vec<Section<'_>>,
    definitions: Definitions<'_>,
) -> Vec<RouteSettings> {
    if sections.is_empty() {
        let diagnostic = Diagnostic::new("no [[routes]]: every request would be answered with 404");
        reader.error(
            &Location::root(),
            diagnostic.hint("add [[routes]] with a path, an upstream and the scopes it needs"),
        );
    }
    let mut routes: Vec<Located<RouteSettings>> = Vec::new();
    let mut used = BTreeSet::new();
    for section in sections {
        let route = RouteReader { definitions, earlier: &routes, used: &mut used }.read(section);
        routes.extend(route);
    }
    let named = definitions.upstreams.iter().filter(|upstream| !upstream.value.name.is_empty());
    for upstream in named.filter(|upstream| !used.contains(&upstream.value.name)) {
        reader.warning(&upstream.location, "no route leads to this upstream");
    }
    route_rules::report_collisions(reader, &routes);
    route_rules::warn_of_other_spellings(reader, &routes, definitions.upstreams);
    route_rules::warn_of_unverified_tokens(reader, &routes, definitions.upstreams);
    routes.into_iter().map(|route| route.value).collect()
}

/// What routes refer to.
#[derive(Clone, Copy)]
pub(super) struct Definitions<'a> {
    pub(super) issuers: &'a [Located<IssuerSettings>],
    pub(super) upstreams: &'a [Located<UpstreamSettings>],
    pub(super) implications: &'a Arc<ScopeImplications>,
}

/// What the reading of one route needs from the rest of the configuration.
struct RouteReader<'a> {
    definitions: Definitions<'a>,
    earlier: &'a [Located<RouteSettings>],
    used: &'a mut BTreeSet<String>,
}

impl RouteReader<'_> {
    fn read(self, mut section: Section<'_>) -> Option<Located<RouteSettings>> {
        let location = section.location.clone();
        section.require("path", "\"/orders/*\"");
        let path = section.parsed("path", "a path", |text| {
            PathPattern::parse(text).map_err(|error| Diagnostic::new(format!("path {}: {error}", quote(text))))
        });
        let ignore_case = section.boolean("ignore_case").is_some_and(|ignore_case| ignore_case.value);
        let methods = route_match::methods(&mut section);
        let hosts = route_match::hosts(&mut section);
        let upstream = self.upstream(&mut section);
        self.used.insert(upstream.clone());
        let name = section.string("name");
        let routes = self.earlier.iter().map(|route| route.value.name.as_str());
        unique(&section, name.as_ref(), routes);
        let (access, issuers, referential_issuer) = self.access(&mut section);
        section.finish();

        let (path, methods, hosts) = (path?.value, methods?, hosts?);
        let name = name.map_or_else(|| self.default_name(&methods, &hosts, &path), |name| name.value);
        let mut value = RouteSettings::new(name, path, access);
        value.hosts = hosts;
        value.methods = methods;
        value.ignore_case = ignore_case;
        value.upstream = upstream;
        value.issuers = issuers;
        value.referential_issuer = referential_issuer;
        Some(Located { value, location })
    }

    fn upstream(&self, section: &mut Section<'_>) -> String {
        let Some(upstream) = section.required("upstream", "\"orders\"") else { return String::new() };
        let mut names = self.definitions.upstreams.iter().map(|upstream| upstream.value.name.as_str());
        if !names.clone().any(|name| name == upstream.value) {
            let diagnostic = Diagnostic::new(format!("there is no upstream {}", quote(&upstream.value)));
            let diagnostic = match suggest::nearest(&upstream.value, names.clone()) {
                Some(meant) => diagnostic.did_you_mean(Some(meant)),
                None if names.next().is_none() => diagnostic.hint("add [[upstreams]] with this name and its servers"),
                None => diagnostic
                    .hint(format!("the upstreams are {}", list(self.definitions.upstreams, |at| &at.value.name))),
            };
            section.reader.error(&upstream.location, diagnostic);
        }
        upstream.value
    }

    /// What a caller must present, and which issuers' tokens are accepted.
    fn access(&self, section: &mut Section<'_>) -> (Access, Vec<String>, Option<String>) {
        let reader = section.reader;
        let open = section.boolean("open").is_some_and(|open| open.value);
        let optional = section.boolean("optional").filter(|optional| optional.value);
        // An author who writes a list wants to require something, and with an empty one every valid token would do.
        section.refuse_empty("scopes", "name the scopes that a token needs, or leave it out");
        let all = values(section.list("scopes", scopes::scope));
        section.refuse_empty("any_scope", "name the scopes of which a token needs one, or leave it out");
        let any = values(section.list("any_scope", scopes::scope));
        section.refuse_empty("claims", "say what a token must hold, or leave it out");
        let claims = claims::rules(section, "claims");
        section.refuse_empty("audiences", "name the audiences of which a token needs one, or leave it out");
        let audiences = section.list("audiences", |text| Ok(text.to_owned()));
        section.refuse_empty("issuers", "leave it out to accept the tokens of every issuer");
        let issuers = section.list("issuers", |text| Ok(text.to_owned())).map(|list| list.value).unwrap_or_default();
        let referential = section.string("referential_issuer");
        let unknown = issuers.iter().chain(&referential).filter(|name| self.issuer(&name.value).is_none());
        for name in unknown {
            reader.error(&name.location, self.unknown_issuer(&name.value));
        }

        if let Some(optional) = optional.as_ref().filter(|_| open) {
            let diagnostic = Diagnostic::new("`open` and `optional` exclude each other");
            let hint = "open: no token is looked at; optional: one that is sent must be valid and meet what the route asks for";
            reader.error(&optional.location.key(), diagnostic.hint(hint));
        }
        if open {
            for key in ["scopes", "any_scope", "claims", "audiences", "issuers", "referential_issuer"] {
                if section.has(key) {
                    let diagnostic =
                        Diagnostic::new(format!("an open route asks for no token, so `{key}` would mean nothing"));
                    let hint = format!("remove `open = true` to protect the route, or `{key}` to leave it open");
                    reader.error(&section.location_of(key).key(), diagnostic.hint(hint));
                }
            }
            return (Access::Open, Vec::new(), None);
        }
        if self.definitions.issuers.is_empty() {
            let looks_at = if optional.is_some() { "looks at tokens" } else { "needs a token" };
            let diagnostic =
                Diagnostic::new(format!("this route {looks_at}, and there is no issuer whose tokens it could take"));
            let hint = "add [[issuers]] with an issuer and its audiences, or set `open = true` to let every caller in";
            reader.error(&section.location, diagnostic.hint(hint));
        }
        let names: Vec<String> = issuers.into_iter().map(|name| name.value).collect();
        self.referential(section, &names, referential.as_ref());
        if let Some(audiences) = &audiences {
            self.audiences(section, &names, &audiences.value);
        }
        let implications = Arc::clone(self.definitions.implications);
        let any = if any.is_empty() { Vec::new() } else { vec![any] };
        let requirement = Requirement { all, any, audiences: values(audiences), claims, implications };
        let access = if optional.is_some() { Access::Optional(requirement) } else { Access::Token(requirement) };
        (access, names, referential.map(|name| name.value))
    }

    /// A referential token names no issuer, so there must be one issuer to ask, and it must be one that can answer.
    fn referential(&self, section: &Section<'_>, names: &[String], referential: Option<&Located<String>>) {
        let candidates: Vec<&str> = self
            .of_route(names)
            .filter(|issuer| issuer.answers_for_referential_tokens())
            .map(|issuer| &*issuer.issuer)
            .collect();
        let Some(named) = referential else {
            if candidates.len() > 1 {
                let diagnostic = Diagnostic::new(format!(
                    "referential tokens of this route could go to {} issuers: {}",
                    candidates.len(),
                    candidates.join(", ")
                ));
                let hint = "name the one to ask with `referential_issuer`; a token must not be shown to other issuers";
                section.reader.error(&section.location, diagnostic.hint(hint));
            }
            return;
        };
        let diagnostic = match self.issuer(&named.value) {
            Some(issuer) if issuer.introspection.is_none() => {
                let diagnostic = Diagnostic::new("this issuer has no introspection, so it cannot be asked");
                diagnostic.hint("add [issuers.introspection] to it")
            }
            Some(issuer) if !issuer.answers_for_referential_tokens() => {
                let diagnostic = Diagnostic::new("this issuer has only self-contained tokens, so it is not asked");
                diagnostic.hint("remove `tokens` from it, or this line")
            }
            Some(_) if !names.is_empty() && !names.contains(&named.value) => {
                Diagnostic::new("this issuer is not among the `issuers` of the route")
            }
            _ => return,
        };
        section.reader.error(&named.location, diagnostic);
    }

    /// A token needs an audience of the issuer and one of the route. An audience that no issuer has is rare enough to be a typing
    /// error.
    fn audiences(&self, section: &Section<'_>, names: &[String], audiences: &[Located<String>]) {
        let known: BTreeSet<&str> =
            self.of_route(names).flat_map(|issuer| &issuer.audiences).map(String::as_str).collect();
        for audience in audiences.iter().filter(|audience| !known.is_empty() && !known.contains(&*audience.value)) {
            let diagnostic = Diagnostic::new("no issuer of this route has this audience, so a token needs one of each");
            let meant = suggest::nearest(&audience.value, known.iter().copied());
            section.reader.warning(&audience.location, diagnostic.did_you_mean(meant));
        }
    }

    fn issuer(&self, name: &str) -> Option<&IssuerSettings> {
        self.definitions.issuers.iter().map(|issuer| &issuer.value).find(|issuer| issuer.issuer == name)
    }

    /// The issuers whose tokens a route accepts: those that it names, or all.
    fn of_route<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a IssuerSettings> {
        let issuers = self.definitions.issuers.iter().map(|issuer| &issuer.value);
        issuers.filter(move |issuer| names.is_empty() || names.contains(&issuer.issuer))
    }

    fn unknown_issuer(&self, name: &str) -> Diagnostic {
        let diagnostic = Diagnostic::new(format!("there is no issuer {}", quote(name)));
        let names = || self.definitions.issuers.iter().map(|issuer| issuer.value.issuer.as_str());
        // A `/` too many or too few at the end is the usual mistake.
        let slash = names().find(|known| known.trim_end_matches('/') == name.trim_end_matches('/'));
        match slash.or_else(|| suggest::nearest(name, names())) {
            Some(meant) => diagnostic.did_you_mean(Some(meant)),
            None if self.definitions.issuers.is_empty() => {
                diagnostic.hint("add [[issuers]] with this issuer and its audiences")
            }
            None => {
                diagnostic.hint(format!("the issuers are {}", list(self.definitions.issuers, |at| &at.value.issuer)))
            }
        }
    }

    /// "GET,POST shop.example.com/orders/*"; with a number if another route has that name.
    fn default_name(&self, methods: &[Method], hosts: &[Host], path: &PathPattern) -> String {
        let methods = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
        let hosts = hosts.iter().map(Host::as_str).collect::<Vec<_>>().join(",");
        let name = format!("{methods} {hosts}{path}").trim_start().to_owned();
        let taken = |name: &str| self.earlier.iter().any(|route| route.value.name == name);
        let mut numbered = (2..).map(|number| format!("{name} ({number})"));
        if taken(&name) { numbered.find(|name| !taken(name)).unwrap_or(name) } else { name }
    }
}

fn list<T>(items: &[T], name: impl Fn(&T) -> &String) -> String {
    const MOST: usize = 10;
    let mut names: Vec<String> = items.iter().take(MOST).map(|item| quote(name(item))).collect();
    if items.len() > MOST {
        names.push("...".to_owned());
    }
    names.join(", ")
}
