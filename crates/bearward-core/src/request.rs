//! What a request says before any token is judged: its method, its host, its path, its credential, and what kind of token that is.

mod bearer;
pub(crate) mod field_names;
pub(crate) mod fields;
mod header_fields;
mod host;
mod method;
mod path;
mod shape;

pub use bearer::{Credential, Scheme, credential, query_holds_credential};
pub use field_names::{is_proxys_word, same_field_name};
pub use fields::{Fields, X_REQUEST_ID, remove_fields};
pub use header_fields::{HeaderField, HeaderFields};
pub use host::{RequestHost, request_host};
pub use method::{AllowedMethods, check_method};
pub use path::{PathPattern, PathPatternError, PatternPart, RequestPath, Segments};
pub use shape::{Shape, unverified_issuer};
