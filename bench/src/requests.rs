//! Requests as bytes, made before anything is timed.

use std::sync::Arc;

use anyhow::Result;

use crate::keys::Algorithm;
use crate::tokens::{Mint, forged};

/// What the answer to a request has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Admit,
    Refuse,
}

impl Expect {
    pub(crate) fn is(self, status: u16) -> bool {
        match self {
            Self::Admit => status == 200,
            Self::Refuse => matches!(status, 401 | 403),
        }
    }
}

/// Which tokens the requests of one side bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// None, where the route is open.
    None,
    /// None, and that is refused.
    Missing,
    One(Algorithm),
    /// A thousand in rotation.
    Thousand(Algorithm),
    /// All hundred thousand in rotation.
    All(Algorithm),
    /// A thousand in rotation, and every hundredth request brings a bad one.
    Mixed(Algorithm),
    /// A thousand with bad signatures.
    Forged(Algorithm),
    /// A thousand opaque ones.
    OpaqueThousand,
    /// Opaque ones that are all new.
    OpaqueNew,
}

/// What a request carries beside its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing; the answer has 1 KB.
    #[default]
    Small,
    /// Nothing; the answer has 100 KB.
    LargeAnswer,
    /// 100 KB; the answer has 1 KB.
    Upload,
    /// Nothing; the answer has 1 KB and takes half a second.
    Slow,
}

/// Requests, one after another.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Rotation {
        requests: Arc<Requests>,
        next: usize,
    },
    /// A new opaque token in each.
    Fresh {
        request: Vec<u8>,
        digits: usize,
        next: u64,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// Where each request ends, and what it expects.
    ends: Vec<(usize, Expect)>,
}

impl Source {
    /// Renders the requests.
    pub(crate) fn new(mint: &Mint, tokens: Tokens, body: Body, reuse: bool) -> Result<Self> {
        let mut requests = Requests::default();
        let mut push = |token: Option<&str>, expect| requests.push(&request(token, body, reuse), expect);
        match tokens {
            Tokens::None => push(None, Expect::Admit),
            Tokens::Missing => push(None, Expect::Refuse),
            Tokens::One(algorithm) => push(mint.good(algorithm)?.first().map(String::as_str), Expect::Admit),
            Tokens::Thousand(algorithm) => {
                mint.good(algorithm)?.iter().take(1000).for_each(|token| push(Some(token), Expect::Admit));
            }
            Tokens::All(algorithm) => {
                mint.good(algorithm)?.iter().for_each(|token| push(Some(token), Expect::Admit));
            }
            Tokens::Mixed(algorithm) => {
                let good = mint.good(algorithm)?;
                // 99 good ones, then a bad one; as many rounds as bring a thousand different good ones in.
                for (n, token) in good.iter().take(1000).cycle().take(99_000).enumerate() {
                    push(Some(token), Expect::Admit);
                    if n % 99 == 98 {
                        push(Some(&forged(&good[1000 + n / 99])), Expect::Refuse);
                    }
                }
            }
            Tokens::Forged(algorithm) => {
                mint.good(algorithm)?.iter().take(1000).for_each(|token| push(Some(&forged(token)), Expect::Refuse));
            }
            Tokens::OpaqueThousand => (0..1000).for_each(|n| push(Some(&opaque("good", n)), Expect::Admit)),
            Tokens::OpaqueNew => {
                let token = opaque("good", 0);
                let request = request(Some(&token), body, reuse);
                let digits = memchr::memmem::find(&request, token.as_bytes()).unwrap_or(0) + token.len() - DIGITS;
                // Apart from those of other runs, and of `OpaqueThousand`.
                return Ok(Self::Fresh { request, digits, next: crate::tokens::now() * 10_000_000 });
            }
        }
        Ok(Self::Rotation { requests: Arc::new(requests), next: 0 })
    }

    /// How many requests there are before the first comes again.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Rotation { requests, .. } => requests.ends.len(),
            Self::Fresh { .. } => 0,
        }
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> (&[u8], Expect) {
        match self {
            Self::Rotation { requests, next } => {
                let at = *next;
                *next = if at + 1 < requests.ends.len() { at + 1 } else { 0 };
                let begin = if at == 0 { 0 } else { requests.ends[at - 1].0 };
                let (end, expect) = requests.ends[at];
                (&requests.bytes[begin..end], expect)
            }
            Self::Fresh { request, digits, next } => {
                *next += 1;
                let mut rest = *next;
                for digit in request[*digits..*digits + DIGITS].iter_mut().rev() {
                    *digit = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
                (request, Expect::Admit)
            }
        }
    }
}

impl Requests {
    fn push(&mut self, request: &[u8], expect: Expect) {
        self.bytes.extend_from_slice(request);
        self.ends.push((self.bytes.len(), expect));
    }
}

const DIGITS: usize = 20;

/// An opaque token about which the introspection server says what `kind` stands for.
pub(crate) fn opaque(kind: &str, n: u64) -> String {
    format!("{kind}_Zm9vYmFyYmF6cXV4{n:020}")
}

/// One request, with the fields that clients usually send.
pub(crate) fn request(token: Option<&str>, body: Body, reuse: bool) -> Vec<u8> {
    let (method, path) = match body {
        Body::Small => ("GET", "/items"),
        Body::LargeAnswer => ("GET", "/large"),
        Body::Slow => ("GET", "/slow"),
        Body::Upload => ("POST", "/items"),
    };
    let mut head = head(method, path, token, reuse);
    if body == Body::Upload {
        let bytes = vec![b'x'; 100 * 1024];
        head.push_str(&format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n", bytes.len()));
        return [head.into_bytes(), bytes].concat();
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A request's head without its empty line.
pub(crate) fn head(method: &str, path: &str, token: Option<&str>, reuse: bool) -> String {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n\
         Accept-Encoding: gzip, br\r\nAccept-Language: en\r\n"
    );
    if let Some(token) = token {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if !reuse {
        head.push_str("Connection: close\r\n");
    }
    head
}
