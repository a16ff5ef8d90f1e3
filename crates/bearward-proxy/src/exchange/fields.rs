//! The header fields of pingora's copy of a request.

use bearward_core::Fields;
use http::{HeaderName, HeaderValue};
use pingora_core::{Error, Result};
use pingora_http::RequestHeader;

/// They must be changed with pingora's own functions, which also store the spelling of each name.
#[derive(Debug)]
pub(super) struct RequestFields<'a>(pub(super) &'a mut RequestHeader);

impl Fields for RequestFields<'_> {
    type Error = Box<Error>;

    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.headers.keys()
    }

    fn remove(&mut self, name: &HeaderName) {
        // It returns the removed value.
        drop(self.0.remove_header(name));
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) -> Result<()> {
        self.0.insert_header(name, value)
    }

    fn add(&mut self, name: HeaderName, value: HeaderValue) -> Result<()> {
        self.0.append_header(name, value).map(drop)
    }
}
