//! What is compared with what, and how much the gateway may take.

use crate::keys::Algorithm::{self, EdDsa, Es256, Rs256};
use crate::machine::{LOAD_CORE, PROXY_CORE};
use crate::peers::Checks::{Nothing, Referential, SelfContained};
use crate::peers::Proxy::{self, Apache, Bearward, Envoy, Haproxy, Nginx, Pingora};
use crate::peers::{Checks, Remembers, Setup};
use crate::requests::{Body, Tokens};

/// One proxy with its work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) proxy: Proxy,
    pub(crate) setup: Setup,
    pub(crate) tokens: Tokens,
    pub(crate) body: Body,
    /// Whether connections are used for more than one request.
    pub(crate) reuse: bool,
    /// Requests per second; as many as possible where there is none.
    pub(crate) rate: Option<u32>,
}

/// Two sides, and what is wanted of the first against the second.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    /// By which `bench/run` calls it: a number, a part of a number, or a word where nothing is demanded.
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) a: Side,
    pub(crate) b: Side,
    pub(crate) by: By,
    /// The most that is allowed, and what is aimed at.
    pub(crate) limits: Option<(f64, f64)>,
    /// Whether a quick run has it.
    pub(crate) quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The ratio of the CPU times of a request.
    Cpu,
    /// The difference of the median latencies, in microseconds.
    Latency,
}

/// All comparisons of two proxies at work, in the order of the table.
pub(crate) fn all() -> Vec<Comparison> {
    let cached = cached(Bearward, Rs256);
    let cached_es = self::cached(Bearward, Es256);
    let new = new(Bearward, Rs256);
    let open = forwarding(Bearward);
    let two_threads = |side: Side, threads| {
        let setup = Setup { threads, cores: &[PROXY_CORE, LOAD_CORE], ..side.setup };
        Side { setup, ..side }
    };
    let logged = Side { setup: Setup { access_log: true, ..cached.setup }, ..cached };
    let paced = |side: Side| Side { rate: Some(5000), ..side };
    let body = |side: Side, body| Side { body, ..side };
    let default_buffers = |side: Side| Side { setup: Setup { default_buffers: true, ..side.setup }, ..side };
    let unkept = |side: Side| Side { reuse: false, ..side };

    let compare = |id, what, a, b| Comparison { id, what, a, b, by: By::Cpu, limits: None, quick: false };
    vec![
        compare("1", "1,000 tokens in rotation / nginx + Lua + LRU", cached, self::cached(Nginx, Rs256))
            .limits(1.0, 0.8)
            .quick(),
        compare("2", "1,000 tokens in rotation / bare pingora-proxy", cached, forwarding(Pingora))
            .limits(0.75, 0.55)
            .quick(),
        compare(
            "3-rs256",
            "1,000 tokens in rotation / HAProxy jwt_verify, RS256",
            cached,
            self::cached(Haproxy, Rs256),
        )
        .limits(0.4, 0.3),
        compare(
            "3-es256",
            "1,000 tokens in rotation / HAProxy jwt_verify, ES256",
            cached_es,
            self::cached(Haproxy, Es256),
        )
        .limits(0.2, 0.16),
        compare("4-rs256", "every token new / HAProxy jwt_verify, RS256", new, self::new(Haproxy, Rs256))
            .limits(0.8, 0.62)
            .quick(),
        compare(
            "4-es256",
            "every token new / HAProxy jwt_verify, ES256",
            self::new(Bearward, Es256),
            self::new(Haproxy, Es256),
        )
        .limits(0.8, 0.65),
        compare("5", "1,000 tokens in rotation / Envoy jwt_authn with its cache", cached, self::cached(Envoy, Rs256))
            .limits(0.3, 0.25),
        compare(
            "6-cached",
            "1,000 opaque tokens in rotation / Apache, introspection cached",
            opaque(Bearward, Tokens::OpaqueThousand),
            opaque(Apache, Tokens::OpaqueThousand),
        )
        .limits(0.25, 0.18),
        compare(
            "6-new",
            "every opaque token new / Apache introspection",
            opaque(Bearward, Tokens::OpaqueNew),
            opaque(Apache, Tokens::OpaqueNew),
        )
        .limits(0.1, 0.05),
        compare("9-missing", "refusal without a token / admission", with(cached, Tokens::Missing), cached)
            .limits(0.6, 0.4)
            .quick(),
        compare("9-forged", "refusal of a bad signature / admission", with(cached, Tokens::Forged(Rs256)), cached)
            .limits(1.5, 1.2)
            .quick(),
        compare("10", "open route / nginx forwarding", open, forwarding(Nginx)).limits(1.0, 0.8).quick(),
        compare(
            "11-cached",
            "median at 5,000/s: 1,000 tokens in rotation - bare pingora-proxy, us",
            paced(cached),
            paced(forwarding(Pingora)),
        )
        .limits(0.0, -15.0)
        .latency()
        .quick(),
        compare(
            "11-new",
            "median at 5,000/s: every token new - bare pingora-proxy, us",
            paced(new),
            paced(forwarding(Pingora)),
        )
        .limits(30.0, 20.0)
        .latency(),
        compare(
            "13",
            "two threads / one, 1,000 tokens in rotation, all on both cores",
            two_threads(cached, 2),
            two_threads(cached, 1),
        )
        .limits(1.1, 1.03),
        compare("15", "access log to a file / off", logged, cached).limits(1.15, 1.05).quick(),
        compare(
            "16-answers",
            "answers of 100 KB, open route / nginx forwarding",
            body(open, Body::LargeAnswer),
            body(forwarding(Nginx), Body::LargeAnswer),
        )
        .limits(1.0, 0.85),
        compare(
            "16-uploads",
            "uploads of 100 KB, open route / nginx forwarding",
            body(open, Body::Upload),
            body(forwarding(Nginx), Body::Upload),
        )
        .limits(1.0, 0.85),
        compare("17", "1,000 tokens in rotation / HAProxy forwarding", cached, forwarding(Haproxy)).limits(1.2, 1.0),
        compare(
            "one",
            "one token / nginx + Lua + LRU",
            with(cached, Tokens::One(Rs256)),
            with(self::cached(Nginx, Rs256), Tokens::One(Rs256)),
        ),
        compare("es256", "1,000 ES256 tokens in rotation / nginx + Lua + LRU", cached_es, self::cached(Nginx, Es256)),
        compare(
            "mixed",
            "one bad token in a hundred / nginx + Lua + LRU",
            with(cached, Tokens::Mixed(Rs256)),
            with(self::cached(Nginx, Rs256), Tokens::Mixed(Rs256)),
        ),
        compare("new-nginx", "every token new / nginx + Lua without a cache, RS256", new, self::new(Nginx, Rs256)),
        compare(
            "new-eddsa",
            "every token new / Envoy jwt_authn without a cache, EdDSA",
            self::new(Bearward, EdDsa),
            self::new(Envoy, EdDsa),
        ),
        compare(
            "local-apache",
            "every token new / Apache with the issuer's keys, RS256",
            new,
            self::new(Apache, Rs256),
        ),
        compare(
            "connections",
            "a new connection for each request / nginx + Lua + LRU",
            unkept(cached),
            unkept(self::cached(Nginx, Rs256)),
        ),
        compare(
            "answers",
            "answers of 100 KB, open route / nginx forwarding with its default buffers",
            body(open, Body::LargeAnswer),
            default_buffers(body(forwarding(Nginx), Body::LargeAnswer)),
        ),
        compare(
            "uploads",
            "uploads of 100 KB, open route / nginx forwarding with its default buffers",
            body(open, Body::Upload),
            default_buffers(body(forwarding(Nginx), Body::Upload)),
        ),
        compare("forwarding", "open route / HAProxy forwarding", open, forwarding(Haproxy)),
        compare(
            "latency-nginx",
            "median at 5,000/s: 1,000 tokens in rotation - nginx + Lua + LRU, us",
            paced(cached),
            paced(self::cached(Nginx, Rs256)),
        )
        .latency(),
    ]
}

