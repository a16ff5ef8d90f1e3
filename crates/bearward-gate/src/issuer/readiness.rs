//! Readiness by the state of the issuers.

use super::IssuerStatus;

/// Which issuers must be ready before the gateway is ready for requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadyWhen {
    /// At least one issuer that a route uses, so that one broken issuer does not affect the callers of another.
    #[default]
    Any,
    /// Every issuer that a route uses.
    All,
}

impl ReadyWhen {
    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }

    /// Whether issuers in this state make the gateway ready. Issuers that no route uses do not count. If no route uses an issuer,
    /// because each is open, the gateway is ready without any.
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
