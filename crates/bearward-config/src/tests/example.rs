//! `config.example.toml` is what it says: every setting, with its default.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::layers;
use crate::reader::Reader;
use crate::redact::References;
use crate::report;
use crate::resolve::resolve;
use crate::source::SourceFile;

pub(super) const EXAMPLE: &str = include_str!("../../../../config.example.toml");

/// The example with every setting that is commented out put to use. Prose begins with a space after the `#`.
pub(super) fn uncommented() -> String {
    let setting = |line: &str| {
        line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| !c.is_whitespace())).map(str::to_owned)
    };
    EXAMPLE.lines().map(|line| setting(line).unwrap_or(line.to_owned()) + "\n").collect()
}

/// A folder with the files that the example names.
pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    let files = [
        ("introspection", "hunter2"),
        ("billing", "hunter2"),
        ("client.key", &keys::private_key()),
        ("client.pem", &keys::certificate()),
        ("decryption.jwk", keys::DECRYPTION_KEY),
        ("ca.pem", &keys::certificate()),
        ("keys.json", keys::PUBLIC_KEYS),
        ("assertion", "hunter2.hunter2.hunter2"),
        ("token", "hunter2"),
    ];
    for (name, content) in files {
        let path = folder.path().join("secrets").join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

pub(super) fn environment() -> [(String, String); 1] {
    [("BEARWARD_LOGIN_SECRET".to_owned(), "hunter2".to_owned())]
}

#[test]
fn it_works_as_it_is() {
    insta::assert_snapshot!("report-example", report(&accepts(EXAMPLE)));
}

#[test]
fn it_works_with_everything_put_to_use() {
    let folder = folder();
    let path: PathBuf = folder.path().join("config.toml");
    let config = parse(&uncommented(), &path, &Overrides::default(), environment());
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let report = report(&config).replace(&folder.path().display().to_string(), "FOLDER");
    assert!(!report.contains("hunter2"), "{report}");
    insta::assert_snapshot!("report-everything", report);
}

#[test]
fn the_settings_that_are_commented_out_have_their_defaults() {
    let folder = folder();
    let path: PathBuf = folder.path().join("config.toml");
    let everything = parse(&uncommented(), &path, &Overrides::default(), environment()).unwrap();
    let nothing = accepts(EXAMPLE);
    let shown = |config: &Config| {
        let issuer = &config.gate.issuers[0];
        let upstream = &config.proxy.upstreams[0];
        // The default of `threads` depends on the machine.
        let proxy = &config.proxy;
        let server = (&proxy.listen, proxy.max_connections, proxy.max_header_bytes, proxy.drain, proxy.keepalive_pool);
        let waits = (proxy.idle_timeout, proxy.header_timeout, proxy.body_timeout, proxy.write_timeout);
        let gate = (config.gate.max_token_bytes, &config.gate.realm, &config.gate.cache, &config.log, &config.admin);
        let issuer = (issuer.profile, &issuer.algorithms, issuer.leeway, issuer.timeout, &issuer.refresh);
        format!("{server:?} {waits:?} {gate:?} {issuer:?} {upstream:?}")
    };
    assert_eq!(shown(&everything), shown(&nothing));
}

/// Every key that is asked for while the example is read with everything put to use, and what may stand there.
pub(super) fn asked() -> BTreeMap<String, String> {
    let text = uncommented();
    let environment = BTreeMap::new();
    let references = References { folder: Path::new(""), environment: &environment };
    let source = SourceFile::parse(Path::new("config.toml"), &text, references).unwrap();
    let (layers, diagnostics) = layers::merge(&source, &environment, &Overrides::default());
    let reader = Reader::new(&layers, references, diagnostics);
    resolve(&reader);
    reader.asked.into_inner()
}

#[test]
fn it_has_every_setting() {
    let references = References { folder: Path::new(""), environment: &BTreeMap::new() };
    let source = SourceFile::parse(Path::new("config.toml"), &uncommented(), references).unwrap();
    let asked = asked();
    let present = keys_of(source.document().as_item(), "");
    let missing: Vec<String> = asked.keys().filter(|key| !present.contains(key)).cloned().collect();
    assert_eq!(missing, [""; 0], "settings that config.example.toml does not show");
    assert!(asked.len() > 90);
}

pub(super) fn keys_of(item: &toml_edit::Item, above: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, item) in item.as_table_like().into_iter().flat_map(|table| table.iter()) {
        let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        keys.extend(keys_of(item, &path));
        for table in item.as_array_of_tables().into_iter().flatten() {
            keys.extend(keys_of(&toml_edit::Item::Table(table.clone()), &path));
        }
        for table in item.as_array().into_iter().flatten().filter(|value| value.is_inline_table()) {
            keys.extend(keys_of(&toml_edit::Item::Value(table.clone()), &path));
        }
        keys.push(path);
    }
    keys
}
