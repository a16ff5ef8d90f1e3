//! When the issuers allow a gateway to be ready.

use super::IssuerStatus;

/// Which issuers must be able to prove tokens before a load balancer sends requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadyWhen {
    /// At least one of those that a route uses: one broken issuer takes the gateway away from no caller of another.
    #[default]
    Any,
    /// Each of those that a route uses.
    All,
}

impl ReadyWhen {
    /// As the configuration calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }

    /// Whether issuers in this state allow the gateway to be ready. Issuers that no route uses do not count; where no route
    /// uses one, because each is open, requests can be answered without any.
    pub fn is_met(self, issuers: &[IssuerStatus]) -> bool {
        let mut used = issuers.iter().filter(|issuer| issuer.used).peekable();
        match self {
            Self::Any => used.peek().is_none() || used.any(|issuer| issuer.ready),
            Self::All => used.all(|issuer| issuer.ready),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer((used, ready): (bool, bool)) -> IssuerStatus {
        IssuerStatus {
            issuer: "https://auth.example.com".to_owned(),
            used,
            ready,
            keys: 0,
            skipped: 0,
            age: None,
            introspection: None,
            introspection_paused: false,
            last_error: None,
        }
    }

    #[test]
    fn one_issuer_that_a_route_uses_is_enough_unless_all_are_asked_for() {
        let (good, ill, idle, idle_ill) = ((true, true), (true, false), (false, true), (false, false));
        for (issuers, any, all) in [
            (&[][..], true, true),
            (&[good], true, true),
            (&[ill], false, false),
            (&[ill, good], true, false),
            (&[good, ill, good], true, false),
            (&[ill, ill], false, false),
            (&[good, good], true, true),
            // No route uses them.
            (&[idle_ill], true, true),
            (&[ill, idle], false, false),
            (&[good, idle_ill], true, true),
        ] {
            let issuers: Vec<IssuerStatus> = issuers.iter().copied().map(issuer).collect();
            assert_eq!(ReadyWhen::Any.is_met(&issuers), any, "{issuers:?}");
            assert_eq!(ReadyWhen::All.is_met(&issuers), all, "{issuers:?}");
        }
    }
}