impl Comparison {
    fn limits(self, must: f64, aim: f64) -> Self {
        Self { limits: Some((must, aim)), ..self }
    }

    fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    fn latency(self) -> Self {
        Self { by: By::Latency, ..self }
    }

    /// Whether `bench/run NAME` means it: by its whole name, or by its number.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        is_called(self.id, name)
    }
}

pub(crate) fn is_called(id: &str, name: &str) -> bool {
    id == name || id.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
}

/// Forwarding without a check.
pub(crate) fn forwarding(proxy: Proxy) -> Side {
    side(proxy, Nothing, Tokens::None)
}

/// A thousand tokens, which are remembered by those that can.
pub(crate) fn cached(proxy: Proxy, algorithm: Algorithm) -> Side {
    side(proxy, SelfContained(algorithm), Tokens::Thousand(algorithm))
}

/// Tokens that are all new.
fn new(proxy: Proxy, algorithm: Algorithm) -> Side {
    let mut side = side(proxy, SelfContained(algorithm), Tokens::All(algorithm));
    side.setup.remembers = if proxy == Bearward { Remembers::Briefly } else { Remembers::Never };
    side
}

fn opaque(proxy: Proxy, tokens: Tokens) -> Side {
    side(proxy, Referential, tokens)
}

fn with(side: Side, tokens: Tokens) -> Side {
    Side { tokens, ..side }
}

fn side(proxy: Proxy, checks: Checks, tokens: Tokens) -> Side {
    Side { proxy, setup: Setup::new(checks), tokens, body: Body::Small, reuse: true, rate: None }
}
