//! Rust types of one service: requests, responses, the structures and enums they lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::{Kind, Member, Model};
use super::{HEADER, names};

/// The files of one service's types, by their name below the service's folder.
pub(super) fn files(model: &Model) -> Result<BTreeMap<String, String>, String> {
    let mut requests = File::new(format!("Inputs of the operations of `{}`.", model.service));
    let mut responses = File::new(format!("Outputs of the operations of `{}`.", model.service));
    let mut of_operations = BTreeSet::new();
    for (name, operation) in &model.operations {
        let input = operation.input.as_deref();
        let title = format!("Input of `{}:{name}`.", model.service);
        requests.structure(model, &title, &format!("{name}Request"), input, Reach::INPUT)?;
        of_operations.extend(input);
        if let Some(output) = operation.output.as_deref() {
            let title = format!("Output of `{}:{name}`.", model.service);
            let name = format!("{name}Response");
            responses.structure(model, &title, &name, Some(output), Reach::OUTPUT)?;
            of_operations.insert(output);
        }
    }
    let (inputs, outputs) = (model.input_shapes(), model.output_shapes());
    let mut structures =
        File::new(format!("Structures inside inputs and outputs of `{}`.", model.service));
    let mut enums = File::new(format!("Values that members of `{}` may have.", model.service));
    for name in inputs.union(&outputs).filter(|name| !of_operations.contains(*name)) {
        let Some(shape) = model.shapes.get(*name) else {
            continue;
        };
        let reach = Reach { input: inputs.contains(name), output: outputs.contains(name) };
        match &shape.kind {
            Kind::Structure(_) => {
                let title = format!("The structure `{name}`.");
                structures.structure(model, &title, &names::type_name(name), Some(name), reach)?;
            }
            Kind::String if model.is_enum(name) => enums.enumeration(name, &shape.values),
            Kind::String
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Integer
            | Kind::Long
            | Kind::Boolean
            | Kind::Timestamp
            | Kind::Blob => {}
        }
    }
    let mut files = BTreeMap::from([("operations".to_owned(), operations_macro(model))]);
    let of_types = [
        ("requests", requests),
        ("responses", responses),
        ("structures", structures),
        ("enums", enums),
    ];
    let of_types = of_types.into_iter().filter(|(_, file)| !file.body.is_empty());
    files.extend(of_types.map(|(name, file)| (name.to_owned(), file.text())));
    let root = root(model, files.keys());
    files.insert("mod".to_owned(), root);
    Ok(files.into_iter().map(|(name, text)| (format!("{name}.rs"), text)).collect())
}

/// From where a shape is reached.
#[derive(Clone, Copy)]
struct Reach {
    input: bool,
    output: bool,
}

impl Reach {
    const INPUT: Reach = Reach { input: true, output: false };
    const OUTPUT: Reach = Reach { input: false, output: true };
}

/// A file in the making: its items, and what they import.
struct File {
    title: String,
    imports: BTreeSet<String>,
    /// The types that it defines.
    own: BTreeSet<String>,
    body: String,
}

impl File {
    fn new(title: String) -> File {
        File { title, imports: BTreeSet::new(), own: BTreeSet::new(), body: String::new() }
    }

    fn text(self) -> String {
        let mut text = format!("{HEADER}//! {}\n\n", self.title);
        // Outer crates first; rustfmt sorts within a group.
        for root in ["std", "serde", "crate", "super"] {
            let imports = self.imports.iter().filter_map(|import| import.strip_prefix(root));
            let imports = imports.filter_map(|import| import.strip_prefix("::"));
            let imports: Vec<&str> = imports.filter(|import| !self.own.contains(*import)).collect();
            if !imports.is_empty() {
                let _ = writeln!(text, "use {root}::{{{}}};\n", imports.join(", "));
            }
        }
        text + &self.body
    }

    fn structure(
        &mut self,
        model: &Model,
        title: &str,
        name: &str,
        shape: Option<&str>,
        reach: Reach,
    ) -> Result<(), String> {
        let members = shape.map_or(&[][..], |shape| model.members(shape));
        let (derives, of_round_trip) = match (reach.input, reach.output) {
            (true, true) => ("Deserialize, Serialize", None),
            (true, false) => ("Deserialize", Some("Serialize")),
            (false, _) => ("Serialize", Some("Deserialize")),
        };
        for derive in derives.split(", ") {
            self.imports.insert(format!("serde::{derive}"));
        }
        let default = shape.is_none_or(|shape| model.has_default(shape));
        let default = if default && reach.output { ", Default" } else { "" };
        let _ = writeln!(
            self.body,
            "/// {title}\n#[derive(Debug, Clone, PartialEq, {derives}{default})]"
        );
        if let Some(derive) = of_round_trip {
            let _ = writeln!(
                self.body,
                "#[cfg_attr(feature = \"round-trip\", derive(serde::{derive}))]"
            );
        }
        self.own.insert(name.to_owned());
        let _ = writeln!(self.body, "pub struct {name} {{");
        for member in members {
            self.field(model, member, reach)?;
        }
        self.body.push_str("}\n\n");
        Ok(())
    }

