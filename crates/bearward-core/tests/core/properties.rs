//! No input panics or takes long, and no token that differs from a valid one in a single byte is accepted.

use std::time::{Duration, Instant};

use crate::support::any::{CLAIMS, HEADER, any_json, any_object};
use crate::support::junk::junk;
use crate::support::{
    AUDIENCE, NOW, Signer, b64, claims, key_set, merge, parse_keys, rules, signer, signers, verify, with,
};
use bearward_core::{
    Algorithm, ClaimPointer, ClaimRule, ClaimTest, Finding, IntrospectionAnswer, KeySet, Reason, Trace, UnixTime,
    unverified_issuer, verify_jws, verify_jws_traced,
};
use proptest::prelude::*;
use serde_json::json;

const JWK: &[&str] = &["kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "k", "p", "q", "x5c"];

/// With a trace the verdict is the same, the first finding that failed gives its reason, and the findings are in order.
fn is_explained(prove: impl Fn(Option<&mut Trace>) -> Result<(), Reason>) -> Result<(), TestCaseError> {
    let mut trace = Trace::new();
    prop_assert_eq!(prove(Some(&mut trace)), prove(None));
    prop_assert_eq!(trace.first_failure().and_then(Finding::reason), prove(None).err());
    prop_assert!(trace.findings().is_sorted_by(|a, b| a.check < b.check));
    let shown = trace.findings().iter().map(Finding::to_string).collect::<String>();
    prop_assert!(shown.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", shown);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_as_a_token(text in ".{0,200}") {
        prop_assert!(verify(&text).is_err());
        unverified_issuer(&text);
    }

    #[test]
    fn any_parts_are_refused_as_a_token(parts in prop::collection::vec("[A-Za-z0-9_=+/-]{0,40}", 0..7)) {
        let text = parts.join(".");
        prop_assert!(verify(&text).is_err());
        unverified_issuer(&text);
    }

    #[test]
    fn any_bytes_can_be_signed(
        header in prop::collection::vec(any::<u8>(), 0..100),
        payload in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let ed = signer(Algorithm::EdDsa);
        prop_assert!(verify(&ed.sign(&header, &payload)).is_err());
        prop_assert!(verify(&ed.sign(ed.header().to_string(), &payload)).is_err());
        prop_assert!(verify(&ed.sign(&header, claims().to_string())).is_err());
    }

    /// Whatever stands in a signed token: it is refused, or it is an access token for us and for now.
    #[test]
    fn any_claims_can_be_signed(header in any_object(HEADER), payload in any_object(CLAIMS)) {
        let ed = signer(Algorithm::EdDsa);
        let (mut all_header, mut all_claims) = (ed.header(), claims());
        merge(&mut all_header, header.clone());
        merge(&mut all_claims, payload.clone());
        for (header, payload) in [(&all_header, &all_claims), (&header, &payload), (&header, &all_claims)] {
            let token = ed.sign(header.to_string(), payload.to_string());
            unverified_issuer(&token);
            is_explained(|trace| verify_jws_traced(&token, key_set(), &rules(), UnixTime(NOW), trace).map(drop))?;
            if let Ok(verified) = verify(&token) {
                prop_assert_eq!(&header["typ"], "at+jwt");
                prop_assert!(verified.audiences().any(|audience| audience == AUDIENCE));
                prop_assert!(verified.is_current(UnixTime(NOW)));
                prop_assert!(verified.subject().is_some() && verified.expires_at().is_some());
                prop_assert!(payload.get("cnf").is_none() && header.get("crit").is_none());
            }
        }
    }

    #[test]
    fn any_time_and_any_rules_do(now in any::<u64>(), leeway in any::<u64>(), exp in any::<u64>(), nbf in any::<u64>()) {
        let ed = signer(Algorithm::EdDsa);
        let dated = with(with(claims(), "exp", Some(json!(exp))), "nbf", Some(json!(nbf)));
        let mut rules = rules();
        rules.leeway = leeway;
        if let Ok(verified) = verify_jws(&ed.token(&dated), key_set(), &rules, UnixTime(now)) {
            prop_assert!(u128::from(now) < u128::from(exp) + u128::from(leeway));
            prop_assert!(u128::from(nbf) <= u128::from(now) + u128::from(leeway));
            prop_assert!(verified.is_current(UnixTime(now)));
        }
    }

    #[test]
    fn any_bytes_can_be_a_key_set(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn any_keys_can_stand_in_a_key_set(keys in prop::collection::vec(any_object(JWK), 0..5), spoilt in any_object(JWK)) {
        let count = keys.len();
        let set = parse_keys(keys);
        prop_assert_eq!(set.len() + set.skipped().len(), count);
        // Good keys with odd members beside and instead of their own.
        let keys = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].map(|algorithm| {
            let mut jwk = signer(algorithm).jwk();
            merge(&mut jwk, spoilt.clone());
            jwk
        });
        let set = parse_keys(keys);
        prop_assert_eq!(set.len() + set.skipped().len(), 3);
    }

    #[test]
    fn any_bytes_can_be_an_introspection_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(IntrospectionAnswer::parse(&bytes).and_then(|answer| answer.prove(&rules(), UnixTime(NOW))).is_err());
    }

    #[test]
    fn any_members_can_stand_in_an_introspection_answer(answer in any_object(CLAIMS)) {
        let mut whole = json!({"active": true, "aud": AUDIENCE});
        merge(&mut whole, answer.clone());
        for answer in [answer, whole] {
            if let Ok(said) = IntrospectionAnswer::parse(answer.to_string().as_bytes()) {
                is_explained(|trace| said.clone().prove_traced(&rules(), UnixTime(NOW), trace).map(drop))?;
            }
            if let Ok(verified) = IntrospectionAnswer::parse(answer.to_string().as_bytes()).and_then(|answer| answer.prove(&rules(), UnixTime(NOW))) {
                prop_assert_eq!(&answer["active"], &json!(true));
                prop_assert!(verified.audiences().any(|audience| audience == AUDIENCE));
                prop_assert!(verified.is_current(UnixTime(NOW)));
            }
        }
    }

    /// A character anywhere in place of another, gone, or put in between.
    #[test]
    fn a_token_with_a_change_is_refused(
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
        at in any::<prop::sample::Index>(),
        to in prop_oneof![prop::char::range('\0', '\u{7f}'), any::<char>()],
    ) {
        let token = signer(algorithm).token(&claims());
        let at = at.index(token.len());
        let (before, after) = (&token[..at], &token[at + 1..]);
        let (changed, without) = (format!("{before}{to}{after}"), format!("{before}{after}"));
        let more = format!("{before}{to}{}", &token[at..]);
        prop_assert_eq!(verify(&changed).is_ok(), changed == token);
        prop_assert!(verify(&without).is_err());
        prop_assert!(verify(&more).is_err());
        prop_assert!(verify(before).is_err());
    }

    /// Several changes at once, each somewhere: a bit, a byte more or less, a stretch twice, gone or moved.
    #[test]
    fn a_token_with_some_changes_is_refused(
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
        changes in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let token = signer(algorithm).token(&claims());
        let mut bytes = token.clone().into_bytes();
        for (change, at, to) in changes {
            if bytes.is_empty() {
                break;
            }
            let (at, to) = (at.index(bytes.len()), to.index(bytes.len()));
            let (from, end) = (at.min(to), at.max(to));
            match change % 6 {
                0 => bytes[at] ^= 1 << (change / 6 % 7),
                1 => bytes.insert(at, b"AQgw.=-_ \0"[to % 10]),
                2 => drop(bytes.remove(at)),
                3 => drop(bytes.drain(from..end)),
                4 => bytes.splice(from..from, token.bytes().take(end - from)).for_each(drop),
                _ => bytes[from..=end].rotate_left((end - from) / 2),
            }
        }
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(verify(&changed).is_ok(), changed == token);
    }

    /// The segments of a valid token in any other order, number and with any glue.
    #[test]
    fn segments_in_another_order_make_no_token(order in prop::collection::vec(0_usize..3, 0..6), glue in "[.]|[.][.]|,|%2E") {
        let token = signer(Algorithm::EdDsa).token(&claims());
        let parts: Vec<&str> = token.split('.').collect();
        let changed = order.iter().map(|at| parts[*at]).collect::<Vec<_>>().join(&glue);
        prop_assert_eq!(verify(&changed).is_ok(), changed == token);
    }

    /// Rules that hold of any claims at all never panic, and what is absent or null meets none of them.
    #[test]
    fn any_claims_can_be_held_against_any_rule(
        claims in any_object(CLAIMS), pointer in "(/[a-z~01]{0,5}){0,4}", value in any_json(),
    ) {
        let Ok(claim) = ClaimPointer::parse(&pointer) else { return Ok(()) };
        let claims = claims.as_object().unwrap();
        let found = claim.find(claims).filter(|found| !found.is_null()).cloned();
        for test in [
            ClaimTest::Exists,
            ClaimTest::Equals(value.clone()),
            ClaimTest::OneOf(vec![value.clone(), json!(1)]),
            ClaimTest::Contains(value),
        ] {
            let rule = ClaimRule { claim: claim.clone(), test };
            let holds = rule.holds(claims);
            prop_assert!(found.is_some() || !holds);
            prop_assert!(rule.test != ClaimTest::Exists || holds == found.is_some());
        }
        if let Some(found) = found {
            let rule = ClaimRule { claim, test: ClaimTest::Equals(found) };
            prop_assert!(rule.holds(claims));
        }
    }

    /// Two valid tokens, each with parts of the other.
    #[test]
    fn parts_of_two_tokens_make_none(one in "[a-z]{1,8}", two in "[a-z]{1,8}", mask in 1_u8..7) {
        prop_assume!(one != two);
        let ed = signer(Algorithm::EdDsa);
        let token = |sub: &str| {
            ed.sign(with(ed.header(), "x", Some(json!(sub))).to_string(), with(claims(), "sub", Some(json!(sub))).to_string())
        };
        let (first, second) = (token(&one), token(&two));
        prop_assert!(verify(&first).is_ok() && verify(&second).is_ok());
        let mixed: Vec<&str> = (first.split('.').zip(second.split('.')).enumerate())
            .map(|(i, (first, second))| if mask >> i & 1 == 1 { second } else { first })
            .collect();
        prop_assert!(verify(&mixed.join(".")).is_err());
    }
}

