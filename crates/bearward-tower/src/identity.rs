//! The identity of the caller.

use std::fmt;
use std::sync::Arc;

use bearward_core::{Reason, Requirement, Scope, Scopes, Verified};
use bearward_gate::{Generation, Route, SharedToken};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use serde_json::{Map, Value};

use crate::mount::Mount;

/// The identity of the caller, from the token that the gate has proved.
///
/// [`BearwardLayer`](crate::BearwardLayer) inserts it into the request's extensions. No other code can make one. With the
/// feature `axum` it is an extractor too, and `Option<Identity>` is one for routes that are open or optional.
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
    pub(crate) token: SharedToken,
    pub(crate) decided_by: DecidedBy,
}

impl Identity {
    /// `sub`: the subject of the token. It is unique within its issuer only, so with several issuers store both.
    pub fn subject(&self) -> Option<&str> {
        self.token.subject()
    }

    /// The issuer that proved the token.
    pub fn issuer(&self) -> &str {
        self.token.issuer()
    }

    /// `client_id`: the application that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.token.client_id()
    }

    /// The scopes of the token, as the issuer wrote them.
    pub fn scopes(&self) -> Scopes<'_> {
        self.token.scopes()
    }

    /// Whether the token has this scope, or one that implies it here.
    pub fn has_scope(&self, scope: &str) -> bool {
        let Ok(scope) = Scope::parse(scope) else { return false };
        let requirement = self.decided_by.route.as_ref().and_then(|route| route.access().requirement());
        requirement.is_some_and(|asked| asked.implications.grant(self.token.scopes(), &scope))
    }

    /// All claims, or all members of the introspection answer.
    pub fn claims(&self) -> &Map<String, Value> {
        self.token.claims()
    }

    /// The verified token, without its text.
    pub fn verified(&self) -> &Verified {
        &self.token
    }
}

/// Without the claims, which may be personal data and do not belong in logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// In the extensions of a request that was admitted without a token. It shows that the layer ran.
#[derive(Clone, Debug)]
pub(crate) struct Anonymous(pub(crate) DecidedBy);

/// What admitted a request, for refusals behind the layer.
#[derive(Clone, Debug)]
pub(crate) struct DecidedBy {
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) generation: Arc<Generation>,
    pub(crate) mount: Arc<Mount>,
}

/// An admitted request.
pub(crate) struct Admitted<'a> {
    token: Option<&'a Verified>,
    decided_by: &'a DecidedBy,
}

impl<'a> Admitted<'a> {
    /// `None` if no layer ran.
    pub(crate) fn of(extensions: &'a http::Extensions) -> Option<Self> {
        match (extensions.get::<Identity>(), extensions.get::<Anonymous>()) {
            (Some(identity), _) => Some(Self { token: Some(&identity.token), decided_by: &identity.decided_by }),
            (None, Some(Anonymous(decided_by))) => Some(Self { token: None, decided_by }),
            (None, None) => None,
        }
    }

    /// Checks a requirement beyond that of the route.
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

    /// The answer if a handler cannot use the token.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "typed claims are an extractor"))]
    pub(crate) fn refuse(&self, reason: Reason, method: &Method, headers: &HeaderMap) -> Box<Response<Full<Bytes>>> {
        let DecidedBy { route, generation, mount } = self.decided_by;
        let refusal = generation.refuse_admitted(reason, route.as_deref());
        Box::new(mount.answer(&refusal, route.as_deref(), method, headers))
    }
}
