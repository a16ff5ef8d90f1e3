//! Resolved settings: checked once, so that a gate can be started from them without a further error.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use bearward_core::{Access, Endpoint, IdentityHeaders, KeySet, TokenRules, check_method, shown_url};
use http::Method;

use super::{CacheSettings, GateError, GateSettings, IssuerSettings, KeySource, RouteSettings, bounds};

/// The settings of one generation.
#[derive(Debug)]
pub(crate) struct ResolvedSettings {
    pub(crate) realm: Arc<str>,
    pub(crate) max_token_bytes: usize,
    pub(crate) issuers: Vec<Arc<ResolvedIssuer>>,
    pub(crate) routes: Vec<ResolvedRoute>,
    /// The methods that routes name, each once.
    pub(crate) named_methods: Vec<Method>,
    pub(crate) cache: CacheSettings,
    pub(crate) identity: IdentityHeaders,
}

/// One issuer. Two are equal if their settings are.
#[derive(Debug)]
pub(crate) struct ResolvedIssuer {
    pub(crate) settings: IssuerSettings,
    pub(crate) rules: Arc<TokenRules>,
    /// The address of its metadata, if the settings need it.
    pub(crate) metadata: Option<MetadataAddress>,
    /// The source of its keys; `None` if none are needed.
    pub(crate) keys: Option<ResolvedKeys>,
    pub(crate) introspection: Option<ResolvedIntrospection>,
}

/// The address of an issuer's metadata.
#[derive(Debug)]
pub(crate) enum MetadataAddress {
    /// At the configured address.
    At(Endpoint),
    /// Where OpenID Connect Discovery and RFC 8414 put it for the issuer identifier.
    ByName { openid: Endpoint, oauth: Endpoint },
}

/// [`KeySource`], with its URL parsed.
#[derive(Debug)]
pub(crate) enum ResolvedKeys {
    Metadata,
    Url(Endpoint),
    File(PathBuf),
    Fixed(Arc<KeySet>),
}

/// The endpoints that the configuration names.
#[derive(Debug)]
pub(crate) struct ResolvedIntrospection {
    pub(crate) url: Option<Endpoint>,
    pub(crate) token_url: Option<Endpoint>,
}

/// One route, with its issuers found.
#[derive(Debug)]
pub(crate) struct ResolvedRoute {
    pub(crate) settings: RouteSettings,
    pub(crate) issuers: Vec<Arc<ResolvedIssuer>>,
    pub(crate) referential: Option<Arc<ResolvedIssuer>>,
}

impl GateSettings {
    /// Checks everything.
    ///
    /// # Errors
    ///
    /// The first [`GateError`].
    pub(crate) fn resolve(self) -> Result<ResolvedSettings, GateError> {
        bounds::within(self.cache.max_age, &bounds::MAX_AGE, || "cache.max_age".to_owned())?;
        let mut names = HashSet::new();
        if let Some(twice) = self.issuers.iter().find(|issuer| !names.insert(issuer.issuer.clone())) {
            return Err(GateError::DuplicateIssuer { issuer: twice.issuer.clone() });
        }
        check_collisions(&self.routes)?;
        let named_methods = named_methods(&self.routes)?;
        let issuers = self.issuers.into_iter().map(|issuer| issuer.resolve().map(Arc::new));
        let issuers = issuers.collect::<Result<Vec<_>, _>>()?;
        let routes = self.routes.into_iter().map(|route| route.resolve(&issuers)).collect::<Result<_, _>>()?;
        Ok(ResolvedSettings {
            realm: self.realm.into(),
            max_token_bytes: self.max_token_bytes,
            issuers,
            routes,
            named_methods,
            cache: self.cache,
            identity: self.identity,
        })
    }
}

impl IssuerSettings {
    fn resolve(self) -> Result<ResolvedIssuer, GateError> {
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(GateError::NoAudience { issuer: self.issuer });
        }
        bounds::check(&self)?;
        if matches!(&self.keys, KeySource::Fixed(set) if set.is_empty()) {
            return Err(GateError::NoKey { issuer: self.issuer });
        }
        if let Some(why) = self.contradictions().into_iter().next() {
            return Err(GateError::Contradiction { issuer: self.issuer, why });
        }
        if self.variable.is_some() && self.needs_metadata() && self.discovery_url.is_none() {
            return Err(GateError::TemplateWithoutMetadata { issuer: self.issuer });
        }
        let introspection = self.introspection.as_ref().map(|asked| -> Result<_, GateError> {
            let (url, token_url) = (asked.url.as_deref(), asked.auth.token_url());
            Ok(ResolvedIntrospection {
                url: self.optional_endpoint(url)?,
                token_url: self.optional_endpoint(token_url)?,
            })
        });
        let (introspection, keys) = (introspection.transpose()?, self.resolve_keys()?);
        let metadata = self.needs_metadata().then(|| self.metadata_address()).transpose()?;
        let rules = self.rules().map_err(|why| GateError::Template { issuer: self.issuer.clone(), why })?;
        Ok(ResolvedIssuer { settings: self, rules: Arc::new(rules), metadata, keys, introspection })
    }

    fn resolve_keys(&self) -> Result<Option<ResolvedKeys>, GateError> {
        let keys = match &self.keys {
            KeySource::Metadata => ResolvedKeys::Metadata,
            KeySource::Url(url) => ResolvedKeys::Url(self.endpoint(url)?),
            KeySource::File(path) => ResolvedKeys::File(path.clone()),
            KeySource::Fixed(set) => ResolvedKeys::Fixed(Arc::clone(set)),
        };
        Ok(self.needs_keys().then_some(keys))
    }

    fn metadata_address(&self) -> Result<MetadataAddress, GateError> {
        if let Some(url) = &self.discovery_url {
            return self.endpoint(url).map(MetadataAddress::At);
        }
        // An issuer identifier is only required to be a URL here, where addresses are derived from it.
        self.endpoint(&self.issuer)?;
        let [openid, oauth] = metadata_urls(&self.issuer);
        Ok(MetadataAddress::ByName { openid: self.endpoint(&openid)?, oauth: self.endpoint(&oauth)? })
    }

    fn optional_endpoint(&self, url: Option<&str>) -> Result<Option<Endpoint>, GateError> {
        url.map(|url| self.endpoint(url)).transpose()
    }

    fn endpoint(&self, url: &str) -> Result<Endpoint, GateError> {
        let (issuer, shown) = (|| shown_url(&self.issuer), || shown_url(url));
        Endpoint::parse(url).map_err(|_| GateError::UnacceptableUrl { issuer: issuer(), url: shown() })
    }
}

