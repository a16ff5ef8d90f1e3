//! What was issued lately, for tests that look it up.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use crate::{TokenFormat, tokens::Claims};

/// An access token that was issued or minted; never the token itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Issued {
    /// The `jti`.
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) issued_at: u64,
    pub(crate) expires: u64,
    pub(crate) token_type: &'static str,
    pub(crate) token_format: TokenFormat,
}

impl Issued {
    pub(crate) fn new(claims: &Claims, token_format: TokenFormat) -> Self {
        Self {
            id: claims.jti.clone(),
            issuer: claims.iss.clone(),
            client_id: claims.client_id.clone(),
            subject: claims.sub.clone(),
            scopes: claims.scope.iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect(),
            issued_at: claims.iat,
            expires: claims.exp,
            token_type: "Bearer",
            token_format,
        }
    }
}

/// The last tokens, oldest first. It is a view for tests: what it forgets is still a token.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    issued: Mutex<VecDeque<Issued>>,
}

impl Ledger {
    pub(crate) const CAPACITY: usize = 1000;

    pub(crate) fn add(&self, issued: Issued) {
        let mut all = self.lock();
        if all.len() >= Self::CAPACITY {
            all.pop_front();
        }
        all.push_back(issued);
    }

    /// Those of one issuer URL.
    pub(crate) fn of(&self, issuer: &str) -> Vec<Issued> {
        self.lock().iter().filter(|issued| issued.issuer == issuer).cloned().collect()
    }

    // Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Audience;

    fn issued(jti: usize, issuer: &str) -> Issued {
        let claims = Claims {
            iss: issuer.to_owned(),
            sub: "alice".to_owned(),
            aud: Audience::One("https://api.example.com".to_owned()),
            client_id: "app".to_owned(),
            scope: None,
            iat: 1000,
            nbf: 1000,
            exp: 2000,
            jti: jti.to_string(),
            auth_time: None,
            custom_claims: None,
        };
        Issued::new(&claims, TokenFormat::Referential)
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_each_issuer_url_has_its_own() {
        let ledger = Ledger::default();
        ledger.add(issued(0, "b"));
        for jti in 1..=Ledger::CAPACITY {
            ledger.add(issued(jti, "a"));
        }
        assert!(ledger.of("b").is_empty());
        let of_a = ledger.of("a");
        assert_eq!((of_a.len(), of_a.first().map(|first| first.id.as_str())), (Ledger::CAPACITY, Some("1")));
        assert!(of_a.iter().all(|issued| issued.scopes.is_empty()));
    }
}
