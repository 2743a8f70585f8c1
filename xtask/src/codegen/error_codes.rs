//! One enum over the errors of all services.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::model::Model;
use super::{HEADER, names};

/// The file of the error codes.
pub(super) fn file(models: &[Model]) -> Result<String, String> {
    let codes = codes(models)?;
    let mut text = format!("{HEADER}//! Error codes of all services, and those common to all.\n\n");
    text.push_str("/// An error code of AWS, with its HTTP status.\n");
    text.push_str("#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n");
    text.push_str("pub enum ErrorCode {\n");
    for (code, status) in &codes {
        let _ = writeln!(text, "/// `{code}`, HTTP {status}.\n{},", names::variant(code));
    }
    text.push_str("}\n\nimpl ErrorCode {\n/// All codes.\npub const ALL: &[ErrorCode] = &[\n");
    for code in codes.keys() {
        let _ = writeln!(text, "ErrorCode::{},", names::variant(code));
    }
    text.push_str("];\n\n/// The code on the wire.\n");
    text.push_str("pub fn code(self) -> &'static str { match self {\n");
    for code in codes.keys() {
        let _ = writeln!(text, "ErrorCode::{} => {code:?},", names::variant(code));
    }
    text.push_str("} }\n\n/// The HTTP status.\npub fn status(self) -> u16 { match self {\n");
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for (code, status) in &codes {
        by_status.entry(*status).or_default().push(format!("ErrorCode::{}", names::variant(code)));
    }
    for (status, variants) in by_status {
        let _ = writeln!(text, "{} => {status},", variants.join(" | "));
    }
    text.push_str("} } }\n");
    Ok(text)
}

fn codes(models: &[Model]) -> Result<BTreeMap<String, u16>, String> {
    let mut codes: BTreeMap<String, u16> = BTreeMap::new();
    for model in models {
        let modelled = model.shapes.values().filter_map(|shape| shape.error.clone());
        let common = model.common_errors.iter().map(|(code, status)| (code.clone(), *status));
        for (code, status) in modelled.chain(common) {
            match codes.insert(code.clone(), status) {
                Some(other) if other != status => {
                    return Err(format!(
                        "the error `{code}` has the statuses {other} and {status}"
                    ));
                }
                Some(_) | None => {}
            }
        }
    }
    let variants: BTreeSet<String> = codes.keys().map(|code| names::variant(code)).collect();
    if variants.len() != codes.len() {
        return Err("two errors have one name".to_owned());
    }
    Ok(codes)
}
