//! "Did you mean ...?"

/// Names that other programs use, and ours for the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("address", "listen"),
    ("addresses", "servers"),
    ("alg", "algorithm"),
    ("anonymous", "open"),
    ("any_of", "one_of"),
    ("aud", "audiences"),
    ("authentication", "auth"),
    ("backend", "upstream"),
    ("backends", "upstreams"),
    ("bind", "listen"),
    ("clock_skew", "leeway"),
    ("endpoint", "url"),
    ("includes", "contains"),
    ("iss", "issuer"),
    ("introspection_endpoint", "url"),
    ("jwks_uri", "jwks_url"),
    ("kid", "key_id"),
    ("match", "path"),
    ("method", "auth"),
    ("port", "listen"),
    ("prefix", "path"),
    ("public", "open"),
    ("required_scopes", "scopes"),
    ("service", "upstream"),
    ("size", "max_entries"),
    ("skew", "leeway"),
    ("target", "upstream"),
    ("targets", "servers"),
    ("token_endpoint", "token_url"),
    ("token_type", "profile"),
    ("tolerance", "leeway"),
    ("ttl", "max_age"),
    ("typ", "profile"),
    ("urls", "servers"),
    ("value", "equals"),
    ("values", "one_of"),
    ("verbosity", "level"),
    ("workers", "threads"),
];

/// The known key that an unknown one probably means: one that differs by a typing error, or that other programs call so.
pub(super) fn key<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    if let Some(found) = nearest(unknown, known.iter().copied()) {
        return Some(found);
    }
    let synonyms = SYNONYMS.iter().filter(|(_, key)| known.contains(key)).map(|(word, _)| *word);
    let word = nearest(unknown, synonyms)?;
    let (_, key) = SYNONYMS.iter().find(|(synonym, key)| *synonym == word && known.contains(key))?;
    known.iter().copied().find(|known| known == key)
}

/// The candidate that is nearest to a word, if it is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Two changes to a word of three letters leave too little of it.
    let most = if word.chars().count() <= 3 { 1 } else { 2 };
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    candidates
        .into_iter()
        // A difference in length is a lower bound of the distance, and far cheaper to compute.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["issuer", "audiences", "leeway", "jwks_url", "servers"];

    #[test]
    fn keys() {
        let table = [
            ("audience", Some("audiences")),
            ("Leeway", Some("leeway")),
            ("leewya", Some("leeway")),
            ("clok_skew", Some("leeway")),
            ("jwks_uri", Some("jwks_url")),
            ("targets", Some("servers")),
            ("bind", None), // its key, `listen`, is not known here
            ("colour", None),
            ("", None),
        ];
        for (unknown, expected) in table {
            assert_eq!(key(unknown, KNOWN), expected, "{unknown}");
        }
    }

    #[test]
    fn short_words_must_be_close() {
        assert_eq!(nearest("GTE", ["GET", "PUT"]), Some("GET"));
        assert_eq!(nearest("XYZ", ["GET", "PUT"]), None);
    }
}