    fn field(&mut self, model: &Model, member: &Member, reach: Reach) -> Result<(), String> {
        let of = self.rust_type(model, &member.shape)?;
        let (of, skip) = match (member.required, reach.output) {
            (true, _) => (of, ""),
            (false, true) => {
                (format!("Option<{of}>"), ", skip_serializing_if = \"Option::is_none\"")
            }
            (false, false) => (format!("Option<{of}>"), ""),
        };
        let _ = writeln!(self.body, "/// `{}`", member.name);
        let _ = writeln!(self.body, "#[serde(rename = \"{}\"{skip})]", member.name);
        let _ = writeln!(self.body, "pub {}: {of},", names::field(&member.name));
        Ok(())
    }

    fn rust_type(&mut self, model: &Model, name: &str) -> Result<String, String> {
        let shape = model.shapes.get(name).ok_or_else(|| format!("there is no shape `{name}`"))?;
        let (of, import) = match &shape.kind {
            Kind::Structure(_) => {
                let of = names::type_name(name);
                (of.clone(), Some(format!("super::{of}")))
            }
            Kind::List(member) => (format!("Vec<{}>", self.rust_type(model, member)?), None),
            // Keys of maps are kept as text, enums too: new ones come with new releases.
            Kind::Map(_, value) => (
                format!("BTreeMap<String, {}>", self.rust_type(model, value)?),
                Some("std::collections::BTreeMap".to_owned()),
            ),
            Kind::String if !shape.values.is_empty() => {
                let of = names::type_name(name);
                (of.clone(), Some(format!("super::{of}")))
            }
            Kind::String if shape.sensitive => named("Secret"),
            Kind::String => ("String".to_owned(), None),
            Kind::Integer => ("i32".to_owned(), None),
            Kind::Long => ("i64".to_owned(), None),
            Kind::Boolean => ("bool".to_owned(), None),
            Kind::Timestamp => named("Timestamp"),
            Kind::Blob => named("Blob"),
        };
        self.imports.extend(import);
        Ok(of)
    }

    fn enumeration(&mut self, shape: &str, values: &[String]) {
        self.imports.insert("crate::enumeration::wire_enum".to_owned());
        let name = names::type_name(shape);
        let _ =
            writeln!(self.body, "wire_enum! {{\n    /// The values of `{shape}`.\n    {name} {{");
        for value in values {
            let _ = writeln!(self.body, "        {} = {value:?},", names::variant(value));
        }
        self.body.push_str("    }\n}\n\n");
    }
}

fn named(name: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(format!("crate::{name}")))
}

fn operations_macro(model: &Model) -> String {
    let service = &model.service;
    let mut text = format!(
        "{HEADER}//! The operations of `{service}`, for macros.\n\n\
         /// Calls a macro with every operation of `{service}`, its request and its response type.\n\
         ///\n\
         /// The callback gets `Operation => OperationRequest, OperationResponse;` for each; operations\n\
         /// without output have `NoOutput`. All of the types are in the module of the service.\n\
         #[macro_export]\nmacro_rules! {service}_operations {{\n    ($callback:path) => {{\n        $callback! {{\n"
    );
    for (name, operation) in &model.operations {
        let response = match operation.output {
            Some(_) => format!("{name}Response"),
            None => "NoOutput".to_owned(),
        };
        let _ = writeln!(text, "            {name} => {name}Request, {response};");
    }
    text.push_str("        }\n    };\n}\n");
    text
}

fn root<'a>(model: &Model, modules: impl Iterator<Item = &'a String> + Clone) -> String {
    let mut text = format!(
        "{HEADER}//! Types of the service `{}`, version {}.\n\n",
        model.service, model.version
    );
    text.push_str("pub(crate) mod operation_table;\nmod shape_table;\n");
    for module in modules.clone() {
        let _ = writeln!(text, "mod {module};");
    }
    text.push_str("\npub use crate::NoOutput;\n");
    for module in modules.filter(|module| *module != "operations") {
        let _ = writeln!(text, "pub use {module}::*;");
    }
    text
}
