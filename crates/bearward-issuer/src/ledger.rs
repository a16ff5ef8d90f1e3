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
