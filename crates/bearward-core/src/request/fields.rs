//! Header fields that a mount changes before it passes a request on.

use std::convert::Infallible;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a request's identifier: on the way in, to the upstream, and on the answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header fields of a message, to be changed. A [`HeaderMap`] has them, and so has the head of a mount that keeps them in
/// a form of its own.
pub trait Fields {
    /// Why a field cannot be set.
    type Error;

    /// The names, each at least once.
    fn names(&self) -> impl Iterator<Item = &HeaderName>;

    /// Removes every field of this name.
    fn remove(&mut self, name: &HeaderName);

    /// Sets a field in place of every field of this name.
    ///
    /// # Errors
    ///
    /// Where the field cannot be set.
    fn set(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Self::Error>;

    /// Adds a field after those of this name.
    ///
    /// # Errors
    ///
    /// Where the field cannot be added.
    fn add(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Self::Error>;
}

/// Removes each field whose name is one of those.
pub fn remove_fields(fields: &mut impl Fields, is_removed: impl Fn(&str) -> bool) {
    // Collected first, because fields cannot be removed while they are walked; most requests have none, and allocate nothing.
    let removed: Vec<_> = fields.names().filter(|name| is_removed(name.as_str())).cloned().collect();
    for name in &removed {
        fields.remove(name);
    }
}

impl Fields for HeaderMap {
    type Error = Infallible;

    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.keys()
    }

    fn remove(&mut self, name: &HeaderName) {
        // The last value is all that it says.
        drop(HeaderMap::remove(self, name));
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Infallible> {
        self.insert(name, value);
        Ok(())
    }

    fn add(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Infallible> {
        self.append(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_name_is_removed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("x-a", "2"), ("x_a", "3"), ("x-b", "4")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        remove_fields(&mut headers, |name| name.ends_with('a'));
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-b"]);
    }
}
