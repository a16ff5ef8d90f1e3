//! The demo's tokens: its own, good for an hour and for nothing but the demo.

use bearward_issuer::{Issuer, TokenFormat};

use super::cases::{SUBJECT, Token};
use super::flows;

/// How long they are good, in seconds: long enough to play.
const LIFETIME: i64 = 3_600;
/// All that they may do. The demo's routes know `orders:write` too.
const SCOPE: &str = "orders:read";

/// One of each kind.
pub(super) struct Tokens {
    self_contained: String,
    referential: String,
    signed_in: String,
    refreshed: String,
    revoked: String,
    expired: String,
    other_audience: String,
    alg_none: String,
}

impl Tokens {
    /// Has the issuer make them, and gets those that a person allows as an application does.
    ///
    /// # Errors
    ///
    /// When it does not know its own applications any more.
    pub(super) async fn obtain(issuer: &Issuer) -> anyhow::Result<Self> {
        let token = || issuer.token().application("orders-app").subject(SUBJECT).scope(SCOPE).lifetime(LIFETIME);
        let referential = || token().application("orders-app-referential").format(TokenFormat::Referential);
        let person = flows::sign_in(issuer.url(), SUBJECT, SCOPE).await?;
        let revoked = referential().mint()?;
        flows::revoke(issuer.url(), "orders-app-referential", "orders-referential-secret", &revoked).await?;
        Ok(Self {
            self_contained: token().mint()?,
            referential: referential().mint()?,
            signed_in: person.signed_in,
            refreshed: person.refreshed,
            revoked,
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
            signed_in: "SIGNED.IN.TOKEN".to_owned(),
            refreshed: "REFRESHED.TOKEN".to_owned(),
            revoked: "REVOKED.TOKEN".to_owned(),
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
            Token::SignedIn => &self.signed_in,
            Token::Refreshed => &self.refreshed,
            Token::Revoked => &self.revoked,
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
