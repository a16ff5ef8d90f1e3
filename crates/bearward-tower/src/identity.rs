//! Who calls.

use std::fmt;
use std::sync::Arc;

use bearward_core::{Reason, Requirement, Scope, ScopeSet, Verified};
use bearward_gate::{Generation, Route};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use serde_json::{Map, Value};

use crate::mount::Mount;

/// The caller, as the token says that the gate has proved.
///
/// [`BearwardLayer`](crate::BearwardLayer) puts it into the request's extensions, where only it can: there is no other way to
/// make one. With the feature `axum` it is an extractor too; `Option<Identity>` is one for routes that are open or optional.
///
/// ```
/// # use bearward_tower::Identity;
/// fn may_see_drafts(request: &http::Request<()>) -> bool {
///     request.extensions().get::<Identity>().is_some_and(|identity| identity.has_scope("drafts:read"))
/// }
///
/// /// A subject is unique within its issuer alone.
/// fn account(identity: &Identity) -> (String, Option<String>) {
///     (identity.issuer().to_owned(), identity.subject().map(str::to_owned))
/// }
///
/// fn email(identity: &Identity) -> Option<&str> {
///     identity.claims().get("email")?.as_str()
/// }
/// # assert!(!may_see_drafts(&http::Request::new(())));
/// # let _ = (account, email);
/// ```
#[derive(Clone)]
pub struct Identity {
    pub(crate) token: Arc<Verified>,
    pub(crate) decided_by: DecidedBy,
}

impl Identity {
    /// `sub`: whom the token stands for. Unique within the issuer alone: who accepts several keeps both.
    pub fn subject(&self) -> Option<&str> {
        self.token.subject()
    }

    /// The issuer that proved the token.
    pub fn issuer(&self) -> &str {
        self.token.issuer()
    }

    /// `client_id`: the application that asked for the token.
    pub fn client_id(&self) -> Option<&str> {
        self.token.client_id()
    }

    /// What the token permits, as its issuer wrote it.
    pub fn scopes(&self) -> &ScopeSet {
        self.token.scopes()
    }

    /// Whether the token permits this, by name or by a scope that stands for it here.
    pub fn has_scope(&self, scope: &str) -> bool {
        let Ok(scope) = Scope::parse(scope) else { return false };
        let requirement = self.decided_by.route.as_ref().and_then(|route| route.access().requirement());
        requirement.is_some_and(|asked| asked.implications.grant(self.token.scopes(), &scope))
    }

    /// All claims, or all members of the introspection answer.
    pub fn claims(&self) -> &Map<String, Value> {
        self.token.claims()
    }

    /// The proved token itself, without its text.
    pub fn verified(&self) -> &Verified {
        &self.token
    }
}

/// Without the claims: they are the caller's own business, and not for logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// What stands in the extensions of a request that was admitted without a token: the layer was there.
#[derive(Clone, Debug)]
pub(crate) struct Anonymous(pub(crate) DecidedBy);

/// Where a request was admitted, for refusals that come later.
#[derive(Clone, Debug)]
pub(crate) struct DecidedBy {
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) generation: Arc<Generation>,
    pub(crate) mount: Arc<Mount>,
}

/// What a request that was admitted is known by.
pub(crate) struct Admitted<'a> {
    token: Option<&'a Verified>,
    decided_by: &'a DecidedBy,
}

impl<'a> Admitted<'a> {
    /// `None` where no layer was.
    pub(crate) fn of(extensions: &'a http::Extensions) -> Option<Self> {
        match (extensions.get::<Identity>(), extensions.get::<Anonymous>()) {
            (Some(identity), _) => Some(Self { token: Some(&identity.token), decided_by: &identity.decided_by }),
            (None, Some(Anonymous(decided_by))) => Some(Self { token: None, decided_by }),
            (None, None) => None,
        }
    }

    /// Asks more of the request than its route did.
    pub(crate) fn narrow(
        &self,
        requirement: &Requirement,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), Box<Response<Full<Bytes>>>> {
        let DecidedBy { route, generation, mount } = self.decided_by;
        let route = route.as_deref();
        let narrowed = generation.narrow(self.token, route, requirement);
        narrowed.map_err(|refusal| Box::new(mount.answer(&refusal, route, method, headers)))
    }

    /// The answer where a handler cannot work with the token.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "typed claims are an extractor"))]
    pub(crate) fn refuse(&self, reason: Reason, method: &Method, headers: &HeaderMap) -> Box<Response<Full<Bytes>>> {
        let DecidedBy { route, generation, mount } = self.decided_by;
        let refusal = generation.refuse_admitted(reason, route.as_deref());
        Box::new(mount.answer(&refusal, route.as_deref(), method, headers))
    }
}
