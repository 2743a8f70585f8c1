//! Tables: operations and the constraints of their inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::{Kind, Model, Shape};
use super::{HEADER, names};

/// The files of one service's tables, by their name below the service's folder.
pub(super) fn files(model: &Model) -> Result<BTreeMap<String, String>, String> {
    let files = [("operation_table.rs", operations(model)), ("shape_table.rs", shapes(model)?)];
    Ok(files.map(|(name, text)| (name.to_owned(), text)).into())
}

fn operations(model: &Model) -> String {
    let service = &model.service;
    let mut text = format!(
        "{HEADER}//! The operations of `{service}`.\n\n\
         use super::shape_table as shapes;\n\
         use crate::service::{{OperationInfo, Service}};\n\n\
         /// The XML namespace.\npub(crate) const NAMESPACE: &str = {:?};\n\
         /// The API version.\npub(crate) const VERSION: &str = {:?};\n\n\
         /// The operations, sorted by name.\n\
         pub(crate) static OPERATIONS: &[OperationInfo] = &[\n",
        model.namespace, model.version
    );
    for (name, operation) in &model.operations {
        let input = operation.input.as_deref().map(names::constant);
        let input = input.map_or("None".to_owned(), |input| format!("Some(&shapes::{input})"));
        let _ = write!(
            text,
            "OperationInfo::new(Service::{}, {name:?}, {input})",
            names::type_name(service)
        );
        if operation.output.is_none() {
            text.push_str(".without_output()");
        }
        if operation.unsigned {
            text.push_str(".unsigned()");
        }
        text.push_str(",\n");
    }
    text.push_str("];\n");
    text
}

fn shapes(model: &Model) -> Result<String, String> {
    let names = model.input_shapes();
    let constants: BTreeSet<String> = names.iter().map(|name| names::constant(name)).collect();
    if constants.len() != names.len() {
        return Err(format!("two shapes of `{}` have one name", model.service));
    }
    let mut body = String::new();
    for name in names {
        let shape = model.shapes.get(name).ok_or_else(|| format!("there is no shape `{name}`"))?;
        let _ =
            writeln!(body, "pub(super) static {}: Shape = {};", names::constant(name), row(shape));
    }
    let used = ["Text", "Pattern", "optional", "required"];
    let used = used.into_iter().filter(|name| {
        [" ", "(", "["].iter().any(|before| {
            ["(", " {", "::"].iter().any(|after| body.contains(&format!("{before}{name}{after}")))
        })
    });
    let used: Vec<&str> = std::iter::once("Shape").chain(used).collect();
    Ok(format!(
        "{HEADER}//! The shapes that inputs of `{}` lead to, with their constraints.\n\n\
         use crate::constraint::shape::{{{}}};\n\n{body}",
        model.service,
        used.join(", ")
    ))
}

fn row(shape: &Shape) -> String {
    let bounds = format!("min: {:?}, max: {:?}", shape.min, shape.max);
    match &shape.kind {
        Kind::Structure(members) => {
            let rows = members.iter().map(|member| {
                let function = if member.required { "required" } else { "optional" };
                format!("{function}({:?}, &{}),", member.name, names::constant(&member.shape))
            });
            format!("Shape::Structure(&[{}])", rows.collect::<String>())
        }
        Kind::List(member) => {
            format!("Shape::List {{ member: &{}, {bounds} }}", names::constant(member))
        }
        Kind::Map(key, value) => format!(
            "Shape::Map {{ key: &{}, value: &{}, {bounds} }}",
            names::constant(key),
            names::constant(value)
        ),
        Kind::String => {
            let pattern = shape.pattern.as_ref();
            let pattern = pattern.map_or("None".to_owned(), |pattern| {
                format!("Some(Pattern::new({}))", raw(pattern))
            });
            let (values, sensitive) = (&shape.values, shape.sensitive);
            format!(
                "Shape::Text(Text {{ {bounds}, pattern: {pattern}, values: &{values:?}, sensitive: {sensitive} }})"
            )
        }
        Kind::Integer => format!("Shape::Integer {{ {bounds} }}"),
        Kind::Long => format!("Shape::Long {{ {bounds} }}"),
        Kind::Boolean => "Shape::Boolean".to_owned(),
        Kind::Timestamp => "Shape::Timestamp".to_owned(),
        Kind::Blob => format!("Shape::Blob {{ {bounds} }}"),
    }
}

fn raw(text: &str) -> String {
    if text.contains('"') { format!("{text:?}") } else { format!("r\"{text}\"") }
}
