//! The layers of the configuration: presets, the file, the environment above it, the flags on top.
//!
//! Each value keeps the tag of its layer, so that a problem is reported where the author can fix it.

use std::collections::BTreeMap;

use figment::value::{Dict, Empty, Map, Num, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};
use toml_edit::Item;

use super::Overrides;
use super::location::{Diagnostic, Layer, LocatedDiagnostic, Location, PREFIX, Step};
use super::provider;
use super::source::SourceFile;
use super::suggest;

/// The sections that the environment and flags can set: those that exist once and hold simple values.
const SIMPLE: &[&str] = &["server", "admin", "log", "cache"];

/// The sections that only the file can hold.
const FILE_ONLY: &[&str] = &["identity", "issuers", "upstreams", "routes", "scope_implications"];

/// Merges all layers, and reports variables with unknown names.
pub(super) fn merge(
    source: &SourceFile,
    environment: &BTreeMap<String, String>,
    overrides: &Overrides,
) -> (Layers, Vec<LocatedDiagnostic>) {
    let file = file_values(source);
    let mut diagnostics = Vec::new();
    let mut environment = environment_values(environment, &mut diagnostics);
    let mut flags = flag_values(overrides);
    for (section, value) in &file {
        // A section that is not a table would be replaced by the table of a higher layer, and its mistake never reported.
        if !matches!(value, Value::Dict(..)) {
            environment.remove(section);
            flags.remove(section);
        }
    }
    let figment = Figment::new()
        .merge(Values { layer: Layer::File, values: file })
        .merge(Values { layer: Layer::Environment, values: environment })
        .merge(Values { layer: Layer::Flags, values: flags });
    let presets = Figment::new().merge(Values { layer: Layer::Preset, values: preset_values() });
    (Layers { figment, presets }, diagnostics)
}

/// The merged values, each with its layer.
#[derive(Debug)]
pub(super) struct Layers {
    figment: Figment,
    /// What each provider's preset sets, by its name.
    presets: Figment,
}

impl Layers {
    /// The merged values. Issuers are a list, and figment replaces lists whole, so the preset of each is merged here.
    pub(super) fn values(&self) -> Dict {
        let mut values = data(&self.figment);
        let presets = data(&self.presets);
        let Some(Value::Array(_, issuers)) = values.get_mut("issuers") else { return values };
        for issuer in issuers {
            let Value::Dict(_, issuer) = issuer else { continue };
            let preset = issuer.get("provider").and_then(Value::as_str).and_then(|name| presets.get(name));
            if let Some(Value::Dict(_, preset)) = preset {
                put_below(issuer, preset);
            }
        }
        values
    }

    /// The layer that a value comes from.
    pub(super) fn layer(&self, value: &Value) -> Layer {
        match self.figment.get_metadata(value.tag()).map(|metadata| metadata.name.as_ref()) {
            Some(ENVIRONMENT) => Layer::Environment,
            Some(FLAGS) => Layer::Flags,
            None if self.presets.get_metadata(value.tag()).is_some() => Layer::Preset,
            _ => Layer::File,
        }
    }
}

const PRESET: &str = "preset";
const FILE: &str = "file";
const ENVIRONMENT: &str = "environment";
const FLAGS: &str = "flags";

struct Values {
    layer: Layer,
    values: Dict,
}

