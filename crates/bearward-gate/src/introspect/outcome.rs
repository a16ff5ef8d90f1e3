//! The outcomes of introspections.

/// The outcome of an introspection, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IntrospectionOutcome {
    /// The token is active. The gateway's own rules (audience, time) may still refuse it.
    Active,
    /// The token is not active.
    Inactive,
    /// The issuer refuses the gateway's own credentials.
    Refused,
    /// The issuer does not introspect tokens of this kind.
    Unsupported,
    /// No answer, or an invalid one.
    Failed,
    /// No answer in time.
    TimedOut,
    /// Nothing was sent: too many requests at once, or a pause because the issuer does not answer or asked for it.
    Overloaded,
}

impl IntrospectionOutcome {
    /// Every outcome, in the order of declaration.
    pub(crate) const ALL: &[Self] = &[
        Self::Active,
        Self::Inactive,
        Self::Refused,
        Self::Unsupported,
        Self::Failed,
        Self::TimedOut,
        Self::Overloaded,
    ];

    /// The name in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Overloaded => "overloaded",
        }
    }
}
