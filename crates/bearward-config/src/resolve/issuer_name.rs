//! `issuer` and `[issuers.variable]`: whose tokens are meant.

use bearward_core::{IssuerName, IssuerVariable};

use super::{claims, urls};
use crate::location::{Diagnostic, Located, values};
use crate::reader::Section;

/// The binding of a template's variable; `None` if `issuer` is an identifier.
pub(super) fn variable(section: &mut Section<'_>, name: Option<&Located<String>>) -> Option<IssuerVariable> {
    let is_template = name.is_some_and(|name| name.value.contains(['{', '}']));
    let mut bound = section.section("variable");
    if bound.is_none() && is_template {
        let diagnostic = Diagnostic::new("the variable of an issuer template must be bound");
        let hint = "add [issuers.variable] with claim = \"tid\", one_of = [\"a\", \"b\"], or both";
        section.reader.error(&section.location_of("issuer"), diagnostic.hint(hint));
    }
    let variable = bound.as_mut().map(|bound| {
        bound.refuse_empty("one_of", "name the values that the variable may have, or leave it out");
        let claim = bound.parsed("claim", "a string", claims::claim).map(|claim| claim.value);
        let one_of = values(bound.list("one_of", |text| Ok(text.to_owned())));
        IssuerVariable { claim, one_of }
    });
    if let Some(bound) = bound {
        let location = bound.location.clone();
        bound.finish();
        let template = name.zip(variable.clone()).map(|(name, bound)| IssuerName::template(&name.value, bound));
        if let Some(Err(error)) = template {
            section.reader.error(&location, error.to_string());
        }
    }
    variable
}

/// An issuer must be a URL if addresses are derived from it. Otherwise any name will do: some issuers have no URL.
pub(super) fn check(section: &Section<'_>, name: &Located<String>, is_found_by_name: bool, is_template: bool) {
    let diagnostic = match urls::issuer(&name.value) {
        _ if is_template && is_found_by_name => {
            let diagnostic = Diagnostic::new("no address can be derived from a template");
            diagnostic.hint("say where the keys are: discovery_url, jwks_url, jwks_file or jwks; and introspection.url")
        }
        Err(diagnostic) if is_found_by_name => diagnostic,
        // A URL with a password, or of the metadata, is a mistake in any case.
        Err(diagnostic) if name.value.contains("://") && !is_template => diagnostic,
        _ => return,
    };
    section.reader.error(&name.location, diagnostic);
}
