//! Questions asked by a client that shows a certificate, of a server that lets nobody else in.

use std::io::Write as _;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::keys::{fields, pem};
use super::*;
use crate::net::TrustedRoots;
use crate::net::http_client::tests::{CERTIFICATE, TEST_KEY};

fn certificate(base64: &str) -> CertificateDer<'static> {
    CertificateDer::from(BASE64_STANDARD.decode(base64).unwrap())
}

/// The certificate of a client, and the form that it sent.
type Asked = (Vec<u8>, String);

/// An issuer that answers over TLS, to clients with one of these certificates alone; and who asked what.
fn serve(clients: &[&str]) -> (Endpoint, Arc<Mutex<Vec<Asked>>>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut trusted = RootCertStore::empty();
    for client in clients {
        trusted.add(certificate(client)).unwrap();
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::Pkcs8(BASE64_STANDARD.decode(TEST_KEY).unwrap().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate(CERTIFICATE)], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = Endpoint::parse(&format!("https://localhost:{port}/introspect")).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
                while let Some(body) = request_body(&mut stream) {
                    let client = stream.conn.peer_certificates().unwrap()[0].to_vec();
                    seen.lock().unwrap().push((client, body));
                    let head = format!("content-type: application/json\r\ncontent-length: {}", ACTIVE.len());
                    write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{ACTIVE}").unwrap();
                    stream.flush().unwrap();
                }
            });
        }
    });
    (url, asked)
}

/// The body of the next request; `None` where the client went away, or was not let in.
fn request_body(stream: &mut impl io::Read) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut bytes = [0; 4_096];
        let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        text.push_str(str::from_utf8(&bytes[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return Some(body.to_owned());
        }
    }
}

/// A client that trusts the server above.
fn trusting() -> HttpClient {
    HttpClient::trusting(&TrustedRoots::new(Secret::from_text(pem("CERTIFICATE", CERTIFICATE))).unwrap())
}

fn shown(chain: &str, key: &str) -> Result<ClientCertificate, ClientAuthError> {
    ClientCertificate::new(Secret::from_text(chain.to_owned()), Secret::from_text(key.to_owned()))
}

fn first() -> (String, String) {
    (pem("CERTIFICATE", FIRST), pem("PRIVATE KEY", FIRST_KEY))
}

/// One that can be shown.
pub(crate) fn any() -> ClientCertificate {
    shown(&first().0, &first().1).unwrap()
}

fn second() -> (String, String) {
    (pem("CERTIFICATE", SECOND), pem("PRIVATE KEY", SECOND_KEY))
}

