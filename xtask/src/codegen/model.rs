//! A reduced service model, with the corrections of its overlay.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

/// One service.
pub(super) struct Model {
    /// Its signing name, also the name of its module.
    pub(super) service: String,
    pub(super) version: String,
    pub(super) namespace: String,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) shapes: BTreeMap<String, Shape>,
    /// Errors of no operation in particular: code to HTTP status.
    pub(super) common_errors: BTreeMap<String, u16>,
}

pub(super) struct Operation {
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    pub(super) unsigned: bool,
}

pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) sensitive: bool,
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
    pub(super) pattern: Option<String>,
    pub(super) values: Vec<String>,
    /// Wire code and status, if the shape is an error.
    pub(super) error: Option<(String, u16)>,
}

pub(super) enum Kind {
    Structure(Vec<Member>),
    List(String),
    Map(String, String),
    String,
    Integer,
    Long,
    Boolean,
    Timestamp,
    Blob,
}

pub(super) struct Member {
    pub(super) name: String,
    pub(super) shape: String,
    pub(super) required: bool,
}

impl Model {
    /// Reads `models/SERVICE.json` and lays `models/SERVICE.extras.json` over it.
    pub(super) fn read(folder: &Path, service: &str) -> Result<Model, String> {
        let mut facts = read(&folder.join(format!("{service}.json")))?;
        let extras = read(&folder.join(format!("{service}.extras.json")))?;
        for correction in extras.get("corrections").and_then(Value::as_array).into_iter().flatten()
        {
            correct(&mut facts, correction)
                .map_err(|error| format!("models/{service}.extras.json: {error}"))?;
        }
        let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
        let missing = || format!("models/{service}.json is not as expected");
        let mut shapes = BTreeMap::new();
        for (name, value) in object(&facts, "shapes").ok_or_else(missing)? {
            shapes.insert(name.clone(), shape(name, value)?);
        }
        let mut operations = BTreeMap::new();
        for (name, value) in object(&facts, "operations").ok_or_else(missing)? {
            operations.insert(name.clone(), operation(value));
        }
        let mut common_errors = BTreeMap::new();
        for (code, value) in object(&extras, "errors").into_iter().flatten() {
            let status = value.get("status").and_then(Value::as_u64).ok_or_else(missing)?;
            common_errors.insert(code.clone(), u16::try_from(status).map_err(|_| missing())?);
        }
        Ok(Model {
            service: service.to_owned(),
            version: text("apiVersion").ok_or_else(missing)?,
            namespace: text("xmlNamespace").ok_or_else(missing)?,
            operations,
            shapes,
            common_errors,
        })
    }

    /// The shapes that inputs lead to.
    pub(super) fn input_shapes(&self) -> BTreeSet<&str> {
        self.reach(self.operations.values().filter_map(|operation| operation.input.as_deref()))
    }

    /// The shapes that outputs lead to.
    pub(super) fn output_shapes(&self) -> BTreeSet<&str> {
        self.reach(self.operations.values().filter_map(|operation| operation.output.as_deref()))
    }

    /// The members of a structure; none for other shapes.
    pub(super) fn members(&self, shape: &str) -> &[Member] {
        match self.shapes.get(shape).map(|shape| &shape.kind) {
            Some(Kind::Structure(members)) => members,
            Some(_) | None => &[],
        }
    }

    /// Whether a type comes from the shape's values. Enums that are only keys of maps are kept as
    /// text.
    pub(super) fn is_enum(&self, name: &str) -> bool {
        let has_values = self.shapes.get(name).is_some_and(|shape| !shape.values.is_empty());
        has_values
            && self.shapes.values().any(|shape| match &shape.kind {
                Kind::Structure(members) => members.iter().any(|member| member.shape == name),
                Kind::List(member) => member == name,
                Kind::Map(_, value) => value == name,
                Kind::String
                | Kind::Integer
                | Kind::Long
                | Kind::Boolean
                | Kind::Timestamp
                | Kind::Blob => false,
            })
    }

