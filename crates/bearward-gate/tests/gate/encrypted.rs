//! A token that is encrypted to the gateway is opened here and proved like any other; every other JWE goes to its issuer.

use std::sync::Arc;

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, gate, gate_with_cache, numbers_of, outcome, route};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::KeySet;
use bearward_gate::{CacheSettings, DecryptionKeySource, IssuerSettings, KeySource, Secret};
use serde_json::{Value, json};

const SECRET: [u8; 32] = [7; 32];

fn decryption_keys() -> Option<DecryptionKeySource> {
    let jwk = json!({"kty": "oct", "kid": "g1", "alg": "A256GCM", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    Some(DecryptionKeySource::new(Secret::from_text(jwk.to_string())).unwrap())
}

fn encrypt(header: &Value, plaintext: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &SECRET).unwrap());
    let mut ciphertext = plaintext.as_bytes().to_vec();
    let aad = Aad::from(header.as_bytes());
    let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key([1; 12]), aad, &mut ciphertext).unwrap();
    let [iv, ciphertext, tag] = [&[1; 12][..], &ciphertext, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{ciphertext}.{tag}")
}

#[tokio::test]
async fn a_token_for_us_is_opened_and_proved() {
    let (clock, key, stranger) = (TestClock::new(), Key::new("k1"), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut settings = issuer.settings();
    settings.decryption_keys = decryption_keys();
    let gate = gate(&clock, vec![settings], vec![route("/*", &["orders:read"])]);
    let ours = json!({"alg": "dir", "enc": "A256GCM", "kid": "g1", "cty": "at+jwt"});
    let token = encrypt(&ours, &key.sign(&issuer.claims(clock.now())));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    clock.step(700);
    assert_eq!(outcome(&gate, "/", &token).await, "token_expired");

    // Encryption proves nothing: what is inside is held to every rule.
    let forged = encrypt(&ours, &stranger.sign(&issuer.claims(clock.now())));
    assert_eq!(outcome(&gate, "/", &forged).await, "signature_invalid");
    let mut foreign = issuer.claims(clock.now());
    foreign["aud"] = json!("https://other.example.com");
    assert_eq!(outcome(&gate, "/", &encrypt(&ours, &key.sign(&foreign))).await, "audience_mismatch");
    assert_eq!(outcome(&gate, "/", &encrypt(&ours, &issuer.claims(clock.now()).to_string())).await, "token_malformed");
    let mut tampered = encrypt(&ours, &key.sign(&issuer.claims(clock.now())));
    tampered.replace_range(tampered.len() - 4.., "AAAA");
    assert_eq!(outcome(&gate, "/", &tampered).await, "decryption_failed");
    assert_eq!(issuer.questions(), 0, "what is ours gets no second chance at the issuer");
}

#[tokio::test]
async fn a_token_for_another_key_is_the_issuers_to_answer() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let mut settings = issuer.settings();
    settings.decryption_keys = decryption_keys();
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let theirs = encrypt(&json!({"alg": "dir", "enc": "A256GCM", "kid": "theirs"}), "claims");
    issuer.answer(&theirs, json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", &theirs).await, "admit introspection");
    // RSA1_5, PBES2 and compression are refused before anybody is asked.
    for header in [
        json!({"alg": "RSA1_5", "enc": "A256GCM"}),
        json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 2_147_483_647_u32}),
        json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
    ] {
        let reason = outcome(&gate, "/", &encrypt(&header, "x")).await;
        assert!(["algorithm_refused", "critical_header_unknown"].contains(&&*reason), "{header}: {reason}");
    }
    assert_eq!(issuer.questions(), 1);
}

#[tokio::test]
async fn decryption_keys_are_read_again_when_their_file_changes() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.jwk");
    let jwk = |kid: &str, secret: [u8; 32]| {
        json!({"kty": "oct", "kid": kid, "alg": "A256GCM", "k": URL_SAFE_NO_PAD.encode(secret)}).to_string()
    };
    std::fs::write(&path, jwk("old", [9; 32])).unwrap();
    let mut settings = issuer.settings();
    settings.decryption_keys = Some(DecryptionKeySource::new(Secret::from_file(&path).unwrap()).unwrap());
    settings.introspection = None;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let header = json!({"alg": "dir", "enc": "A256GCM", "kid": "g1"});
    let token = encrypt(&header, &key.sign(&issuer.claims(clock.now())));
    assert_eq!(outcome(&gate, "/", &token).await, "token_unsupported");

    std::fs::write(&path, jwk("g1", SECRET)).unwrap();
    // A file is looked at once a second.
    for _ in 0..100 {
        if outcome(&gate, "/", &token).await == "admit signature" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the new key is never used");
}

