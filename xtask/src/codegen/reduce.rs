//! Service models of a botocore release, reduced to facts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use super::routes;

/// The release that the models come from; raised on purpose.
pub(super) const BOTOCORE_VERSION: &str = "1.44.5";

/// What is kept of an operation, a shape and a member; everything else is documentation.
const KEPT: [&str; 21] = [
    "type",
    "members",
    "required",
    "member",
    "key",
    "value",
    "shape",
    "min",
    "max",
    "pattern",
    "enum",
    "sensitive",
    "error",
    "exception",
    "code",
    "httpStatusCode",
    "input",
    "output",
    "errors",
    "resultWrapper",
    "unsigned",
];

/// Traits that change the wire form; IAM and STS use none, and the codecs know none.
const NOT_SUPPORTED: [&str; 6] =
    ["flattened", "locationName", "xmlNamespace", "xmlAttribute", "timestampFormat", "queryName"];

/// Widest line of a model file.
const LINE_WIDTH_MAX: usize = 100;

/// Downloads the release and writes `models/*.json`.
pub(super) fn update(root: &Path, services: &[(&str, &str)]) -> Result<(), String> {
    let folder = root.join("target/botocore");
    let _ = fs::remove_dir_all(&folder);
    let package = format!("botocore=={BOTOCORE_VERSION}");
    let target = folder.to_string_lossy().into_owned();
    python(&["-m", "pip", "download", "--quiet", "--no-deps", "--dest", &target, &package])?;
    let wheel = folder.join(format!("botocore-{BOTOCORE_VERSION}-py3-none-any.whl"));
    python(&["-m", "zipfile", "-e", &wheel.to_string_lossy(), &target])?;
    for (service, version) in services {
        let model = unpacked(&folder, service, version)?;
        write(&root.join(format!("models/{service}.json")), &reduced(&model)?)?;
    }
    for (service, version) in routes::SERVICES {
        let model = unpacked(&folder, service, version)?;
        let source = format!("botocore {BOTOCORE_VERSION}");
        let path = root.join(format!("models/{service}.routes.json"));
        write(&path, &routes::reduced(&model, &source)?)?;
    }
    Ok(())
}

/// A model of the release.
fn unpacked(folder: &Path, service: &str, version: &str) -> Result<Value, String> {
    let packed = folder.join(format!("botocore/data/{service}/{version}/service-2.json.gz"));
    python(&["-m", "gzip", "-d", &packed.to_string_lossy()])?;
    let text = fs::read_to_string(packed.with_extension(""))
        .map_err(|error| format!("{}: {error}", packed.display()))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn write(path: &Path, facts: &Value) -> Result<(), String> {
    let mut text = String::new();
    lay_out(facts, 0, &mut text);
    text.push('\n');
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn python(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("python3").args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("python3 {}: {status}", arguments.join(" "))),
        Err(error) => Err(format!("python3: {error}")),
    }
}

fn reduced(model: &Value) -> Result<Value, String> {
    let part = |name: &str| model.get(name).ok_or_else(|| format!("the model has no `{name}`"));
    let metadata = part("metadata")?;
    let mut facts = Map::new();
    facts.insert("source".to_owned(), Value::from(format!("botocore {BOTOCORE_VERSION}")));
    for name in ["apiVersion", "xmlNamespace", "endpointPrefix"] {
        let value = metadata.get(name).cloned().unwrap_or_default();
        facts.insert(name.to_owned(), value);
    }
    for name in ["operations", "shapes"] {
        let entries = part(name)?.as_object().ok_or("the model is not as expected")?;
        let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
        let mut kept = Map::new();
        for (name, value) in sorted {
            kept.insert(name.clone(), facts_of(value, 0)?);
        }
        facts.insert(name.to_owned(), Value::Object(kept));
    }
    Ok(Value::Object(facts))
}

/// Keeps what is a fact. `members` holds names of the service, which are all kept.
fn facts_of(value: &Value, depth: u8) -> Result<Value, String> {
    if depth > 6 {
        return Err("the model is nested too deeply".to_owned());
    }
    Ok(match value {
        Value::Object(map) => {
            if let Some(name) = NOT_SUPPORTED.iter().find(|name| map.contains_key(**name)) {
                return Err(format!("the model uses `{name}`, which the codecs do not know"));
            }
            let mut kept = Map::new();
            for (name, value) in map.iter().filter(|(name, _)| KEPT.contains(&name.as_str())) {
                let value = match (name.as_str(), value) {
                    ("members", Value::Object(members)) => {
                        let members = members
                            .iter()
                            .map(|(name, value)| Ok((name.clone(), facts_of(value, depth + 1)?)));
                        Value::Object(members.collect::<Result<_, String>>()?)
                    }
                    _ => facts_of(value, depth + 1)?,
                };
                kept.insert(name.clone(), value);
            }
            if map.get("authtype").and_then(Value::as_str) == Some("none") {
                kept.insert("unsigned".to_owned(), Value::Bool(true));
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| facts_of(item, depth + 1));
            Value::Array(items.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

/// Writes what fits on one line on one line, so that a change is a few lines of a diff.
fn lay_out(value: &Value, indent: usize, text: &mut String) {
    let line = value.to_string();
    let is_short = indent + line.len() < LINE_WIDTH_MAX;
    match value {
        Value::Object(map) if !is_short => {
            let entries = map.iter().map(|(name, value)| (Some(name), value));
            lay_out_entries(entries, ('{', '}'), indent, text);
        }
        Value::Array(items) if !is_short => {
            lay_out_entries(items.iter().map(|item| (None, item)), ('[', ']'), indent, text);
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => text.push_str(&line),
    }
}

fn lay_out_entries<'a>(
    entries: impl Iterator<Item = (Option<&'a String>, &'a Value)>,
    (open, close): (char, char),
    indent: usize,
    text: &mut String,
) {
    text.push(open);
    for (place, (name, value)) in entries.enumerate() {
        text.push_str(if place == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        if let Some(name) = name {
            text.push_str(&format!("{}: ", Value::from(name.as_str())));
        }
        lay_out(value, indent + 2, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}
