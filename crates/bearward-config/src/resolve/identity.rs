//! `[identity]`

use bearward_core::IdentityHeaders;
use http::HeaderName;

use super::claims;
use crate::location::{Diagnostic, quote};
use crate::reader::Section;

pub(super) fn headers(mut section: Section<'_>) -> IdentityHeaders {
    let reader = section.reader;
    let entries = section.entries("claims", |text| {
        claims::pointer(text).map_err(|diagnostic| {
            diagnostic.did_you_mean((!text.starts_with('/')).then(|| format!("/{}", text.replace('.', "/"))))
        })
    });
    section.finish();

    let mut claims = Vec::new();
    let mut headers = IdentityHeaders::default();
    for (name, pointer) in entries {
        let Ok(header) = HeaderName::from_bytes(name.value.as_bytes()) else {
            let diagnostic = Diagnostic::new(format!("{} is not the name of a header", quote(&name.value)));
            reader.error(&name.location, diagnostic.hint("letters, digits and `-`, such as \"X-Auth-Email\""));
            continue;
        };
        claims.push((header, pointer.value));
        match IdentityHeaders::new(claims.clone()) {
            Ok(all) => headers = all,
            Err(error) => {
                claims.pop();
                reader.error(&name.location, error.to_string());
            }
        }
    }
    headers
}
