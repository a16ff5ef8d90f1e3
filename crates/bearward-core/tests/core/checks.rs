//! The steps of a decision: what a trace finds is what the decision says, in the order of `Check::ALL`.
use std::collections::BTreeSet;

use crate::support::{AUDIENCE, LEEWAY, NOW, Signer, claims, key_set, rules, signer, with};
use bearward_core::{
    Algorithm, Check, ClaimPointer, ClaimRule, ClaimTest, Finding, IntrospectionAnswer, KeySet, Presented, Profile,
    Reason, Requirement, Scheme, Scope, TokenRules, Trace, UnixTime, verify_jws, verify_jws_traced,
};
use serde_json::{Value, json};

/// What a token is made of, what it is held against, and what the sender sends with it.
struct Case {
    header: Value,
    claims: Value,
    /// A change to the token as it is spelled.
    spell: fn(String) -> String,
    rules: TokenRules,
    requirement: Requirement,
    identity: Result<(), Reason>,
}

/// One thing wrong: the check that finds it, the reason that it gives, and how to bring it about.
type Fault = (Check, Reason, fn(&mut Case));

fn ed() -> &'static Signer {
    signer(Algorithm::EdDsa)
}

fn rule(claim: &str, value: Value) -> ClaimRule {
    ClaimRule { claim: ClaimPointer::parse(claim).unwrap(), test: ClaimTest::Equals(value) }
}

/// A token with which nothing is wrong, though much is asked of it.
fn sound() -> Case {
    let mut rules = rules();
    rules.required_claims = vec![rule("/tenant", json!("acme"))];
    rules.max_lifetime = Some(3_600);
    let requirement = Requirement {
        all: vec![Scope::parse("orders:read").unwrap()],
        audiences: vec![AUDIENCE.to_owned()],
        claims: vec![rule("/level", json!(2))],
        ..Requirement::default()
    };
    let claims = with(with(claims(), "tenant", Some(json!("acme"))), "level", Some(json!(2)));
    Case { header: ed().header(), claims, spell: |token| token, rules, requirement, identity: Ok(()) }
}

fn set(object: &mut Value, member: &str, value: Value) {
    object[member] = value;
}

/// In the order of the checks. Faults of one check exclude each other.
const JWS_FAULTS: &[Fault] = &[
    (Check::Form, Reason::TokenMalformed, |case| case.spell = |token| format!("{token}.x")),
    (Check::Form, Reason::TokenMalformed, |case| case.spell = |token| format!("{token}=")),
    (Check::Header, Reason::TokenMalformed, |case| set(&mut case.header, "typ", json!(1))),
    (Check::Header, Reason::CriticalHeaderUnknown, |case| set(&mut case.header, "crit", json!(["x"]))),
    (Check::Algorithm, Reason::AlgorithmRefused, |case| case.rules.algorithms = vec![Algorithm::Es256]),
    (Check::Algorithm, Reason::AlgorithmRefused, |case| set(&mut case.header, "alg", json!("none"))),
    (Check::Type, Reason::TypeMismatch, |case| set(&mut case.header, "typ", json!("logout+jwt"))),
    (Check::Key, Reason::KeyUnknown, |case| set(&mut case.header, "kid", json!("unknown"))),
    (Check::Key, Reason::AlgorithmRefused, |case| set(&mut case.header, "kid", json!(signer(Algorithm::Es256).kid))),
    (Check::Signature, Reason::SignatureInvalid, |case| case.spell = changed),
    (Check::Signature, Reason::KeyUnknown, |case| {
        case.header.as_object_mut().unwrap().remove("kid");
        case.spell = changed;
    }),
    (Check::Claims, Reason::ClaimsMalformed, |case| set(&mut case.claims, "sub", json!(1))),
    (Check::Kind, Reason::TypeMismatch, |case| {
        case.rules.profile = Profile::Jwt;
        set(&mut case.claims, "nonce", json!("n"));
    }),
    (Check::Completeness, Reason::ClaimMissing, |case| drop(case.claims.as_object_mut().unwrap().remove("iat"))),
    (Check::Completeness, Reason::ClaimMissing, |case| drop(case.claims.as_object_mut().unwrap().remove("exp"))),
    (Check::IssuerClaim, Reason::IssuerMismatch, |case| set(&mut case.claims, "iss", json!("https://other.example"))),
    (Check::RequiredClaims, Reason::ClaimMismatch, |case| set(&mut case.claims, "tenant", json!("other"))),
    (Check::Time, Reason::TokenExpired, |case| set(&mut case.claims, "exp", json!(NOW - LEEWAY))),
    (Check::Time, Reason::TokenNotYetValid, |case| set(&mut case.claims, "nbf", json!(NOW + 1_000))),
    (Check::Lifetime, Reason::LifetimeTooLong, |case| case.rules.max_lifetime = Some(1)),
    (Check::Audience, Reason::AudienceMismatch, |case| case.rules.audiences = vec!["other".to_owned()]),
];