    /// Whether a shape has a default: a required enum anywhere inside stands against it.
    pub(super) fn has_default(&self, shape: &str) -> bool {
        let mut open = vec![shape];
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(shape) = self.shapes.get(name) else {
                return false;
            };
            if !shape.values.is_empty() {
                return false;
            }
            let required = self.members(name).iter().filter(|member| member.required);
            open.extend(required.map(|member| member.shape.as_str()));
        }
        true
    }

    fn reach<'a>(&'a self, from: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut open: Vec<&str> = from.collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !reached.insert(name) {
                continue;
            }
            match self.shapes.get(name).map(|shape| &shape.kind) {
                Some(Kind::Structure(members)) => {
                    open.extend(members.iter().map(|member| member.shape.as_str()));
                }
                Some(Kind::List(member)) => open.push(member),
                Some(Kind::Map(key, value)) => open.extend([key.as_str(), value.as_str()]),
                Some(
                    Kind::String
                    | Kind::Integer
                    | Kind::Long
                    | Kind::Boolean
                    | Kind::Timestamp
                    | Kind::Blob,
                )
                | None => {}
            }
        }
        reached
    }
}

fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Lays one correction of the overlay over the facts: `set` at the JSON pointer `at`, because of
/// `reason`. What it replaces must be there, as `was`, so that a correction that a new release makes
/// superfluous is noticed.
fn correct(facts: &mut Value, correction: &Value) -> Result<(), String> {
    let text = |name: &str| correction.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let at = text("at").ok_or("a correction has no `at`")?;
    text("reason").ok_or_else(|| format!("the correction at `{at}` has no `reason`"))?;
    let set =
        correction.get("set").ok_or_else(|| format!("the correction at `{at}` has no `set`"))?;
    let was = correction.get("was").unwrap_or(&Value::Null);
    let (parent, name) = at.rsplit_once('/').ok_or_else(|| format!("`{at}` is no JSON pointer"))?;
    let parent = facts.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.ok_or_else(|| format!("there is nothing at `{at}`"))?;
    if parent.get(name).unwrap_or(&Value::Null) != was {
        return Err(format!("what is at `{at}` is not what was corrected: look at it anew"));
    }
    parent.insert(name.to_owned(), set.clone());
    Ok(())
}

fn object<'a>(value: &'a Value, name: &str) -> Option<&'a Map<String, Value>> {
    value.get(name).and_then(Value::as_object)
}

fn operation(value: &Value) -> Operation {
    let shape = |name: &str| {
        let shape = value.get(name).and_then(|reference| reference.get("shape"));
        shape.and_then(Value::as_str).map(str::to_owned)
    };
    Operation {
        input: shape("input"),
        output: shape("output"),
        unsigned: value.get("unsigned").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn shape(name: &str, value: &Value) -> Result<Shape, String> {
    let reference = |member: &str| {
        let shape = value.get(member).and_then(|reference| reference.get("shape"));
        let shape = shape.and_then(Value::as_str).map(str::to_owned);
        shape.ok_or_else(|| format!("shape `{name}` has no `{member}`"))
    };
    let kind = match value.get("type").and_then(Value::as_str).unwrap_or_default() {
        "structure" => Kind::Structure(members(value)),
        "list" => Kind::List(reference("member")?),
        "map" => Kind::Map(reference("key")?, reference("value")?),
        "string" => Kind::String,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp,
        "blob" => Kind::Blob,
        other => return Err(format!("shape `{name}` is of the unknown type `{other}`")),
    };
    let strings = |name: &str| -> Vec<String> {
        let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Ok(Shape {
        kind,
        sensitive: value.get("sensitive").and_then(Value::as_bool).unwrap_or(false),
        min: value.get("min").and_then(Value::as_i64),
        max: value.get("max").and_then(Value::as_i64),
        pattern: value.get("pattern").and_then(Value::as_str).map(str::to_owned),
        values: strings("enum"),
        error: error(name, value)?,
    })
}

fn members(value: &Value) -> Vec<Member> {
    let required = value.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
    let members = object(value, "members").into_iter().flatten();
    members
        .map(|(name, member)| Member {
            name: name.clone(),
            shape: member.get("shape").and_then(Value::as_str).unwrap_or_default().to_owned(),
            required: required.contains(&name.as_str()),
        })
        .collect()
}

/// The shape name is the code where the model gives none.
fn error(name: &str, value: &Value) -> Result<Option<(String, u16)>, String> {
    if value.get("exception").is_none() {
        return Ok(None);
    }
    let error = value.get("error");
    let code = error.and_then(|error| error.get("code")).and_then(Value::as_str).unwrap_or(name);
    let status = error.and_then(|error| error.get("httpStatusCode")).and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or_else(|| format!("the error `{name}` has no HTTP status"))?;
    Ok(Some((code.to_owned(), status)))
}
