//! The whole effective configuration as TOML: the output of `bearward check --show`. It is itself a configuration, and it
//! means the same as the original if no URL has a query; queries may hold keys and are not shown.

mod defaults;

use std::collections::BTreeMap;

use bearward_core::KeySet;
use figment::value::{Dict, Value};
use serde_json::value::RawValue;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table};

use super::Config;
use super::layers::Layers;
use super::location::Layer;
use super::redact::without_queries;

/// The sections, in the order of `config.example.toml`.
const SECTIONS: [&str; 9] =
    ["server", "admin", "log", "cache", "identity", "issuers", "upstreams", "scope_implications", "routes"];

/// The keys that identify a table come first in it.
const FIRST: [&str; 4] = ["issuer", "name", "path", "claim"];

/// Every setting with its effective value; those from a preset are marked. Of secrets, only the names of their files and
/// variables are shown.
pub(super) fn show(config: &Config, layers: &Layers) -> String {
    let mut values = layers.values();
    defaults::add(&mut values, config);
    let mut document = DocumentMut::new();
    let writer = Writer { layers, provider: None };
    for section in SECTIONS {
        match values.get(section) {
            Some(Value::Dict(_, values)) => drop(document.insert(section, Item::Table(writer.table(values)))),
            Some(Value::Array(_, tables)) => {
                let tables: ArrayOfTables = tables.iter().filter_map(Value::as_dict).map(|t| writer.entry(t)).collect();
                document.insert(section, Item::ArrayOfTables(tables));
            }
            _ => {}
        }
    }
    document.to_string().trim_start().to_owned()
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    layers: &'a Layers,
    /// The provider whose preset is below the values.
    provider: Option<&'a str>,
}

impl<'a> Writer<'a> {
    /// A table of a list. If it is an issuer, it may have a preset.
    fn entry(self, values: &'a Dict) -> Table {
        Self { provider: values.get("provider").and_then(Value::as_str), ..self }.table(values)
    }

    fn table(self, values: &Dict) -> Table {
        let mut table = Table::new();
        // A table that holds only tables needs no header of its own.
        table.set_implicit(true);
        let mut keys: Vec<_> = values.iter().collect();
        keys.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
        for (key, value) in keys {
            match value {
                Value::Dict(_, values) => drop(table.insert(key, Item::Table(self.table(values)))),
                // No other table has a key of this name.
                Value::String(_, text) if key == "jwks" => {
                    drop(usable_keys(text).map(|keys| table.insert(key, toml_edit::value(keys))));
                }
                value => drop(self.value(value).map(|value| table.insert(key, Item::Value(value)))),
            }
        }
        table
    }

    fn value(self, value: &Value) -> Option<toml_edit::Value> {
        let mut written = plain(value)?;
        if value.as_str().is_some_and(|text| without_queries(text) != text) {
            written.decor_mut().set_suffix(" # its query is not shown");
            return Some(written);
        }
        let is_preset = |value: &Value| self.layers.layer(value) == Layer::Preset;
        // Rules of the file and of the preset hold together.
        let in_part = value.as_array().is_some_and(|values| values.iter().any(is_preset));
        let remark = match is_preset(value) {
            true => "from provider",
            false if in_part => "in part from provider",
            false => return Some(written),
        };
        if let Some(provider) = self.provider {
            written.decor_mut().set_suffix(format!(" # {remark} \"{provider}\""));
        }
        Some(written)
    }
}

/// The keys of a JWK set that are used. A key that is skipped may be a private key of an unknown type, which must not be
/// shown.
fn usable_keys(set: &str) -> Option<String> {
    let mut set: BTreeMap<String, Box<RawValue>> = serde_json::from_str(set).ok()?;
    let keys: Vec<Box<RawValue>> = serde_json::from_str(set.remove("keys")?.get()).ok()?;
    let set_of = |keys: &[&str]| format!("{{\"keys\":[{}]}}", keys.join(","));
    let is_used = |key: &&str| KeySet::parse(set_of(&[key]).as_bytes()).is_ok_and(|set| !set.is_empty());
    let used: Vec<&str> = keys.iter().map(|key| key.get()).filter(is_used).collect();
    Some(set_of(&used))
}

/// `None` for types that no setting has: dates and fractions.
fn plain(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::String(_, text) => without_queries(text).into(),
        Value::Bool(_, truth) => (*truth).into(),
        Value::Num(_, number) => i64::try_from(number.to_i128()?).ok()?.into(),
        Value::Array(_, values) => values.iter().filter_map(plain).collect::<Array>().into(),
        Value::Dict(_, values) => {
            let values = values.iter().filter_map(|(key, value)| Some((key.as_str(), plain(value)?)));
            values.collect::<InlineTable>().into()
        }
        Value::Char(..) | Value::Empty(..) => return None,
    })
}