const REQUEST_FAULTS: &[Fault] = &[
    (Check::Confirmation, Reason::ConfirmationMissing, |case| set(&mut case.claims, "cnf", json!({"jkt": "x"}))),
    (Check::RouteAudience, Reason::AudienceMismatch, |case| case.requirement.audiences = vec!["billing".to_owned()]),
    (Check::Scope, Reason::ScopeMissing, |case| set(&mut case.claims, "scope", json!("orders:write"))),
    (Check::Conditions, Reason::ClaimConditionUnmet, |case| set(&mut case.claims, "level", json!(1))),
    (Check::Identity, Reason::IdentityUnrepresentable, |case| {
        case.identity = Err(Reason::IdentityUnrepresentable);
    }),
];

const ANSWER_FAULTS: &[Fault] = &[
    (Check::Claims, Reason::ClaimsMalformed, |case| set(&mut case.claims, "sub", json!(1))),
    (Check::Kind, Reason::TypeMismatch, |case| set(&mut case.claims, "token_type", json!("refresh_token"))),
    (Check::Kind, Reason::ConfirmationMissing, |case| set(&mut case.claims, "token_type", json!("DPoP"))),
    (Check::Completeness, Reason::ClaimMissing, |case| drop(case.claims.as_object_mut().unwrap().remove("exp"))),
    (Check::IssuerClaim, Reason::IssuerMismatch, |case| set(&mut case.claims, "iss", json!("https://other.example"))),
    (Check::RequiredClaims, Reason::ClaimMismatch, |case| set(&mut case.claims, "tenant", json!("other"))),
    (Check::Time, Reason::TokenExpired, |case| set(&mut case.claims, "exp", json!(NOW - LEEWAY))),
    (Check::Lifetime, Reason::LifetimeTooLong, |case| case.rules.max_lifetime = Some(1)),
    (Check::Audience, Reason::AudienceMismatch, |case| case.rules.audiences = vec!["other".to_owned()]),
    (Check::Audience, Reason::AudienceMismatch, |case| drop(case.claims.as_object_mut().unwrap().remove("aud"))),
];

/// The signature of something else.
fn changed(token: String) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", crate::support::b64(ed().signature(b"another message")))
}

/// What a decision says, and what a trace of it finds.
type Judged = (Result<(), Reason>, Trace);

fn judge(case: &Case, prove: impl Fn(Option<&mut Trace>) -> Result<bearward_core::Verified, Reason>) -> Judged {
    let request = |token: &_, trace: Option<&mut Trace>| {
        case.requirement.admit(&Presented::new(token, Scheme::Bearer, case.identity), trace)
    };
    let decided = prove(None).and_then(|token| request(&token, None));
    let mut trace = Trace::new();
    let traced = prove(Some(&mut trace)).and_then(|token| request(&token, Some(&mut trace)));
    assert_eq!(decided, traced, "with and without a trace");
    (decided, trace)
}

fn judge_jws(case: &Case) -> Judged {
    let token = (case.spell)(ed().sign(case.header.to_string(), case.claims.to_string()));
    let judged = judge(case, |trace| verify_jws_traced(&token, key_set(), &case.rules, UnixTime(NOW), trace));
    let proved = verify_jws(&token, key_set(), &case.rules, UnixTime(NOW)).map(drop);
    assert!(proved.is_err() == (proved == judged.0) || judged.0.is_ok(), "what is not proved is refused for that");
    no_secret(&token, case, &judged.1);
    judged
}

fn judge_answer(case: &Case) -> Judged {
    let answer = with(case.claims.clone(), "active", Some(json!(true))).to_string();
    judge(case, |trace| IntrospectionAnswer::parse(answer.as_bytes())?.prove_traced(&case.rules, UnixTime(NOW), trace))
}

