//! What must arrive at the upstream.

use super::{Message, shown};

/// A message that must arrive, and nothing else with it.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    line: Vec<u8>,
    body: Vec<u8>,
    present: Vec<Vec<u8>>,
    absent: Vec<String>,
    is_upgrade: bool,
    is_known: bool,
}

/// Fields that concern the client's connection alone (RFC 9110, 7.6.1), or that are ours to set.
const NEVER: &[&str] = &["http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"];
/// What tells who calls: each exactly once where the caller is known, and never else.
const IDENTITY: &[&str] = &["x-auth-client-id", "x-auth-issuer", "x-auth-scope", "x-auth-subject"];
/// Fields of ours that stand there exactly once.
const OURS: &[&str] = &["host", "x-forwarded-for", "x-forwarded-proto", "x-request-id"];

impl Arrival {
    /// The request of these bytes, with its target as it was sent (RFC 9112, 3) and our version, and this body.
    pub(crate) fn of(raw: &[u8], body: impl AsRef<[u8]>) -> Self {
        let raw = raw.strip_prefix(b"\r\n").unwrap_or(raw);
        let line = raw.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = line.strip_suffix(b"1.0").map_or(line.to_vec(), |line| [line, b"1.1"].concat());
        Self {
            line,
            body: body.as_ref().to_vec(),
            present: Vec::new(),
            absent: Vec::new(),
            is_upgrade: false,
            is_known: false,
        }
    }

    /// A GET request for this target.
    pub(crate) fn get(target: &str) -> Self {
        Self::of(format!("GET {target} HTTP/1.1").as_bytes(), "")
    }

    /// With this field, `name: value`, byte for byte but for the case of its name.
    pub(crate) fn with(mut self, field: impl AsRef<[u8]>) -> Self {
        self.present.push(field.as_ref().to_vec());
        self
    }

    /// Without any field of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.absent.push(name.to_ascii_lowercase());
        self
    }

    /// As a change of protocols that goes on to the upstream.
    pub(crate) fn upgrade(mut self) -> Self {
        self.is_upgrade = true;
        self
    }

    /// With the identity of the row's token, and without the token.
    pub(crate) fn known(mut self) -> Self {
        self.is_known = true;
        self.with("X-Auth-Subject: alice")
            .with("X-Auth-Client-Id: web")
            .with("X-Auth-Scope: orders:read")
            .without("authorization")
    }

    /// What is wrong with the message that came. `fill` puts the row's identifier in.
    pub(crate) fn check(&self, message: &Message, fill: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), String> {
        let fail = |what: String| Err(format!("{what}, in {}", shown(&message.raw)));
        if let Some(problem) = &message.problem {
            return fail(problem.clone());
        }
        let head = message.head();
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if line != fill(&self.line) {
            return fail(format!("the request line is not {}", shown(&fill(&self.line))));
        }
        if message.body != fill(&self.body) {
            return fail(format!("the body is {}", shown(&message.body)));
        }
        if has_bare_ends(head) {
            return fail("a line that ends otherwise than by CRLF".to_owned());
        }
        let fields = fields(head);
        let values = |wanted: &str| fields.iter().filter(|(name, _)| name == wanted).count();
        for (name, _) in &fields {
            let wanted = self.present.iter().any(|field| name_and_value(field).0 == *name);
            if (NEVER.contains(&&**name) && !wanted) || self.absent.contains(name) {
                return fail(format!("{name} arrived"));
            }
        }
        if let Some(name) = OURS.iter().find(|name| values(name) != 1) {
            return fail(format!("{name} stands there {} times", values(name)));
        }
        if let Some(name) = IDENTITY.iter().find(|name| values(name) != usize::from(self.is_known)) {
            return fail(format!("{name} stands there {} times", values(name)));
        }
        if values("via") == 0 {
            return fail("via is not there".to_owned());
        }
        if !self.is_upgrade && values("upgrade") > 0 {
            return fail("upgrade arrived".to_owned());
        }
        let options = fields.iter().filter(|(name, _)| name == "connection").map(|(_, value)| value);
        let may_be = if self.is_upgrade { &["upgrade"][..] } else { &["close", "keep-alive"] };
        for value in options {
            if !may_be.iter().any(|option| value.eq_ignore_ascii_case(option.as_bytes())) {
                return fail(format!("connection: {}", shown(value)));
            }
        }
        for field in &self.present {
            let (name, value) = name_and_value(&fill(field));
            if !fields.contains(&(name.clone(), value)) {
                return fail(format!("{} is not there", shown(&fill(field))));
            }
            let wanted = self.present.iter().filter(|field| name_and_value(field).0 == name).count();
            if values(&name) != wanted && name != "via" {
                return fail(format!("{name} stands there {} times", values(&name)));
            }
        }
        Ok(())
    }
}

/// The fields of a head: names in small letters, values without the whitespace around them.
pub(crate) fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    head.split(|byte| *byte == b'\n').skip(1).filter(|line| line.contains(&b':')).map(name_and_value).collect()
}

fn name_and_value(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
    (name, line.get(colon + 1..).unwrap_or_default().trim_ascii().to_vec())
}

/// Whether a CR or an LF stands alone, or a line continues the one before.
fn has_bare_ends(head: &[u8]) -> bool {
    head.iter().enumerate().any(|(at, byte)| match byte {
        b'\r' => head.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || head[at - 1] != b'\r' || matches!(head.get(at + 1), Some(b' ' | b'\t')),
        byte => *byte == 0,
    })
}
