//! What is made of secrets, and made anew when they change.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ClientAuthError;
use crate::secret::Secret;

/// A value made of `N` secrets. Clones share it.
pub(super) struct Rotating<const N: usize, T>(Arc<Inner<N, T>>);

struct Inner<const N: usize, T> {
    what: &'static str,
    sources: [Secret; N],
    make: Box<Make<N, T>>,
    current: Mutex<Current<N, T>>,
}

type Make<const N: usize, T> = dyn Fn([&str; N]) -> Result<T, ClientAuthError> + Send + Sync;

struct Current<const N: usize, T> {
    /// What was last looked at; `value` may be older, where this could not be used.
    texts: [Arc<str>; N],
    value: Arc<T>,
}

impl<const N: usize, T> Rotating<N, T> {
    /// Makes the value now. `what` names it in the log.
    pub(super) fn new(
        what: &'static str,
        sources: [Secret; N],
        make: impl Fn([&str; N]) -> Result<T, ClientAuthError> + Send + Sync + 'static,
    ) -> Result<Self, ClientAuthError> {
        let texts = sources.each_ref().map(Secret::read);
        let value = Arc::new(make(texts.each_ref().map(|text| &**text))?);
        let current = Mutex::new(Current { texts, value });
        Ok(Self(Arc::new(Inner { what, sources, make: Box::new(make), current })))
    }

    /// The value as the secrets have it now. Secrets that cannot be used leave the last good value, and the log says so
    /// once: of two files that belong together, one may be there before the other.
    pub(super) fn get(&self) -> Arc<T> {
        let Inner { what, sources, make, current } = &*self.0;
        let texts = sources.each_ref().map(Secret::read);
        let mut current = lock(current);
        if current.texts != texts {
            match make(texts.each_ref().map(|text| &**text)) {
                Ok(value) => {
                    tracing::info!("the {what} changed and is in use");
                    current.value = Arc::new(value);
                }
                Err(error) => {
                    tracing::warn!(%error, "the {what} changed and cannot be used; the last good one stays in use");
                }
            }
            current.texts = texts;
        }
        Arc::clone(&current.value)
    }
}

impl<const N: usize, T> Clone for Rotating<N, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<const N: usize, T> fmt::Debug for Rotating<N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Making a value leaves nothing half-made behind, so a poisoned lock guards nothing broken.
fn lock<const N: usize, T>(current: &Mutex<Current<N, T>>) -> MutexGuard<'_, Current<N, T>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}
