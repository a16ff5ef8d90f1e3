//! Where the answer about a token came from.

/// Where the answer about a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// It was verified before and is still good.
    Cache,
    /// Its signature and claims were verified with the issuer's keys.
    Signature,
    /// The issuer was asked.
    Introspection,
}

impl Source {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Signature => "signature",
            Self::Introspection => "introspection",
        }
    }
}
