//! What questions come to.

/// What a question to an issuer came to, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IntrospectionOutcome {
    /// The issuer says that the token is active. The gateway's own rules (audience, time) may still refuse it.
    Active,
    /// The issuer says that the token is not active.
    Inactive,
    /// The issuer refuses the gateway's own credentials.
    Refused,
    /// The issuer does not answer for tokens of this kind.
    Unsupported,
    /// No answer, or none that can be understood.
    Failed,
    /// No answer in time.
    TimedOut,
    /// Too many questions at once, or the issuer is left alone, because it asked for that or does not answer; this one was
    /// not asked.
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
