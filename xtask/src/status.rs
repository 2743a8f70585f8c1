//! The task `status`: how much of IAM and STS there is, and what differs from AWS on purpose.
//!
//! It counts what the sources say, so that nobody keeps a second list: the operations of the reduced
//! service models, the list of what is not built, and the requests of the tests of denied access.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde_json::Value;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// The services, as the sources write their names.
const SERVICES: [&str; 2] = ["iam", "sts"];
const NOT_IMPLEMENTED: &str = "crates/core/src/not_implemented.rs";
const ACCESS_TESTS: &str = "crates/core/src/access_tests.rs";
const DIFFERENCES: &str = "docs/differences.md";

/// Runs the task.
pub(crate) fn run(_arguments: &Arguments) -> Result<(), String> {
    let root = crate::workspace_root()?;
    let waiting = read(&root, NOT_IMPLEMENTED)?;
    let tested = tested(&read(&root, ACCESS_TESTS)?);
    let mut text = String::new();
    for service in SERVICES {
        let model = read(&root, &format!("models/{service}.json"))?;
        let counts = Counts::of(&operations(&model)?, &waiting_of(service, &waiting)?, &tested);
        text.push_str(&counts.shown(service));
    }
    text.push_str(&format!("\nDifferences from AWS ({DIFFERENCES}):\n"));
    for difference in differences(&read(&root, DIFFERENCES)?) {
        text.push_str(&format!("- {difference}\n"));
    }
    // Who reads no further than a line is no failure of ours.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot print: {error}"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What there is of a service.
#[derive(Debug, PartialEq)]
struct Counts {
    all: usize,
    implemented: usize,
    tested: usize,
    waiting: Vec<String>,
}

impl Counts {
    fn of(all: &BTreeSet<String>, waiting: &BTreeSet<String>, tested: &BTreeSet<String>) -> Counts {
        let implemented: BTreeSet<&String> = all.difference(waiting).collect();
        let tested = implemented.iter().filter(|name| tested.contains(**name)).count();
        let waiting = all.intersection(waiting).cloned().collect();
        Counts { all: all.len(), implemented: implemented.len(), tested, waiting }
    }

    fn shown(&self, service: &str) -> String {
        let Counts { all, implemented, tested, waiting } = self;
        let mut text = format!(
            "{service}: {implemented}/{all} implemented\n\
             {service}: {tested}/{all} with an access-denied test\n"
        );
        if !waiting.is_empty() {
            text.push_str(&format!("{service}: waiting: {}\n", waiting.join(", ")));
        }
        text
    }
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read `{path}`: {error}"))
}

/// The operations of a reduced service model.
fn operations(model: &str) -> Result<BTreeSet<String>, String> {
    let model: Value =
        serde_json::from_str(model).map_err(|error| format!("a model is no JSON: {error}"))?;
    let operations = model.get("operations").and_then(Value::as_object);
    let operations = operations.ok_or("a model has no operations")?;
    Ok(operations.keys().cloned().collect())
}

/// The operations of a service that are on the list of what is not built; none has no list.
fn waiting_of(service: &str, source: &str) -> Result<BTreeSet<String>, String> {
    let head = format!("\"{service}\", {service}:");
    let Some((_, rows)) = source.split_once(&head) else {
        return Ok(BTreeSet::new());
    };
    let (rows, _) = rows.split_once('}').ok_or_else(|| format!("the list `{head}` has no end"))?;
    let names = rows.lines().filter_map(|row| row.split_whitespace().next());
    Ok(names.map(str::to_owned).collect())
}

/// The operations that have a request in the tests of denied access: lines of `Operation&... -> needs`.
fn tested(source: &str) -> BTreeSet<String> {
    let requests = source.lines().filter_map(|line| line.split_once(" -> "));
    let names = requests.filter_map(|(request, _)| request.split(['&', ' ']).next());
    let is_name = |name: &&str| {
        name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric)
    };
    names.filter(is_name).map(str::to_owned).collect()
}

/// The items of the page of differences, each in one line: what it is about, and why.
fn differences(page: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in page.lines() {
        if let Some(first) = line.strip_prefix("- ") {
            items.push(first.replace("**", ""));
        } else if let (Some(rest), Some(item)) = (line.strip_prefix("  "), items.last_mut()) {
            item.push(' ');
            item.push_str(&rest.replace("**", ""));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_on_the_list_is_neither_implemented_nor_tested() {
        let counts =
            Counts::of(&set(&["A", "B", "C"]), &set(&["B", "Old"]), &set(&["A", "B", "Sub"]));
        let waiting = vec!["B".to_owned()];
        assert_eq!(counts, Counts { all: 3, implemented: 2, tested: 1, waiting });
        assert_eq!(
            counts.shown("iam"),
            "iam: 2/3 implemented\niam: 1/3 with an access-denied test\niam: waiting: B\n"
        );
    }

    #[test]
    fn lists_belong_to_their_service() {
        let source = "list! {\n    \"iam\", iam:\n    A ARequest,\n}\nlist! {\n    \"sts\", sts:\n    B BRequest,\n}\n";
        assert_eq!(waiting_of("iam", source), Ok(set(&["A"])));
        assert_eq!(waiting_of("sts", source), Ok(set(&["B"])));
        assert_eq!(waiting_of("s3", source), Ok(set(&[])));
        assert!(waiting_of("iam", "\"iam\", iam: A ARequest,").is_err());
    }

    #[test]
    fn requests_of_the_tests_name_their_operation() {
        let source = "GetUser -> iam:GetUser user/x\nListUsers&PathPrefix=/ -> nothing\nfn f(a: u8) -> u8 {}\n";
        assert_eq!(tested(source), set(&["GetUser", "ListUsers"]));
    }

    #[test]
    fn differences_are_one_line_each() {
        let page = "# Head\n\n- **A:** one\n  two\n- **B** three\n";
        assert_eq!(differences(page), ["A: one two", "B three"]);
    }

    /// The sources are where this task looks, and written as it reads them.
    #[test]
    fn the_sources_can_be_read() {
        let root = crate::workspace_root().unwrap();
        let all = operations(&read(&root, "models/iam.json").unwrap()).unwrap();
        let tested = tested(&read(&root, ACCESS_TESTS).unwrap());
        assert_eq!(all.len(), 180);
        assert!(all.intersection(&tested).count() > 100);
        let waiting = waiting_of("iam", &read(&root, NOT_IMPLEMENTED).unwrap()).unwrap();
        assert!(waiting.is_subset(&all));
        assert!(differences(&read(&root, DIFFERENCES).unwrap()).len() > 10);
    }
}
