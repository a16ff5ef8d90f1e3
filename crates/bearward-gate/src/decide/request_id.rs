//! The identifier by which a request can be found again in logs, in the upstream's logs and in the client's.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use bearward_core::HeaderFields;
pub use bearward_core::X_REQUEST_ID;
use http::HeaderValue;

/// The longest identifier taken over from a client.
const MAX_LEN: usize = 64;

/// A source of identifiers.
///
/// They need to be unlike one another, not secret: a counter through two keyed hashes whose keys the operating system
/// drew. That is two rounds of SipHash for each request, no system call and no lock.
#[derive(Debug, Default)]
pub struct RequestIds {
    keys: [RandomState; 2],
    counter: AtomicU64,
}

impl RequestIds {
    /// The client's own identifier where it is harmless, else a new one of 32 hexadecimal digits.
    pub fn of<'a>(&self, headers: impl Into<HeaderFields<'a>>) -> HeaderValue {
        let given = Self::given(headers).and_then(|id| HeaderValue::from_str(id).ok());
        given.unwrap_or_else(|| self.next())
    }

    /// The client's own identifier, where it is harmless.
    pub fn given<'a>(headers: impl Into<HeaderFields<'a>>) -> Option<&'a str> {
        let id = headers.into().only(&X_REQUEST_ID).filter(|id| is_harmless(id))?;
        str::from_utf8(id).ok()
    }

    fn next(&self) -> HeaderValue {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let [high, low] = self.keys.each_ref().map(|key| key.hash_one(count));
        // Hexadecimal digits are visible ASCII, so the fallback is never used.
        HeaderValue::try_from(format!("{high:016x}{low:016x}")).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// What may be copied into logs and headers without a second thought.
fn is_harmless(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::collections::HashSet;

    use bearward_core::HeaderField;
    use http::HeaderMap;

    use super::*;

    fn with(ids: &[&str]) -> HeaderMap {
        ids.iter().map(|id| (X_REQUEST_ID, HeaderValue::from_str(id).unwrap())).collect()
    }

    #[test]
    fn a_harmless_identifier_is_taken_over() {
        let ids = RequestIds::default();
        for id in ["a", "0af7651916cd43dd8448eb211c80319c", "Job_7-b", &"x".repeat(64)] {
            assert_eq!(ids.of(&with(&[id])), id);
            let list = [HeaderField { name: "X-Request-ID", value: id.as_bytes() }];
            assert_eq!(RequestIds::given(&list[..]), Some(id));
        }
    }

    #[test]
    fn any_other_is_replaced() {
        let ids = RequestIds::default();
        for id in ["", "a b", "a\tb", "a,b", "<script>", "a=b", &"x".repeat(65)] {
            let made = ids.of(&with(&[id]));
            assert_ne!(made, id);
            assert_eq!(made.len(), 32, "{id:?}");
        }
        assert_eq!(ids.of(&with(&["one", "two"])).len(), 32);
        assert_eq!(ids.of(&with(&["one", "one"])).len(), 32);
    }

    #[test]
    fn made_ones_differ_within_and_between_processes() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let made: HashSet<_> = (0..1_000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(made.len(), 2_000);
    }
}
