//! Values made from secrets, and made again when the secrets change.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::file::Dependent;
use crate::secrets::Secret;

/// A value made from `N` secrets. Clones share it.
pub(crate) struct Rotating<const N: usize, T, E>(Arc<Inner<N, T, E>>);

struct Inner<const N: usize, T, E> {
    what: &'static str,
    sources: [Secret; N],
    make: Box<Make<N, T, E>>,
    value: ArcSwap<T>,
    last: Mutex<Last<N>>,
}

type Make<const N: usize, T, E> = dyn Fn([&str; N]) -> Result<T, E> + Send + Sync;

/// The texts that were last read, and why they cannot be used. The value is older then.
struct Last<const N: usize> {
    texts: [Arc<str>; N],
    problem: Option<String>,
}

impl<const N: usize, T: Send + Sync + 'static, E: fmt::Display + 'static> Rotating<N, T, E> {
    /// Makes the value now. `what` names it in the log.
    pub(crate) fn new(
        what: &'static str,
        sources: [Secret; N],
        make: impl Fn([&str; N]) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let texts = sources.each_ref().map(Secret::read);
        let value = ArcSwap::from_pointee(make(texts.each_ref().map(|text| &**text))?);
        let last = Mutex::new(Last { texts, problem: None });
        let inner = Arc::new(Inner { what, sources, make: Box::new(make), value, last });
        for source in &inner.sources {
            let dependent: Weak<Inner<N, T, E>> = Arc::downgrade(&inner);
            source.tell(dependent);
        }
        // Files may have changed before they were to tell.
        inner.refresh();
        Ok(Self(inner))
    }

    /// The value of the secrets as they are now, or the last good one.
    pub(crate) fn get(&self) -> Arc<T> {
        self.0.value.load_full()
    }
}

impl<const N: usize, T: Send + Sync, E: fmt::Display> Dependent for Inner<N, T, E> {
    /// If the new texts cannot be used, the last good value stays, and the log says so once: of two files that belong together,
    /// one may change before the other.
    fn refresh(&self) {
        let Self { what, sources, make, value, last } = self;
        let mut last = lock(last);
        let texts = sources.each_ref().map(Secret::read);
        if last.texts == texts {
            return;
        }
        match make(texts.each_ref().map(|text| &**text)) {
            Ok(new) => {
                tracing::info!("the {what} changed, and the new one is in use");
                value.store(Arc::new(new));
                last.problem = None;
            }
            Err(error) => {
                tracing::warn!(%error, "the {what} changed and cannot be used; the last good one stays in use");
                last.problem = Some(format!("the {what} cannot be used: {error}"));
            }
        }
        last.texts = texts;
    }

    fn problem(&self) -> Option<String> {
        lock(&self.last).problem.clone()
    }
}

impl<const N: usize, T, E> Clone for Rotating<N, T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Two are equal if their secrets are. The types around it compare how the value is made.
impl<const N: usize, T, E> PartialEq for Rotating<N, T, E> {
    fn eq(&self, other: &Self) -> bool {
        self.0.sources == other.0.sources
    }
}

impl<const N: usize, T, E> Eq for Rotating<N, T, E> {}

impl<const N: usize, T, E> fmt::Debug for Rotating<N, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A panic while a value is made leaves the old state intact, so a poisoned lock is safe to use.
fn lock<const N: usize>(last: &Mutex<Last<N>>) -> MutexGuard<'_, Last<N>> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_content_that_cannot_be_used_is_tried_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "1").unwrap();
        let made = Arc::new(AtomicUsize::new(0));
        let number = {
            let made = Arc::clone(&made);
            move |[text]: [&str; 1]| {
                made.fetch_add(1, Ordering::SeqCst);
                text.parse::<u32>()
            }
        };
        let secret = Secret::unwatched(&path);
        let rotating = Rotating::new("number", [secret.clone()], number).unwrap();
        std::fs::write(&path, "not a number").unwrap();
        for _ in 0..3 {
            secret.check();
            assert_eq!(*rotating.get(), 1, "the last good value stays");
        }
        assert_eq!(made.load(Ordering::SeqCst), 2);
        std::fs::write(&path, "23").unwrap();
        secret.check();
        assert_eq!((*rotating.get(), made.load(Ordering::SeqCst)), (23, 3));
    }
}
