//! The head of a request.

use http::{HeaderMap, Method, Version};

/// The head of a request, as received and as parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// The whole header block, request line included.
    pub(crate) raw: &'a [u8],
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    /// The parsed target.
    pub(crate) target: &'a [u8],
    pub(crate) headers: &'a HeaderMap,
}
