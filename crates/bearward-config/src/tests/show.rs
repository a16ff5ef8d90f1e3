//! What is shown is every setting with its value in force, and a configuration that means the same.

use std::collections::BTreeMap;

use super::example::{EXAMPLE, environment, folder, uncommented};
use super::*;
use crate::reader::Reader;
use crate::redact::References;
use crate::{Provider, layers, read_with, resolve::resolve, show, source::SourceFile};

fn shown(text: &str, path: &Path) -> (Config, String) {
    let both = |config: Config, layers: &layers::Layers| {
        let shown = show::show(&config, layers);
        (config, shown)
    };
    read_with(text, path, &Overrides::default(), environment(), both)
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// All that a configuration means. Claims that are left to the defaults mean the same as the defaults written down.
fn meaning(mut config: Config) -> String {
    for issuer in &mut config.gate.issuers {
        let rules = issuer.rules().unwrap();
        (issuer.scope_claims, issuer.client_id_claims) = (rules.scope_claims, rules.client_id_claims);
    }
    config.warnings.clear();
    format!("{config:#?}")
}

/// Once written down, a value is the file's own.
fn without_remarks(shown: &str) -> String {
    let remark = |line: &str| line.find(" # from provider ").or(line.find(" # in part from provider "));
    shown.lines().map(|line| line[..remark(line).unwrap_or(line.len())].to_owned() + "\n").collect()
}

/// Holds that what is shown means the same, and gives it.
fn means_the_same(text: &str, path: &Path) -> String {
    let (config, first) = shown(text, path);
    let (again, second) = shown(&first, path);
    assert_eq!(without_remarks(&first), second, "{text}");
    assert_eq!(meaning(config), meaning(again), "{first}");
    first
}

#[test]
fn the_example_as_it_is() {
    // The default depends on the machine.
    let text = EXAMPLE.replace("\n#threads = 2\n", "\nthreads = 2\n");
    insta::assert_snapshot!("show-example", means_the_same(&text, Path::new("config.toml")));
}

#[test]
fn every_setting_that_has_a_default_is_shown_and_everything_that_is_set() {
    let folder = folder();
    let path = folder.path().join("config.toml");
    let text = means_the_same(&uncommented(), &path);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("client_secret_env = \"BEARWARD_LOGIN_SECRET\"\n"), "{text}");

    let environment = environment().into_iter().collect::<BTreeMap<_, _>>();
    let references = References { folder: folder.path(), environment: &environment };
    let source = SourceFile::parse(&path, &text, references).unwrap();
    let (layers, diagnostics) = layers::merge(&source, &environment, &Overrides::default());
    let reader = Reader::new(&layers, references, diagnostics);
    resolve(&reader);
    let present = super::example::keys_of(source.document().as_item(), "");
    let missing: Vec<String> = reader.asked.borrow().keys().filter(|key| !present.contains(key)).cloned().collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn presets_are_marked() {
    for provider in Provider::ALL {
        let name = provider.name();
        let asked = "introspection = { client_id = \"a\", client_secret_env = \"BEARWARD_LOGIN_SECRET\" }\n";
        let added = match provider {
            // The preset has the issuer asked about every token.
            Provider::Zitadel => asked,
            Provider::GitHubActions => "required_claims = [{ claim = \"repository_id\", equals = \"1234\" }]\n",
            Provider::GitLab => "required_claims = [{ claim = \"project_id\", equals = \"1234\" }]\n",
            _ => "",
        };
        let issuer = match provider {
            Provider::Google => "accounts.google.com",
            Provider::Okta => "example.okta.com/oauth2/default",
            _ => "auth.example.com",
        };
        let text = with("").replace(
            "[[issuers]]\nissuer = \"https://auth.example.com\"\n",
            &format!("[[issuers]]\nissuer = \"https://{issuer}\"\nprovider = \"{name}\"\nleeway = \"7s\"\n{added}"),
        );
        let shown = means_the_same(&text, Path::new("config.toml"));
        let preset: toml_edit::DocumentMut = provider.settings().parse().unwrap();
        for (key, _) in preset.iter().filter(|(_, item)| !item.is_inline_table()) {
            let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
            assert!(line.ends_with(&format!(" # from provider \"{name}\"")), "{line}");
        }
        assert!(shown.contains("\nleeway = \"7s\"\n"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn rules_of_a_preset_are_marked_beside_those_of_the_file_and_do_not_grow() {
    let rules =
        "provider = \"cognito\"\nrequired_claims = [{ claim = \"tenant\", equals = \"example\" }]\naudiences = ";
    let shown = means_the_same(&with("").replace("audiences = ", rules), Path::new("config.toml"));
    let line = shown.lines().find(|line| line.starts_with("required_claims = ")).unwrap();
    assert!(line.contains("tenant") && line.contains("token_use"), "{line}");
    assert!(line.ends_with(" # in part from provider \"cognito\""), "{line}");
}

#[test]
fn the_environment_is_shown_as_the_file_would_say_it() {
    let environment = [("BEARWARD_SERVER__LISTEN", "127.0.0.1:3, 127.0.0.1:4"), ("BEARWARD_SERVER__THREADS", "7")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let overrides = Overrides { log_level: Some("debug".to_owned()), ..Overrides::default() };
    let show = |config: Config, layers: &layers::Layers| show::show(&config, layers);
    let shown = read_with(&with(""), Path::new("config.toml"), &overrides, environment, show).unwrap();
    for line in ["listen = [\"127.0.0.1:3\", \"127.0.0.1:4\"]", "threads = 7", "level = \"debug\""] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

#[test]
fn what_is_not_used_of_a_set_is_not_shown() {
    let redact = keys::PUBLIC_KEYS.trim().strip_prefix("{\"keys\":[").and_then(|keys| keys.strip_suffix("]}")).unwrap();
    // A private key that can be told for one is an error.
    let private = r#"{"kty":"AKP","priv":"aHVudGVyMg"},{"kty":"OKP","d":"aHVudGVyMg","d":"aHVudGVyMg"}"#;
    let jwks = format!("jwks = '{{\"more\":\"aHVudGVyMg\",\"keys\":[{private},{redact}]}}'\n");
    let text = with("").replace("audiences = ", &format!("{jwks}audiences = "));
    let (config, text) = shown(&text, Path::new("config.toml"));
    assert!(text.contains(redact) && !text.contains("aHVudGVyMg"), "{text}");
    let (again, second) = shown(&text, Path::new("config.toml"));
    assert_eq!(text, second);
    let fingerprint = |config: &Config| match &config.gate.issuers[0].keys {
        bearward_gate::KeySource::Fixed(set) => set.fingerprint(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fingerprint(&config), fingerprint(&again));
}