/// No trace shows a claim that it may not, the token or a part of it.
fn no_secret(token: &str, case: &Case, trace: &Trace) {
    let shown = trace.findings().iter().map(Finding::to_string).collect::<Vec<_>>().join("\n");
    let hidden = ["sub", "client_id", "jti"].into_iter().filter_map(|claim| case.claims[claim].as_str());
    for secret in token.split('.').filter(|part| part.len() > 1).chain(hidden) {
        assert!(!shown.contains(secret), "{secret} in\n{shown}");
    }
}

/// The decision gives the reason of the first fault, which is the first finding that failed; and the findings are in order.
fn holds(faults: &[&Fault], (decided, trace): &Judged) {
    let checks: Vec<_> = faults.iter().map(|fault| fault.0).collect();
    let first = faults.iter().map(|fault| (fault.0, fault.1)).min_by_key(|fault| fault.0);
    let failed = trace.first_failure().map(|finding| (finding.check, finding.reason().unwrap()));
    assert_eq!(failed, first, "{checks:?}: the first finding that failed");
    assert_eq!(decided.err(), first.map(|(_, reason)| reason), "{checks:?}: the decision");
    let found: Vec<_> = trace.findings().iter().map(|finding| finding.check).collect();
    assert!(found.is_sorted_by(|a, b| a < b), "{checks:?}: {found:?}");
}

fn pairs(faults: &[Fault], judge: fn(&Case) -> Judged) {
    holds(&[], &judge(&sound()));
    for (at, one) in faults.iter().enumerate() {
        let mut case = sound();
        one.2(&mut case);
        holds(&[one], &judge(&case));
        for other in faults.iter().skip(at + 1).filter(|other| other.0 != one.0) {
            let mut case = sound();
            // Some change the same thing: then that which decides is left.
            other.2(&mut case);
            one.2(&mut case);
            holds(&[one, other], &judge(&case));
        }
    }
}

#[test]
fn a_decision_and_its_trace_agree_on_a_signed_token_with_one_and_with_two_faults() {
    pairs(&[JWS_FAULTS, REQUEST_FAULTS].concat(), judge_jws);
}

#[test]
fn a_decision_and_its_trace_agree_on_an_introspection_answer_with_one_and_with_two_faults() {
    pairs(&[ANSWER_FAULTS, REQUEST_FAULTS].concat(), judge_answer);
}

#[test]
fn with_everything_wrong_that_can_be_the_first_check_decides() {
    let independent = JWS_FAULTS.iter().filter(|fault| fault.0 >= Check::Kind && fault.1 != Reason::TokenNotYetValid);
    let mut faults: Vec<_> = independent.chain(REQUEST_FAULTS).collect();
    faults.dedup_by_key(|fault| fault.0);
    while !faults.is_empty() {
        let mut case = sound();
        faults.iter().rev().for_each(|fault| fault.2(&mut case));
        holds(&faults, &judge_jws(&case));
        faults.remove(0);
    }
}

/// Every check after the proof is made although an earlier one failed; those are all that `explain` would miss.
#[test]
fn a_trace_runs_every_independent_check() {
    let after = |judged: &Judged, first: Check, last: Check| -> Vec<_> {
        let checks = judged.1.findings().iter().map(|finding| finding.check);
        checks.filter(|check| (first..=last).contains(check)).collect()
    };
    let between = |first: Check, last: Check| -> Vec<_> {
        let is_made = |check: &Check| (first..=last).contains(check) && *check != Check::Agreement;
        Check::ALL.iter().copied().filter(is_made).collect()
    };
    for fault in JWS_FAULTS.iter().filter(|fault| fault.0 >= Check::Kind) {
        let mut case = sound();
        fault.2(&mut case);
        let (first, last) = (Check::Kind, Check::Audience);
        assert_eq!(after(&judge_jws(&case), first, last), between(first, last), "{:?}", fault.0);
    }
    for fault in REQUEST_FAULTS {
        let mut case = sound();
        fault.2(&mut case);
        let (first, last) = (Check::Form, Check::Identity);
        let mut all = between(first, last);
        all.retain(|check| *check != Check::Introspection);
        assert_eq!(after(&judge_jws(&case), first, last), all, "{:?}", fault.0);
    }
}

