//! Routes of REST services: which request is which operation. Facts only: method, place, and the
//! parameters and headers that a request must or may have.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::HEADER;

/// Services whose operations are told from each other by method, path and query.
pub(super) const SERVICES: [(&str, &str); 1] = [("s3", "2006-03-01")];

/// The model of a service, reduced to its routes.
pub(super) fn reduced(model: &Value, source: &str) -> Result<Value, String> {
    let part = |name: &str| model.get(name).and_then(Value::as_object).ok_or("not a model");
    let (operations, shapes) = (part("operations")?, part("shapes")?);
    let mut routes = Map::new();
    let mut names: Vec<&String> = operations.keys().collect();
    names.sort();
    for name in names {
        let operation = operations.get(name).ok_or("no operation")?;
        routes.insert(name.clone(), route(operation, shapes)?);
    }
    Ok(serde_json::json!({ "source": source, "operations": routes }))
}

fn route(operation: &Value, shapes: &Map<String, Value>) -> Result<Value, String> {
    let http = operation.get("http").ok_or("an operation without HTTP")?;
    let text = |name: &str| http.get(name).and_then(Value::as_str).ok_or("an incomplete route");
    let (path, query) = text("requestUri")?.split_once('?').unwrap_or((text("requestUri")?, ""));
    let input = operation.pointer("/input/shape").and_then(Value::as_str);
    let input = input.and_then(|input| shapes.get(input));
    let members = input.and_then(|input| input.get("members")).and_then(Value::as_object);
    let required: Vec<&str> = input
        .and_then(|input| input.get("required")?.as_array())
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let located = |place: &str, only_required: bool| -> Vec<String> {
        let mut names: Vec<String> = members
            .into_iter()
            .flatten()
            .filter(|(name, member)| {
                member.get("location").and_then(Value::as_str) == Some(place)
                    && (!only_required || required.contains(&name.as_str()))
            })
            .filter_map(|(_, member)| Some(member.get("locationName")?.as_str()?.to_owned()))
            .collect();
        names.sort();
        names
    };
    let selectors: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    Ok(serde_json::json!({
        "method": text("method")?,
        "path": path,
        "selectors": selectors,
        "required": located("querystring", true),
        "parameters": located("querystring", false),
        "headers": located("header", true),
    }))
}

/// The table of a service's routes, as Rust.
pub(super) fn file(root: &Path, service: &str) -> Result<String, String> {
    let path = root.join(format!("models/{service}.routes.json"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let model: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let operations = model.get("operations").and_then(Value::as_object);
    let mut rows = String::new();
    for (name, route) in operations.into_iter().flatten() {
        rows.push_str(&row(name, route)?);
    }
    Ok(format!(
        "{HEADER}//! Which request is which operation.\n\nuse crate::route::{{Place, Route}};\n\n\
         /// All routes, by name.\npub(crate) static ROUTES: &[Route] = &[\n{rows}];\n"
    ))
}

fn row(name: &str, route: &Value) -> Result<String, String> {
    let text = |key: &str| route.get(key).and_then(Value::as_str).ok_or("an incomplete route");
    let list = |key: &str| -> Vec<&str> {
        let names = route.get(key).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let place = match text("path")? {
        "/" => "Place::Service",
        "/{Bucket}" => "Place::Bucket",
        "/{Bucket}/{Key+}" => "Place::Object",
        _ => "Place::Other",
    };
    Ok(format!(
        "    Route {{ name: {name:?}, method: {:?}, place: {place}, selectors: &{:?}, \
         required: &{:?}, parameters: &{:?}, headers: &{:?} }},\n",
        text("method")?,
        list("selectors"),
        list("required"),
        list("parameters"),
        list("headers"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_keeps_what_tells_operations_apart() {
        let model = serde_json::json!({
            "operations": {"GetThing": {
                "http": {"method": "GET", "requestUri": "/{Bucket}/{Key+}?thing"},
                "input": {"shape": "In"},
            }},
            "shapes": {"In": {"required": ["Id", "Source"], "members": {
                "Id": {"location": "querystring", "locationName": "id"},
                "More": {"location": "querystring", "locationName": "more"},
                "Source": {"location": "header", "locationName": "x-amz-source"},
                "Body": {},
            }}},
        });
        let reduced = reduced(&model, "somewhere").unwrap();
        let expected = serde_json::json!({
            "method": "GET", "path": "/{Bucket}/{Key+}", "selectors": ["thing"],
            "required": ["id"], "parameters": ["id", "more"], "headers": ["x-amz-source"],
        });
        assert_eq!(reduced.pointer("/operations/GetThing"), Some(&expected));
        let row = row("GetThing", &expected).unwrap();
        assert!(row.contains("place: Place::Object") && row.contains(r#"selectors: &["thing"]"#));
    }
}
