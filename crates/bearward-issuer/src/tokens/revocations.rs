//! The tokens that were ended before their time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Revoked tokens by `jti`, each kept until the token would have expired anyway.
#[derive(Default)]
pub(crate) struct Revocations {
    until: Mutex<HashMap<String, u64>>,
}

/// There is no room for another revocation, and dropping an older one would bring its token back to life.
#[derive(Debug)]
pub(crate) struct TooManyRevocations;

impl Revocations {
    pub(crate) const CAPACITY: usize = 100_000;

    pub(crate) fn contains(&self, jti: &str, now: u64) -> bool {
        self.lock().get(jti).is_some_and(|exp| now < *exp)
    }

    /// Remembers a token until `exp`. One that has expired needs no remembering.
    pub(crate) fn add(&self, jti: &str, exp: u64, now: u64) -> Result<(), TooManyRevocations> {
        if exp <= now {
            return Ok(());
        }
        let mut until = self.lock();
        // Swept only when the room may run out, so that the cost of a sweep is shared by many.
        if until.len() == until.capacity() || until.len() >= Self::CAPACITY {
            until.retain(|_, exp| now < *exp);
        }
        if until.len() >= Self::CAPACITY && !until.contains_key(jti) {
            return Err(TooManyRevocations);
        }
        until.insert(jti.to_owned(), exp);
        Ok(())
    }

    // Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_revocation_lasts_as_long_as_the_token_would() {
        let revocations = Revocations::default();
        revocations.add("a", 2000, 1000).unwrap();
        assert!(revocations.contains("a", 1000) && revocations.contains("a", 1999));
        assert!(!revocations.contains("a", 2000) && !revocations.contains("b", 1000));
    }

    #[test]
    fn an_expired_token_takes_no_room() {
        let revocations = Revocations::default();
        revocations.add("a", 1000, 1000).unwrap();
        assert_eq!(revocations.lock().len(), 0);
    }

    #[test]
    fn the_set_is_swept_before_it_grows() {
        let revocations = Revocations::default();
        for number in 0..10_000_u64 {
            // Each lives for ten seconds, and one comes every second.
            revocations.add(&number.to_string(), number + 10, number).unwrap();
        }
        assert!(revocations.lock().len() < 100, "{}", revocations.lock().len());
    }

    #[test]
    fn a_full_set_refuses_rather_than_forgets() {
        let revocations = Revocations::default();
        for number in 0..Revocations::CAPACITY {
            revocations.add(&number.to_string(), 2000, 1000).unwrap();
        }
        assert!(revocations.add("one more", 2000, 1000).is_err());
        assert!(revocations.add("0", 2000, 1000).is_ok(), "what is known needs no room");
        assert!(revocations.contains("0", 1000));
        assert!(revocations.add("one more", 3000, 2000).is_ok(), "the others have expired");
    }
}