#[tokio::test]
async fn several_issuers_may_encrypt_to_one_key() {
    let (clock, one_key, two_key) = (TestClock::new(), Key::new("one"), Key::new("two"));
    let (one, two) = (FakeIssuer::start(&[&one_key]).await, FakeIssuer::start(&[&two_key]).await);
    let settings = [&one, &two].map(|issuer| {
        let mut settings = issuer.settings();
        settings.decryption_keys = decryption_keys();
        settings.introspection = None;
        settings
    });
    let gate = gate(&clock, settings.to_vec(), vec![route("/*", &[])]);
    let header = json!({"alg": "dir", "enc": "A256GCM", "kid": "g1"});
    for (issuer, key) in [(&one, &one_key), (&two, &two_key)] {
        let token = encrypt(&header, &key.sign(&issuer.claims(clock.now())));
        assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
        assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    }
    let crossed = encrypt(&header, &one_key.sign(&two.claims(clock.now())));
    assert_eq!(outcome(&gate, "/", &crossed).await, "key_unknown");
    let mut claims = one.claims(clock.now());
    claims["iss"] = json!("https://stranger.example.com");
    let strange = encrypt(&header, &one_key.sign(&claims));
    assert_eq!(outcome(&gate, "/", &strange).await, "issuer_unknown", "what is inside selects among them alone");
}

/// However many issuers share a key, or have one of the same name: the sender of junk chooses no number of private-key operations.
#[tokio::test]
async fn junk_is_held_against_a_few_keys_at_most() {
    let clock = TestClock::new();
    let key_set = json!({"keys": [Key::new("k1").jwk()]}).to_string();
    let keys = Arc::new(KeySet::parse(key_set.as_bytes()).unwrap());
    let settings: Vec<_> = (0..20)
        .map(|at| {
            let mut settings = IssuerSettings::new(format!("https://{at}.example.com"), vec![AUDIENCE.to_owned()]);
            settings.keys = KeySource::Fixed(Arc::clone(&keys));
            settings.decryption_keys = decryption_keys();
            settings
        })
        .collect();
    let (gate, registry) = gate_with_cache(&clock, settings, vec![route("/*", &[])], CacheSettings::default());
    for header in [json!({"alg": "dir", "enc": "A256GCM", "kid": "g1"}), json!({"alg": "dir", "enc": "A256GCM"})] {
        let before: f64 = numbers_of(&registry, "bearward_decryption_tries_total").iter().sum();
        let mut junk = encrypt(&header, "x");
        junk.replace_range(junk.len() - 4.., "AAAA");
        assert_eq!(outcome(&gate, "/", &junk).await, "decryption_failed");
        let tried = numbers_of(&registry, "bearward_decryption_tries_total").iter().sum::<f64>() - before;
        assert_eq!(tried, 4.0, "{header}");
    }
}

/// Seen by a key that is another one now: what is remembered needs it no more.
#[tokio::test]
async fn what_a_withdrawn_key_has_opened_is_not_remembered() {
    let (clock, one_key, two_key) = (TestClock::new(), Key::new("one"), Key::new("two"));
    let (one, two) = (FakeIssuer::start(&[&one_key]).await, FakeIssuer::start(&[&two_key]).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.jwk");
    let jwk = |secret: [u8; 32]| {
        json!({"kty": "oct", "kid": "g1", "alg": "A256GCM", "k": URL_SAFE_NO_PAD.encode(secret)}).to_string()
    };
    std::fs::write(&path, jwk(SECRET)).unwrap();
    let decryption_keys = DecryptionKeySource::new(Secret::from_file(&path).unwrap()).unwrap();
    let settings = [&one, &two].map(|issuer| {
        let mut settings = issuer.settings();
        settings.decryption_keys = Some(decryption_keys.clone());
        settings.introspection = None;
        settings
    });
    let gate = gate(&clock, settings.to_vec(), vec![route("/*", &[])]);
    let token = |issuer: &FakeIssuer, key: &Key, id: &str| {
        let mut claims = issuer.claims(clock.now());
        claims["jti"] = json!(id);
        encrypt(&json!({"alg": "dir", "enc": "A256GCM", "kid": "g1"}), &key.sign(&claims))
    };
    let remembered = [token(&one, &one_key, "1"), token(&two, &two_key, "1")];
    for token in &remembered {
        assert_eq!(outcome(&gate, "/", token).await, "admit signature");
        assert_eq!(outcome(&gate, "/", token).await, "admit cache");
    }
    std::fs::write(&path, jwk([8; 32])).unwrap();
    // A file is looked at once a second.
    for id in 2..100 {
        if outcome(&gate, "/", &token(&one, &one_key, &id.to_string())).await == "decryption_failed" {
            for token in &remembered {
                assert_eq!(outcome(&gate, "/", token).await, "decryption_failed");
            }
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the new key is never used");
}