impl Provider for Values {
    fn metadata(&self) -> Metadata {
        Metadata::named(match self.layer {
            Layer::Preset => PRESET,
            Layer::File => FILE,
            Layer::Environment => ENVIRONMENT,
            Layer::Flags => FLAGS,
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Adds missing keys, recursively in tables. A list that is present stays as it is, except for rules that must all hold: an
/// author who adds a rule does not mean to remove the preset's.
fn put_below(values: &mut Dict, preset: &Dict) {
    for (key, preset) in preset {
        match (values.get_mut(key), preset) {
            (Some(Value::Array(_, rules)), Value::Array(_, preset)) if key == "required_claims" => {
                // The file may hold the same rule, as the output of `check --show` does.
                let missing: Vec<Value> = preset.iter().filter(|rule| !rules.contains(rule)).cloned().collect();
                rules.extend(missing);
            }
            (None, _) => drop(values.insert(key.clone(), preset.clone())),
            (Some(Value::Dict(_, values)), Value::Dict(_, preset)) => put_below(values, preset),
            (Some(_), _) => {}
        }
    }
}

fn data(figment: &Figment) -> Dict {
    // Our own figment providers cannot fail, so there is nothing to report here.
    figment.data().ok().and_then(|mut data| data.remove(&Profile::Default)).unwrap_or_default()
}

/// The values of each preset. The texts are our own, and a test reads them all.
fn preset_values() -> Dict {
    let preset = |provider: provider::Provider| {
        let document = toml_edit::Document::parse(provider.settings()).ok()?;
        Some((provider.name().to_owned(), value_of(document.as_item())))
    };
    provider::Provider::ALL.into_iter().filter_map(preset).collect()
}

/// The file's values, taken from the same parse that gives the positions: two TOML parsers could disagree.
fn file_values(source: &SourceFile) -> Dict {
    match value_of(source.document().as_item()) {
        Value::Dict(_, values) => values,
        _ => Dict::new(),
    }
}

fn value_of(item: &Item) -> Value {
    let tag = Tag::Default;
    if let Some(table) = item.as_table_like() {
        return Value::Dict(tag, table.iter().map(|(key, item)| (key.to_owned(), value_of(item))).collect());
    }
    match item {
        Item::ArrayOfTables(tables) => {
            Value::Array(tag, tables.iter().map(|table| value_of(&Item::Table(table.clone()))).collect())
        }
        Item::Value(toml_edit::Value::Array(values)) => {
            Value::Array(tag, values.iter().map(|value| value_of(&Item::Value(value.clone()))).collect())
        }
        Item::Value(toml_edit::Value::String(text)) => Value::String(tag, text.value().clone()),
        Item::Value(toml_edit::Value::Integer(number)) => Value::Num(tag, Num::I64(*number.value())),
        Item::Value(toml_edit::Value::Float(number)) => Value::Num(tag, Num::F64(*number.value())),
        Item::Value(toml_edit::Value::Boolean(boolean)) => Value::Bool(tag, *boolean.value()),
        // No setting is a date, so its value does not matter. Tables are dealt with above.
        Item::Value(toml_edit::Value::Datetime(_) | toml_edit::Value::InlineTable(_)) | Item::Table(_) | Item::None => {
            Value::Empty(tag, Empty::Unit)
        }
    }
}

/// The values of `BEARWARD_SECTION__KEY`.
///
/// They stay strings, because only the setting knows its type: a text that looks like a number may be a realm. Names
/// without `__` belong to the command line, or to Kubernetes, which announces a service called `bearward` as
/// `BEARWARD_PORT` and the like.
fn environment_values(environment: &BTreeMap<String, String>, diagnostics: &mut Vec<LocatedDiagnostic>) -> Dict {
    let mut sections = Dict::new();
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) else { continue };
        let keys: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        match keys.as_slice() {
            [section, key] if SIMPLE.contains(&section.as_str()) => insert(&mut sections, section, key, text(value)),
            keys => {
                let steps = keys.iter().cloned().map(Step::Key).collect();
                let location = Location { path: steps, layer: Layer::Environment, ..Location::root() };
                diagnostics.push(LocatedDiagnostic::error(&location, unknown_variable(keys)));
            }
        }
    }
    sections
}

fn unknown_variable(keys: &[String]) -> Diagnostic {
    let section = keys.first().map(String::as_str).unwrap_or_default();
    if FILE_ONLY.contains(&section) {
        return Diagnostic::new(format!("only the configuration file can set [{section}]"));
    }
    let diagnostic = Diagnostic::new("no setting has this name");
    let list = SIMPLE.join("`, `").to_ascii_uppercase();
    match (suggest::nearest(section, SIMPLE.iter().copied()), keys) {
        (Some(meant), [_, key]) if meant != section => {
            diagnostic.did_you_mean(Some(format!("{PREFIX}{meant}__{key}").to_ascii_uppercase()))
        }
        _ => diagnostic.hint(format!("variables are {PREFIX}SECTION__KEY, where SECTION is one of `{list}`")),
    }
}

fn flag_values(overrides: &Overrides) -> Dict {
    let values = [
        ("server", "listen", overrides.listen.map(|address| address.to_string())),
        ("admin", "listen", overrides.admin_listen.map(|address| address.to_string())),
        ("log", "level", overrides.log_level.clone()),
        ("log", "format", overrides.log_format.map(|format| format.name().to_owned())),
    ];
    let mut sections = Dict::new();
    for (section, key, value) in values {
        if let Some(value) = value {
            insert(&mut sections, section, key, text(&value));
        }
    }
    sections
}

fn text(value: &str) -> Value {
    Value::String(Tag::Default, value.to_owned())
}

fn insert(sections: &mut Dict, section: &str, key: &str, value: Value) {
    let table = sections.entry(section.to_owned()).or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
    if let Value::Dict(_, table) = table {
        table.insert(key.to_owned(), value);
    }
}
