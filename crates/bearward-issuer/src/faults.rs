//! Faults on demand: an endpoint that is slow or refuses, and a clock that is wrong.

use std::{
    str::FromStr,
    sync::{PoisonError, RwLock},
    time::Duration,
};

/// Something that goes wrong from now on. Written `introspection=slow:2s`, `jwks=500` or `clock=+90s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Every request of the endpoint waits this long before it is answered.
    Slow(Endpoint, Duration),
    /// Every request of the endpoint is answered with this status (400 to 599) and nothing else.
    Status(Endpoint, u16),
    /// The issuer's clock is this many seconds ahead; below zero, behind.
    Clock(i64),
}

/// What a fault can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// The metadata, in all its places.
    Discovery,
    /// The key set.
    Jwks,
    /// The authorization endpoint and the sign-in page.
    Authorization,
    /// The token endpoint.
    Token,
    /// Introspection.
    Introspection,
    /// Revocation.
    Revocation,
    /// The UserInfo endpoint.
    Userinfo,
}

impl Endpoint {
    const ALL: [(&'static str, Self); 7] = [
        ("discovery", Self::Discovery),
        ("jwks", Self::Jwks),
        ("authorization", Self::Authorization),
        ("token", Self::Token),
        ("introspection", Self::Introspection),
        ("revocation", Self::Revocation),
        ("userinfo", Self::Userinfo),
    ];
}

/// A text that is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no fault: write ENDPOINT=slow:2s, ENDPOINT=503 or clock=+90s, where ENDPOINT is discovery, jwks, \
     authorization, token, introspection, revocation or userinfo"
)]
pub struct FaultError(String);

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text).ok_or_else(|| FaultError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (what, fault) = text.split_once('=')?;
    if what == "clock" {
        let sign = if fault.starts_with('-') { -1 } else { 1 };
        let seconds = fault.strip_prefix(['+', '-'])?.strip_suffix('s')?;
        return Some(Fault::Clock(sign * i64::from(number(seconds)?)));
    }
    let endpoint = Endpoint::ALL.iter().find(|(name, _)| *name == what)?.1;
    if let Some(time) = fault.strip_prefix("slow:") {
        let wait = match time.strip_suffix("ms") {
            Some(milliseconds) => Duration::from_millis(number(milliseconds)?.into()),
            None => Duration::from_secs(number(time.strip_suffix('s')?)?.into()),
        };
        return Some(Fault::Slow(endpoint, wait));
    }
    let status = number(fault).and_then(|status| u16::try_from(status).ok());
    status.filter(|status| (400..600).contains(status)).map(|status| Fault::Status(endpoint, status))
}

/// Digits alone: `parse` would also take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The faults that are in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: RwLock<Vec<Fault>>,
}

impl Faults {
    /// Replaces them all.
    pub(crate) fn set(&self, faults: Vec<Fault>) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// How long a request of the endpoint waits, and the status that it then gets instead of an answer.
    pub(crate) fn of(&self, endpoint: Endpoint) -> (Duration, Option<u16>) {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner);
        let (mut wait, mut refusal) = (Duration::ZERO, None);
        for fault in &*faults {
            match *fault {
                Fault::Slow(of, time) if of == endpoint => wait = time,
                Fault::Status(of, status) if of == endpoint => refusal = Some(status),
                _ => {}
            }
        }
        (wait, refusal)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, fault) in [
            ("introspection=slow:2s", Fault::Slow(Endpoint::Introspection, Duration::from_secs(2))),
            ("token=slow:50ms", Fault::Slow(Endpoint::Token, Duration::from_millis(50))),
            ("jwks=500", Fault::Status(Endpoint::Jwks, 500)),
            ("clock=+90s", Fault::Clock(90)),
            ("clock=-90s", Fault::Clock(-90)),
        ] {
            assert_eq!(text.parse(), Ok(fault));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "jwks",
            "jwks=",
            "jwks=200",
            "jwks=600",
            "jwks=+500",
            "keys=500",
            "jwks=slow",
            "jwks=slow:2",
            "jwks=slow:-2s",
            "jwks=slow:2h",
            "clock=90s",
            "clock=+90",
            "clock=+-90s",
            "clock=+99999999999s",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_fault_is_of_one_endpoint_and_setting_replaces() {
        let faults = Faults::default();
        faults.set(vec!["jwks=500".parse().unwrap(), "jwks=slow:1s".parse().unwrap()]);
        assert_eq!(faults.of(Endpoint::Jwks), (Duration::from_secs(1), Some(500)));
        assert_eq!(faults.of(Endpoint::Token), (Duration::ZERO, None));
        faults.set(Vec::new());
        assert_eq!(faults.of(Endpoint::Jwks), (Duration::ZERO, None));
    }
}
