//! What header names mean to the servers behind us: the one list of those that are a proxy's to set, and how names are
//! compared.

/// Facts about a request that only who passes it on can know, and ways to have another request served than the one that
/// was judged. From a client they are lies, and no claim can stand there.
const FACTS: &[&str] = &[
    // Who sent it, and how it came here (RFC 7239, and what came before it).
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "remote-addr",
    "true-client-ip",
    "x-azure-clientip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-request-id",
    "x-scheme",
    "x-url-scheme",
    // Another target: IIS, Symfony, Laminas and forward-auth endpoints follow these, WSGI servers the CGI names,
    // Next.js skips its own checks (CVE-2025-29927), and Rack sends the file that they name (CVE-2025-61780).
    "path-info",
    "script-name",
    "x-accel-mapping",
    "x-host",
    "x-http-host-override",
    "x-middleware-subrequest",
    "x-rewrite-url",
    "x-script-name",
    "x-sendfile-type",
    // Another method.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // A client certificate that nobody here has seen (RFC 9440).
    "client-cert",
    "client-cert-chain",
    "x-arr-clientcert",
    "x-client-cert",
    "x-forwarded-client-cert",
    // Credentials meant for us (RFC 9110, 11.7.2), and where CGI programs are to connect through (CVE-2016-5385).
    "proxy",
    "proxy-authorization",
];

/// Prefixes of more such headers.
const FACT_PREFIXES: &[&str] = &["ssl-client-", "x-envoy-", "x-original-", "x-ssl-"];

/// Under these, other gateways say who calls: Kong and APISIX.
const IDENTITIES: &[&str] = &["x-anonymous-consumer", "x-userinfo"];

/// And under these: oauth2-proxy and Traefik; Authelia and Caddy; Kubernetes; Grafana's; Kong; authentik; Google;
/// Azure.
const IDENTITY_PREFIXES: &[&str] = &[
    "x-forwarded-",
    "x-auth-request-",
    "remote-",
    "x-remote-",
    "x-webauth-",
    "x-authenticated-",
    "x-consumer-",
    "x-credential-",
    "x-authentik-",
    "x-goog-authenticated-user-",
    "x-ms-client-principal",
];

/// What says something about the connection, the message or the caller's credentials and goes on to the upstream, or is
/// taken out by HTTP's own rules (RFC 9110). No claim can stand there.
const MESSAGE: &[&str] = &[
    "authorization",
    "baggage",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "dpop",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
];

/// Whether a server could take a header of this name for the word of a proxy in front of it: how the request came,
/// which one is meant, or who calls. A reverse proxy removes what the client sent under such a name, on every route,
/// before it sets its own.
///
/// Names are compared as in [`crate::IdentityHeaders::is_reserved`].
#[must_use]
pub fn is_proxys_word(name: &str) -> bool {
    PROXYS_WORD.holds(name.as_bytes())
}

/// Whether some server takes the two header names for one: they are equal without case, and with `-` for everything
/// that is no letter or digit.
#[must_use]
pub fn same_field_name(one: &str, other: &str) -> bool {
    same(one.as_bytes(), other.as_bytes())
}

/// Whether a header of this name says something else already, so that no claim can stand there.
pub(crate) fn is_taken(name: &str) -> bool {
    FACT.holds(name.as_bytes()) || MESSAGE.iter().any(|listed| same_field_name(listed, name))
}

static PROXYS_WORD: Listed = Listed::new(&[FACTS, IDENTITIES], &[FACT_PREFIXES, IDENTITY_PREFIXES]);
static FACT: Listed = Listed::new(&[FACTS], &[FACT_PREFIXES]);

type Lists = &'static [&'static [&'static str]];

/// Names and prefixes of names, and what tells at a glance that a name is none of them: every field of every request is asked
/// about.
struct Listed {
    names: Lists,
    prefixes: Lists,
    /// For each beginning (see [`beginning`]) the lengths of the names that have it, as bits.
    lengths: [u64; BEGINNINGS],
    /// For each beginning the least length of a prefix that has it; none where it is zero.
    least: [usize; BEGINNINGS],
}

impl Listed {
    #[allow(clippy::indexing_slicing, reason = "a beginning is one of those that both tables have")]
    const fn new(names: Lists, prefixes: Lists) -> Self {
        let mut listed = Self { names, prefixes, lengths: [0; BEGINNINGS], least: [0; BEGINNINGS] };
        let mut lists = names;
        while let [list, others @ ..] = lists {
            let mut list: &[&str] = list;
            while let [name, rest @ ..] = list {
                listed.lengths[beginning(name.as_bytes())] |= length_bit(name.len());
                list = rest;
            }
            lists = others;
        }
        let mut lists = prefixes;
        while let [list, others @ ..] = lists {
            let mut list: &[&str] = list;
            while let [prefix, rest @ ..] = list {
                let least = &mut listed.least[beginning(prefix.as_bytes())];
                if *least == 0 || prefix.len() < *least {
                    *least = prefix.len();
                }
                list = rest;
            }
            lists = others;
        }
        listed
    }

    #[inline]
    fn holds(&self, name: &[u8]) -> bool {
        let at = beginning(name);
        let may_be_listed = self.lengths.get(at).is_some_and(|lengths| lengths & length_bit(name.len()) != 0);
        let may_begin = self.least.get(at).is_some_and(|least| *least != 0 && *least <= name.len());
        (may_be_listed || may_begin) && self.lists(name, may_be_listed, may_begin)
    }

    /// The same, by the lists.
    fn lists(&self, name: &[u8], may_be_listed: bool, may_begin: bool) -> bool {
        let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|head| same(prefix.as_bytes(), head));
        may_be_listed && self.names.iter().copied().flatten().any(|listed| same(listed.as_bytes(), name))
            || may_begin && self.prefixes.iter().copied().flatten().any(begins)
    }
}