/// Every bit of every byte, and every letter that a signature can end in, where a second spelling would hide.
#[test]
fn a_token_with_a_changed_bit_is_refused() {
    for signer in signers() {
        let token = signer.token(&claims());
        assert!(verify(&token).is_ok());
        let all = signer.algorithm == Algorithm::EdDsa;
        for (at, letter) in token.bytes().enumerate() {
            // Verifying is slow in a debug build: all of the token for one algorithm, the ends of the parts for all.
            let near_the_end_of_a_part = token[at..].bytes().take(3).any(|next| next == b'.') || at + 3 > token.len();
            for bit in (0..7).filter(|_| all || near_the_end_of_a_part) {
                let mut changed = token.clone().into_bytes();
                changed[at] = letter ^ 1 << bit;
                let changed = String::from_utf8(changed).unwrap();
                assert!(verify(&changed).is_err(), "{}: bit {bit} of byte {at}", signer.algorithm);
            }
        }
        let before = &token[..token.len() - 1];
        for last in (0..=0x7f_u8).map(char::from).filter(|last| !token.ends_with(*last)) {
            assert!(verify(&format!("{before}{last}")).is_err(), "{}: last letter {last:?}", signer.algorithm);
        }
    }
}

/// The shortest of a few runs, so that a busy machine is not taken for slow code.
fn shortest(mut run: impl FnMut()) -> Duration {
    let mut once = || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn junk_is_refused_in_no_time() {
    // A debug build on a busy machine takes a few milliseconds for the worst of these. What is looked for is a second
    // or more, which is what anything worse than linear takes.
    let limit = Duration::from_millis(500);
    let ed = signer(Algorithm::EdDsa);
    let header = b64(ed.header().to_string());
    for (name, junk) in junk() {
        let text = String::from_utf8_lossy(&junk).into_owned();
        let tokens = [
            ("as it is", text),
            ("as a header", format!("{}.{}.{}", b64(&junk), b64(claims().to_string()), b64([0; 64]))),
            ("as a payload", format!("{header}.{}.{}", b64(&junk), b64([0; 64]))),
            ("as a signature", format!("{header}.{}.{}", b64(claims().to_string()), b64(&junk))),
            ("as a signed header", ed.sign(&junk, claims().to_string())),
            ("as a signed payload", ed.sign(ed.header().to_string(), &junk)),
        ];
        for (how, token) in tokens {
            let took = shortest(|| {
                assert!(verify(&token).is_err(), "{name} {how}");
                unverified_issuer(&token);
            });
            assert!(took < limit, "{name} {how}: {took:?}");
        }
        let took = shortest(|| {
            KeySet::parse(&junk).ok();
            assert!(
                IntrospectionAnswer::parse(&junk).and_then(|answer| answer.prove(&rules(), UnixTime(NOW))).is_err(),
                "{name}"
            );
        });
        assert!(took < limit, "{name} as an answer of an issuer: {took:?}");
    }
}

#[test]
fn many_keys_and_no_kid_take_no_time() {
    let limit = Duration::from_millis(500);
    let signers: Vec<Signer> = (0..100).map(|i| Signer::new(Algorithm::Es512, &format!("key-{i}"))).collect();
    let text = json!({"keys": signers.iter().map(Signer::jwk).collect::<Vec<_>>()}).to_string();
    let took = shortest(|| assert_eq!(KeySet::parse(text.as_bytes()).unwrap().len(), 100));
    assert!(took < limit, "reading 100 keys: {took:?}");

    let keys = KeySet::parse(text.as_bytes()).unwrap();
    let stranger = Signer::new(Algorithm::Es512, "stranger");
    let token = stranger.sign(with(stranger.header(), "kid", None).to_string(), claims().to_string());
    let took = shortest(|| assert!(verify_jws(&token, &keys, &rules(), UnixTime(NOW)).is_err()));
    assert!(took < limit, "trying them: {took:?}");
}
