//! What a handler asks for beyond its route, and the refusals that follow: the same as everywhere.

use std::sync::Arc;

use bearward_core::{Reason, Refusal, Requirement, ScopeImplications, Verified};

use super::generation::Generation;
use super::routes::Route;

impl Generation {
    /// The refusal for `reason` on `route`, with the realm and the scopes that the route needs.
    pub fn refuse(&self, reason: Reason, route: Option<&Route>) -> Refusal {
        Refusal::new(reason).with_realm(Arc::clone(&self.realm)).with_scope(route.and_then(Route::challenge_scope))
    }

    /// Asks more of an admitted request than its route did: it must have a token, the one that was proved, and that must meet
    /// `requirement` too. Scopes stand for others as they do on the route.
    ///
    /// The decision stays counted as it was; what is refused here is counted in `bearward_requirement_refusals_total`.
    ///
    /// # Errors
    ///
    /// The refusal, whose challenge names the scopes of the route and of the requirement.
    pub fn narrow(
        &self,
        token: Option<&Verified>,
        route: Option<&Route>,
        requirement: &Requirement,
    ) -> Result<(), Refusal> {
        let reason = match token {
            None => Reason::CredentialMissing,
            Some(token) => {
                let none = ScopeImplications::default();
                let asked = route.and_then(Route::requirement);
                match requirement.narrow(token, asked.map_or(&none, |asked| &asked.implications)) {
                    Ok(()) => return Ok(()),
                    Err(reason) => reason,
                }
            }
        };
        let scope = joined(route.and_then(Route::challenge_scope), requirement.scope_for_challenge());
        Err(self.refuse_admitted(reason, route).with_scope(scope))
    }

    /// The refusal of a request that was admitted, for `reason`, where it turns out later that it cannot be served: counted as
    /// those of [`Generation::narrow`].
    pub fn refuse_admitted(&self, reason: Reason, route: Option<&Route>) -> Refusal {
        self.engine.metrics.refused_by_requirement(route.map_or("", Route::name), reason);
        self.refuse(reason, route)
    }
}

/// The scopes of both, each once.
fn joined(route: Option<Arc<str>>, requirement: Option<String>) -> Option<Arc<str>> {
    let Some(requirement) = requirement else { return route };
    let Some(route) = route else { return Some(requirement.into()) };
    let new = requirement.split(' ').filter(|scope| !route.split(' ').any(|known| known == *scope));
    Some(route.split(' ').chain(new).collect::<Vec<_>>().join(" ").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_named_once() {
        for (route, requirement, expected) in [
            (None, None, None),
            (Some("a b"), None, Some("a b")),
            (None, Some("c"), Some("c")),
            (Some("a b"), Some("b c"), Some("a b c")),
        ] {
            let found = joined(route.map(Arc::from), requirement.map(str::to_owned));
            assert_eq!(found.as_deref(), expected);
        }
    }
}