impl ResolvedIssuer {
    /// The addresses of metadata and keys that the configuration names.
    pub(crate) fn configured_addresses(&self) -> impl Iterator<Item = &Endpoint> {
        let metadata: [Option<&Endpoint>; 2] = match &self.metadata {
            Some(MetadataAddress::At(url)) => [Some(url), None],
            Some(MetadataAddress::ByName { openid, oauth }) => [Some(openid), Some(oauth)],
            None => [None, None],
        };
        let keys = match &self.keys {
            Some(ResolvedKeys::Url(url)) => Some(url),
            _ => None,
        };
        metadata.into_iter().chain([keys]).flatten()
    }

    /// Whether the issuer's metadata names the address of the keys.
    pub(crate) fn discovers_keys(&self) -> bool {
        matches!(self.keys, Some(ResolvedKeys::Metadata))
    }
}

impl PartialEq for ResolvedIssuer {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl RouteSettings {
    fn resolve(self, issuers: &[Arc<ResolvedIssuer>]) -> Result<ResolvedRoute, GateError> {
        let named = |name: &String| {
            let found = issuers.iter().find(|issuer| issuer.settings.issuer == *name).map(Arc::clone);
            found.ok_or_else(|| GateError::UnknownIssuer { route: self.name.clone(), issuer: name.clone() })
        };
        let candidates = match self.issuers.as_slice() {
            [] => issuers.to_vec(),
            names => names.iter().map(named).collect::<Result<_, _>>()?,
        };
        let answers = |issuer: &&Arc<ResolvedIssuer>| issuer.settings.answers_for_referential_tokens();
        let referential = match &self.referential_issuer {
            // An open route ignores tokens, so it introspects none.
            _ if self.access == Access::Open => None,
            Some(name) => {
                let named = named(name)?;
                if !answers(&&named) || !candidates.iter().any(|candidate| Arc::ptr_eq(candidate, &named)) {
                    return Err(GateError::NoIntrospection { route: self.name, issuer: name.clone() });
                }
                Some(named)
            }
            None => {
                let mut answering = candidates.iter().filter(answers);
                let only = answering.next().map(Arc::clone);
                // An opaque token names no issuer. To try one after the other would disclose it to the wrong ones.
                if answering.next().is_some() {
                    return Err(GateError::AmbiguousReferentialIssuer { route: self.name });
                }
                only
            }
        };
        Ok(ResolvedRoute { issuers: candidates, referential, settings: self })
    }
}

/// Each route must have a name of its own, and no two may collide.
fn check_collisions(routes: &[RouteSettings]) -> Result<(), GateError> {
    for (at, route) in routes.iter().enumerate() {
        for earlier in routes.iter().take(at) {
            if earlier.name == route.name {
                return Err(GateError::DuplicateRoute { route: route.name.clone() });
            }
            let names = || (route.name.clone(), earlier.name.clone());
            if earlier.differs_in_case(route) {
                let (route, earlier) = names();
                return Err(GateError::CaseDiffers { route, earlier });
            }
            if let Some(place) = earlier.collision(route) {
                let (route, earlier) = names();
                return Err(GateError::RouteCollision { route, earlier, place });
            }
        }
    }
    Ok(())
}

/// The methods that routes name, each once. A route for a method that no request can have would match nothing, and a wider
/// route would get the requests that it was meant for.
fn named_methods(routes: &[RouteSettings]) -> Result<Vec<Method>, GateError> {
    let mut named: Vec<Method> = Vec::new();
    for route in routes {
        for method in &route.methods {
            if named.contains(method) {
                continue;
            }
            if check_method(method, &named).is_err() {
                return Err(GateError::Method { route: route.name.clone(), method: method.clone() });
            }
            named.push(method.clone());
        }
    }
    Ok(named)
}

/// The addresses of the metadata for an issuer identifier: OpenID Connect appends its suffix, RFC 8414 inserts it between host
/// and path.
fn metadata_urls(issuer: &str) -> [String; 2] {
    let issuer = issuer.trim_end_matches('/');
    let host_end = issuer.find("://").map_or(0, |at| at + 3);
    let path_at = issuer.get(host_end..).and_then(|rest| rest.find('/')).map_or(issuer.len(), |at| host_end + at);
    let (origin, path) = issuer.split_at(path_at);
    [
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses() {
        let openid = "https://auth.example.com/tenant/1/.well-known/openid-configuration";
        let oauth = "https://auth.example.com/.well-known/oauth-authorization-server/tenant/1";
        assert_eq!(metadata_urls("https://auth.example.com/tenant/1"), [openid, oauth]);
        assert_eq!(metadata_urls("https://auth.example.com/tenant/1/"), [openid, oauth]);
        assert_eq!(
            metadata_urls("https://auth.example.com"),
            [
                "https://auth.example.com/.well-known/openid-configuration",
                "https://auth.example.com/.well-known/oauth-authorization-server"
            ]
        );
    }
}