#[tokio::test]
async fn the_certificate_is_shown_and_the_form_says_whose_it_should_be() {
    let (url, asked) = serve(&[FIRST]);
    let auth = ClientAuth::Certificate(shown(&first().0, &first().1).unwrap());
    let introspector = new_introspector_over(trusting(), IntrospectionSettings { auth: auth.into(), ..settings() });
    for n in 0..3 {
        assert_eq!(introspector.ask_about(n, &url).await.unwrap().subject(), Some("alice"));
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    for (client, body) in &*asked {
        assert_eq!(*client, certificate(FIRST).to_vec());
        let form = fields(body);
        assert_eq!((form["client_id"].as_str(), form["token"].as_str(), form.len()), ("gateway", TOKEN, 3));
    }
}

#[tokio::test]
async fn who_shows_none_or_another_is_not_let_in() {
    let (url, asked) = serve(&[FIRST]);
    let other = ClientAuth::Certificate(shown(&second().0, &second().1).unwrap());
    for auth in [other.into(), settings().auth] {
        let introspector = new_introspector_over(trusting(), IntrospectionSettings { auth, ..settings() });
        let answer = introspector.ask_about(1, &url).await;
        assert_eq!(answer.unwrap_err(), Reason::IntrospectionUnavailable);
    }
    assert!(asked.lock().unwrap().is_empty());
}

/// A certificate manager writes two files, and not at the same moment.
#[tokio::test]
async fn a_changed_certificate_is_shown_once_its_key_is_there() {
    let log = Log::default();
    let _guard = log.listen();
    let (url, asked) = serve(&[FIRST, SECOND]);
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
    std::fs::write(&chain, first().0).unwrap();
    std::fs::write(&key, first().1).unwrap();
    let certificate_files = [&chain, &key].map(|path| Secret::from_file(path).unwrap());
    let [chain_file, key_file] = certificate_files;
    let auth = ClientAuth::Certificate(ClientCertificate::new(chain_file, key_file).unwrap());
    let introspector = new_introspector_over(trusting(), IntrospectionSettings { auth: auth.into(), ..settings() });
    let shown_to = async || {
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        introspector.ask_about(1, &url).await.unwrap();
        asked.lock().unwrap().last().unwrap().0.clone()
    };
    assert_eq!(shown_to().await, certificate(FIRST).to_vec());
    std::fs::write(&chain, second().0).unwrap();
    assert_eq!(shown_to().await, certificate(FIRST).to_vec(), "half of the pair");
    assert!(log.text().contains("the last good one stays in use"), "{}", log.text());
    std::fs::write(&key, second().1).unwrap();
    assert_eq!(shown_to().await, certificate(SECOND).to_vec(), "no connection of before is used");
    assert!(!log.text().contains(&SECOND_KEY[..40]) && !log.text().contains(&SECOND[..40]));
}

#[tokio::test]
async fn without_tls_nobody_would_see_it() {
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let auth = ClientAuth::Certificate(shown(&first().0, &first().1).unwrap());
    let introspector = new_introspector(IntrospectionSettings { auth: auth.into(), ..settings() });
    assert_eq!(introspector.ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
    assert_eq!(issuer.asked(), 0);
}

#[test]
fn what_does_not_fit_is_told_without_showing_it() {
    use ClientAuthError as E;
    let ((chain, key), (other, other_key)) = (first(), second());
    assert!(shown(&format!("{chain}{other}"), &key).is_ok(), "a chain");
    assert!(shown(&format!("a comment\n{chain}"), &format!("{key}{chain}")).is_ok(), "one file for both");
    for (name, chain, key, expected) in [
        ("nothing", "x", key.as_str(), E::NoCertificate),
        ("a key for a certificate", &key, &key, E::NoCertificate),
        ("not DER", &pem("CERTIFICATE", "aHVudGVyMg=="), &key, E::NoCertificate),
        ("half of it", &chain[..200], &key, E::NoCertificate),
        ("no key", &chain, &chain, E::NoKey),
        ("encrypted", &chain, &pem("ENCRYPTED PRIVATE KEY", FIRST_KEY), E::Encrypted),
        ("not DER", &chain, &pem("PRIVATE KEY", "aHVudGVyMg=="), E::UnsupportedKey),
        ("another's key", &chain, &other_key, E::KeyOfAnotherCertificate),
        ("the chain the wrong way round", &format!("{other}{chain}"), &key, E::KeyOfAnotherCertificate),
    ] {
        assert_eq!(shown(chain, key).map(drop).unwrap_err(), expected, "{name}");
    }
    assert!(!format!("{:?}", shown(&chain, &key)).contains(&FIRST[..40]));
}

/// Self-signed for `gateway-1` and `gateway-2`, valid until 2126, with their keys. They protect nothing.
pub(crate) const FIRST: &str = "\
    MIIBezCCASKgAwIBAgIUVP0UadzZfRfwgKypaAQDPLpQM2swCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJZ2F0ZXdheS0xMCAXDTI2MTEyMjE4\
    MTU1MFoYDzIxMjYxMDI5MTgxNTUwWjAUMRIwEAYDVQQDDAlnYXRld2F5LTEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARYIAn+XPVgOySE\
    U0vrskqGBlbyoZLsuIGNVTMgmWSXqfF7h6QzI+AqWFGTuaHZ719oFNE2dcEZ2dkOHvk3YMC+o1AwTjAdBgNVHQ4EFgQUhYaJ6jSzWVhpqYAj\
    DFwC+AQo3bYwHwYDVR0jBBgwFoAUhYaJ6jSzWVhpqYAjDFwC+AQo3bYwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNHADBEAiANDiyqR4yX\
    Lm0XYlcrpQRXk8HgqDi7UGs/n6vJIW2jvgIgfA7urzAJRKnsCWjDSXofgPGo5ykzEw8Ea2CPrNkkAWE=\
    ";
const FIRST_KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwTSvMcfV2vyAt9e4S1sAuN0ctgTk5jOBEWQ4q6K8ZBChRANCAARYIAn+XPVg\
    OySEU0vrskqGBlbyoZLsuIGNVTMgmWSXqfF7h6QzI+AqWFGTuaHZ719oFNE2dcEZ2dkOHvk3YMC+\
    ";
pub(crate) const SECOND: &str = "\
    MIIBfDCCASKgAwIBAgIUc9jjXcDANl+dwt0G+JazIy9hqTYwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJZ2F0ZXdheS0yMCAXDTI2MTEyMjE4\
    MTU1MFoYDzIxMjYxMDI5MTgxNTUwWjAUMRIwEAYDVQQDDAlnYXRld2F5LTIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAStX8FjMFjOOnlY\
    YY1/Dg+XPbOpZB3iyEomRcC/dZEEvdSPjUir47WsE0AwNmAX2bUSt22+uX9a/5qHtdvxphjUo1AwTjAdBgNVHQ4EFgQUOg9V10gbNhCbTFIu\
    Bv04P2GhjBQwHwYDVR0jBBgwFoAUOg9V10gbNhCbTFIuBv04P2GhjBQwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiEA2/rBLyrc\
    FpK9lPADZfY0j0uBBxZ+kZTWQSxNPM6/eQgCID/PK+JZ1HxkSkdZPBC4yjczYMdVPh61LAYbdzvh41p9\
    ";
const SECOND_KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5w8pB1DB4pYF8JH6YkgXts5dn80/lZQNCXAK0no4GyKhRANCAAStX8FjMFjO\
    OnlYYY1/Dg+XPbOpZB3iyEomRcC/dZEEvdSPjUir47WsE0AwNmAX2bUSt22+uX9a/5qHtdvxphjU\
    ";
