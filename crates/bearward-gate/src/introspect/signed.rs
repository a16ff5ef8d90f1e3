//! Answers that the issuer signs (RFC 9701).

use std::sync::Arc;

use bearward_core::{IntrospectionAnswer, Reason, TokenRules};

use super::answer::Problem;
use super::kind::Said;
use super::surroundings::Surroundings;
use crate::clock::Clock;
use crate::issuer::keystore::{Demand, KeyStore, Keys};

/// Reads signed answers with the issuer's keys.
pub(super) struct SignedAnswers {
    client_id: String,
    keys: Arc<KeyStore>,
    rules: Arc<TokenRules>,
    clock: Clock,
}

impl SignedAnswers {
    /// Answers made for the client `client_id`.
    pub(super) fn new(client_id: String, surroundings: &Surroundings) -> Self {
        Self {
            client_id,
            keys: Arc::clone(&surroundings.keys),
            rules: Arc::clone(&surroundings.rules),
            clock: surroundings.clock.clone(),
        }
    }

    /// What `jwt` says of the token; a key that is not known yet is fetched.
    pub(super) async fn read(&self, jwt: &str) -> Result<Said, Problem> {
        let mut demand = None;
        loop {
            match self.keys.keys().map(|keys| self.read_with(jwt, &keys)) {
                None | Some(Err(Reason::KeyUnknown)) => {}
                Some(Err(Reason::IntrospectionUnavailable)) => return Err(Problem::NotASignedAnswer),
                Some(answer) => return Ok(answer),
            }
            // What was joined may have begun before the issuer changed its keys. The next wish is granted or held.
            if demand.is_some_and(|demand| demand != Demand::Joined || self.keys.keys_failing()) {
                return Err(Problem::KeyOfSignedAnswer);
            }
            demand = Some(self.keys.fetch_on_demand().await);
        }
    }

    fn read_with(&self, jwt: &str, keys: &Keys) -> Said {
        IntrospectionAnswer::parse_signed(jwt, &keys.set, &self.rules, &self.client_id, self.clock.now())
    }
}
