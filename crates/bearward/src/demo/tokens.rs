//! The demo's tokens: its own, good for an hour and for nothing but the demo.

use bearward_issuer::{Issuer, MintError, TokenFormat};

use super::cases::{SUBJECT, Token};

/// How long they are good, in seconds: long enough to play.
const LIFETIME: i64 = 3_600;
/// All that they may do. The demo's routes know `orders:write` too.
const SCOPE: &str = "orders:read";

/// One of each kind.
pub(super) struct Tokens {
    self_contained: String,
    referential: String,
    expired: String,
    other_audience: String,
    alg_none: String,
}

impl Tokens {
    /// Has the issuer make them.
    ///
    /// # Errors
    ///
    /// When it does not know its own applications any more.
    pub(super) fn mint(issuer: &Issuer) -> Result<Self, MintError> {
        let token = || issuer.token().application("orders-app").subject(SUBJECT).scope(SCOPE).lifetime(LIFETIME);
        Ok(Self {
            self_contained: token().mint()?,
            referential: token().application("orders-app-referential").format(TokenFormat::Referential).mint()?,
            // Longer ago than the clocks of issuer and gateway may differ.
            expired: token().lifetime(-LIFETIME).mint()?,
            other_audience: token().application("other-app").mint()?,
            alg_none: token().unsigned().mint()?,
        })
    }

    /// Texts in the place of tokens, which are never the same.
    #[cfg(test)]
    pub(super) fn placeholders() -> Self {
        Self {
            self_contained: "SELF.CONTAINED.TOKEN".to_owned(),
            referential: "REFERENTIAL.TOKEN".to_owned(),
            expired: "EXPIRED.TOKEN".to_owned(),
            other_audience: "OTHER.AUDIENCE.TOKEN".to_owned(),
            alg_none: "UNSIGNED.TOKEN.".to_owned(),
        }
    }

    /// The token for a case.
    pub(super) fn get(&self, token: Token) -> &str {
        match token {
            Token::SelfContained => &self.self_contained,
            Token::Referential => &self.referential,
            Token::Expired => &self.expired,
            Token::OtherAudience => &self.other_audience,
            Token::AlgNone => &self.alg_none,
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
