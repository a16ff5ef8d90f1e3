//! `docs/configuration.md` says what the reader of the configuration accepts, in the words of `config.example.toml`.

use std::collections::BTreeMap;
use std::fs;

use super::example::{EXAMPLE, asked, environment, folder, uncommented};
use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
const WIDTH: usize = 120;

#[test]
fn the_reference_is_up_to_date() {
    let text = reference();
    if std::env::var_os("BEARWARD_UPDATE_DOCS").is_some() {
        fs::write(FILE, &text).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    let update = "BEARWARD_UPDATE_DOCS=1 cargo test -p bearward-config reference";
    assert!(written == text, "docs/configuration.md is not what it would be now; write it again with\n  {update}");
}

/// A table of the example, where it stands first.
#[derive(Default)]
struct Table {
    header: String,
    sentence: String,
    settings: Vec<Setting>,
}

/// A setting of the example, where it stands first.
struct Setting {
    key: String,
    value: String,
    sentence: String,
    line: usize,
}

fn reference() -> String {
    let about = EXAMPLE.split("\n\n").next().and_then(|head| head.rsplit("\n#\n").next()).unwrap();
    let about: Vec<&str> = about.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let begin = "Every setting of Bearward, table by table. `config.example.toml` shows them at work, in a whole file to \
                 begin with. This page is made from that file and from what the configuration's reader accepts; a test \
                 holds it to both.";
    let mut text = format!("# Configuration\n\n{}\n\n{}\n", wrap(begin, ""), wrap(&prose(&about.join(" ")), ""));

    let mut asked = asked();
    let whole = config(&uncommented()).unwrap();
    for table in tables() {
        text.push_str(&format!("\n## `{}`\n\n", table.header));
        if !table.sentence.is_empty() {
            text.push_str(&(wrap(&prose(&table.sentence), "") + "\n\n"));
        }
        let path = table.header.trim_matches(['[', ']']);
        let of_table = asked.remove(path).unwrap_or_default();
        if let Some(values) = of_table.strip_prefix("a table of ") {
            let example = table.settings.iter().map(|setting| format!("`{} = {}`", setting.key, setting.value));
            let example = example.collect::<Vec<_>>().join(", ");
            let free = format!("The keys are yours to choose, and the values are {values}. For example: {example}");
            text.push_str(&(wrap(&free, "") + "\n"));
            continue;
        }
        for setting in table.settings {
            let path = format!("{path}.{}", setting.key);
            let kind = asked.remove(&path).unwrap_or_else(|| panic!("the reader does not ask for {path}"));
            assert_ne!(setting.sentence, "", "{path} has no sentence in config.example.toml");
            let (kind, value) = (shown(&kind, &setting), value(&setting, &whole));
            let entry = format!("- `{}`: {kind}; {value}. {}", setting.key, prose(&setting.sentence));
            text.push_str(&(wrap(&entry, "  ") + "\n"));
        }
    }
    // Rules of a route stand in one line, and its sentence says that they are those of an issuer.
    asked.retain(|path, _| path != "identity" && !path.starts_with("routes.claims."));
    assert_eq!(asked, BTreeMap::new(), "settings without a place in docs/configuration.md");
    text
}

fn tables() -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut current = 0;
    let mut comment: Vec<&str> = Vec::new();
    let uncommented = uncommented();
    for (line, text) in uncommented.lines().enumerate() {
        if let Some(prose) = text.strip_prefix("# ") {
            comment.push(prose);
            continue;
        }
        let sentence = std::mem::take(&mut comment).join(" ");
        if text.starts_with('[') {
            current = tables.iter().position(|table| table.header == text).unwrap_or(tables.len());
            if current == tables.len() {
                tables.push(Table { header: text.to_owned(), sentence, settings: Vec::new() });
            }
        } else if let Some((key, value)) = text.split_once(" = ") {
            let settings = &mut tables[current].settings;
            if settings.iter().all(|setting| setting.key != key) {
                settings.push(Setting { key: key.to_owned(), value: value.to_owned(), sentence, line });
            }
        }
    }
    tables
}

/// What may stand at a setting. Its sentence has to name every choice that the reader knows, so that they stand once.
fn shown(kind: &str, setting: &Setting) -> String {
    let Some(choices) = kind.strip_prefix("one of ") else { return prose(kind) };
    for choice in choices.split(", ").map(|choice| choice.replace('`', "\"")) {
        let names = setting.sentence.contains(&choice);
        assert!(names, "config.example.toml does not name the choice {choice} of `{}`", setting.key);
    }
    "a choice".to_owned()
}

/// Whether the value that the example shows is the default: it is if the configuration means the same without it.
fn value(setting: &Setting, whole: &str) -> String {
    // What depends on the machine, or on other settings, the sentence says better.
    let is_told = setting.sentence.contains("default") || setting.sentence.contains("Required");
    let without: Vec<String> = uncommented()
        .lines()
        .enumerate()
        .map(|(line, text)| if line == setting.line { String::new() } else { text.to_owned() })
        .collect();
    let is_default = !is_told && config(&without.join("\n")).as_deref() == Some(whole);
    format!("{} `{}`", if is_default { "default" } else { "for example" }, setting.value)
}

/// What a configuration means, if it is one.
fn config(text: &str) -> Option<String> {
    let folder = folder();
    let config = parse(text, &folder.path().join("config.toml"), &Overrides::default(), environment()).ok()?;
    let config = format!("{:?}", Config { warnings: Vec::new(), ..config });
    Some(config.replace(&folder.path().display().to_string(), ""))
}

/// A sentence as Markdown: what stands between double quotes is code, and nothing else means anything but itself.
fn prose(sentence: &str) -> String {
    let mut text = String::new();
    for (index, part) in sentence.split('`').enumerate() {
        if index % 2 == 1 {
            text.push_str(&format!("`{part}`"));
            continue;
        }
        for (index, part) in part.split('"').enumerate() {
            match index % 2 {
                1 => text.push_str(&format!("`\"{part}\"`")),
                _ => text.push_str(&part.replace('*', "\\*").replace('<', "&lt;")),
            }
        }
    }
    text
}

/// Breaks a paragraph into lines, all but the first of which begin with `indent`.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.chars().count() + word.chars().count() >= WIDTH && !line.trim().is_empty() {
            lines.push(format!("{indent}{word}"));
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{space}{word}"));
        }
    }
    lines.join("\n")
}