/// Each check of the core has a fault here: a new one cannot be added without one.
#[test]
fn every_check_of_the_core_is_in_the_table() {
    let here: BTreeSet<_> = [JWS_FAULTS, REQUEST_FAULTS, ANSWER_FAULTS].concat().iter().map(|fault| fault.0).collect();
    let elsewhere = |check: &&Check| {
        **check < Check::Form || **check > Check::Identity || matches!(check, Check::Introspection | Check::Agreement)
    };
    let missing: Vec<_> = Check::ALL.iter().filter(|check| !here.contains(check) && !elsewhere(check)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_answer_that_contradicts_a_verified_token_is_one_finding() {
    let token = verify_jws(&ed().token(&claims()), key_set(), &rules(), UnixTime(NOW)).unwrap();
    for (answer, expected) in [
        (json!({"active": true}), None),
        (json!({"active": true, "sub": "bob"}), Some(Reason::ClaimMismatch)),
        (json!({"active": true, "token_type": "refresh_token"}), Some(Reason::TypeMismatch)),
    ] {
        let mut trace = Trace::new();
        let answer = IntrospectionAnswer::parse(answer.to_string().as_bytes()).unwrap();
        let confirmed = answer.confirm_traced(&token, &rules(), UnixTime(NOW), Some(&mut trace));
        assert_eq!(confirmed.err(), expected);
        let [finding] = trace.findings() else { panic!("{trace:?}") };
        assert_eq!((finding.check, finding.reason()), (Check::Agreement, expected));
    }
}

/// What was found is shown escaped and marked; a reader of the log sees what to change.
#[test]
fn findings_say_what_was_expected_and_what_was_found() {
    let shown = |fault: fn(&mut Case)| {
        let mut case = sound();
        fault(&mut case);
        judge_jws(&case).1.first_failure().unwrap().to_string()
    };
    for (fault, expected) in [
        (
            (|case| set(&mut case.header, "typ", json!("a\n\"\u{1b}"))) as fn(&mut Case),
            r#"type: failed (type_mismatch), expected at+jwt, found typ "a\n\"\u{1b}" (unverified)"#,
        ),
        (
            |case| drop(case.header.as_object_mut().unwrap().remove("typ")),
            "type: failed (type_mismatch), expected at+jwt, found nothing",
        ),
        (
            |case| set(&mut case.header, "alg", json!("none")),
            "algorithm: failed (algorithm_refused), expected RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 \
             EdDSA, found alg \"none\" (unverified)",
        ),
        (
            |case| set(&mut case.claims, "iss", json!("https://auth.example.com/")),
            "issuer_claim: failed (issuer_mismatch), expected https://auth.example.com, found iss \
             \"https://auth.example.com/\" (unverified)",
        ),
        (
            |case| drop(case.claims.as_object_mut().unwrap().remove("jti")),
            "completeness: failed (claim_missing), expected every claim that an access token must have, found no jti",
        ),
        (
            |case| set(&mut case.claims, "tenant", json!("hidden")),
            "required_claims: failed (claim_mismatch), expected /tenant is \"acme\", found another value in /tenant",
        ),
        (
            |case| set(&mut case.claims, "aud", json!(["a", {"email": "hidden"}])),
            "claims: failed (claims_malformed), expected strict JSON, with claims of the types that they must have",
        ),
        (
            |case| set(&mut case.claims, "aud", json!(["a", "b"])),
            r#"audience: failed (audience_mismatch), expected one of https://api.example.com, found aud ["a", "b"] (unverified)"#,
        ),
        (
            |case| set(&mut case.claims, "scope", json!("orders:write")),
            r#"scope: failed (scope_missing), expected all of orders:read, found "orders:write""#,
        ),
    ] {
        assert_eq!(shown(fault), expected);
    }
}

/// Without keys a token is still told what is wrong with its form, and no more.
#[test]
fn a_trace_ends_with_the_stage_on_which_the_next_depends() {
    let mut trace = Trace::new();
    let token = ed().token(&claims());
    let found = verify_jws_traced(&token, &KeySet::default(), &rules(), UnixTime(NOW), Some(&mut trace));
    assert_eq!(found.map(drop), Err(Reason::KeyUnknown));
    let checks: Vec<_> = trace.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::Form, Check::Header, Check::Algorithm, Check::Type, Check::Key]);
}