const BEGINNINGS: usize = 64;

/// What a name begins with, in a few bits: of its first letter, and of the third, since half of what is listed begins with `x-`.
/// Two names that are the same have the same. No prefix is so short that a name has a third letter which it has not.
const fn beginning(name: &[u8]) -> usize {
    match name {
        [first, _, third, ..] => (folded(*first) as usize * 5 + folded(*third) as usize) % BEGINNINGS,
        _ => 0,
    }
}

/// The bit of a length; very long ones share one.
const fn length_bit(length: usize) -> u64 {
    1 << if length < 63 { length } else { 63 }
}

/// What tells at a glance that a name is none of a few that are not known before the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glance {
    lengths: u64,
    beginnings: u64,
}

impl Glance {
    pub(crate) fn add(&mut self, name: &str) {
        self.lengths |= length_bit(name.len());
        self.beginnings |= 1 << beginning(name.as_bytes());
    }

    /// Whether a name may be one of those that were added.
    #[inline]
    pub(crate) fn may_hold(self, name: &str) -> bool {
        self.lengths & length_bit(name.len()) != 0 && self.beginnings & 1 << beginning(name.as_bytes()) != 0
    }
}

/// What a byte of a name is compared as.
const fn folded(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| folded(*one) == folded(*other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_word_is_known_in_every_spelling() {
        for name in [
            "X-Forwarded-For",
            "X_Forwarded-Something-Rather-Long-To-Look-At",
            "Client-IP",
            "true_client_ip",
            "X-Client-IP",
            "X-Envoy-Original-Path",
            "x.envoy.original_path",
            "X-Remote-User",
            "REMOTE_USER",
            "x!ms~client$principal",
            "SCRIPT_NAME",
        ] {
            assert!(is_proxys_word(name), "{name}");
        }
        for name in ["", "x", "x-client-id", "x-client-version", "x-host-name", "remote", "x-auth-subject", "proxy-x"] {
            assert!(!is_proxys_word(name), "{name}");
        }
    }

    /// What tells at a glance must say nothing else than the lists.
    #[test]
    fn a_glance_misses_nothing() {
        let of_lists = |names: &[&str], prefixes: &[&str], name: &str| {
            let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|head| same_field_name(head, prefix));
            names.iter().any(|listed| same_field_name(listed, name)) || prefixes.iter().any(begins)
        };
        let listed = [FACTS, FACT_PREFIXES, IDENTITIES, IDENTITY_PREFIXES, MESSAGE].concat();
        let mut names: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        names.extend(listed.iter().flat_map(|name| [format!("{name}x"), format!("{name}-user"), format!("x-{name}")]));
        names.extend(listed.iter().map(|name| name.strip_prefix("x-").unwrap_or_default().to_owned()));
        names.extend(listed.iter().flat_map(|name| (0..name.len()).map(|end| name[..end].to_owned())));
        names.extend((1..200).map(|length| "x-remote-user".repeat(length)));
        for name in names {
            let spellings = [name.clone(), name.to_ascii_uppercase(), name.replace('-', "_"), name.replace('-', "!")];
            for name in spellings.iter().map(String::as_str) {
                let is_fact = of_lists(FACTS, FACT_PREFIXES, name);
                assert_eq!(is_proxys_word(name), is_fact || of_lists(IDENTITIES, IDENTITY_PREFIXES, name), "{name}");
                assert_eq!(is_taken(name), is_fact || of_lists(MESSAGE, &[], name), "{name}");
            }
        }
    }

    #[test]
    fn no_claim_can_stand_where_a_fact_does_and_every_other_identity_can() {
        for name in FACTS.iter().chain(MESSAGE) {
            assert!(is_taken(name), "{name}");
        }
        for prefix in FACT_PREFIXES {
            assert!(is_taken(&format!("{prefix}x")), "{prefix}");
        }
        assert!(FACT_PREFIXES.iter().chain(IDENTITY_PREFIXES).all(|prefix| prefix.len() >= 3), "see `beginning`");
        assert!(MESSAGE.iter().all(|name| !is_proxys_word(name)), "what goes on is not removed");
        assert!(IDENTITIES.iter().all(|name| is_proxys_word(name) && !is_taken(name)));
        for prefix in IDENTITY_PREFIXES {
            assert!(is_proxys_word(prefix) && !is_taken(&format!("{prefix}user")), "{prefix}");
        }
    }

    #[test]
    fn the_readme_says_exactly_what_is_removed() {
        let readme = include_str!("../../../../README.md");
        let (_, rest) = readme.split_once("### What a client cannot say").unwrap_or_default();
        let section = rest.split("\n#").next().unwrap_or_default();
        let mut named: Vec<String> = section.split('`').skip(1).step_by(2).map(str::to_ascii_lowercase).collect();
        let prefixes = FACT_PREFIXES.iter().chain(IDENTITY_PREFIXES).map(|prefix| format!("{prefix}*"));
        let mut removed: Vec<String> =
            FACTS.iter().chain(IDENTITIES).map(|name| (*name).to_owned()).chain(prefixes).collect();
        // Those that a prefix covers need no mention.
        let covered = |name: &String| {
            let covers = |prefix: &&str| name.starts_with(prefix) && !name.ends_with('*');
            FACT_PREFIXES.iter().chain(IDENTITY_PREFIXES).any(covers)
        };
        removed.retain(|name| !covered(name));
        named.sort();
        removed.sort();
        assert_eq!(named, removed);
    }
}
