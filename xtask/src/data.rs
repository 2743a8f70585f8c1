//! The task `data`: registry packages become data packs, facts only.
//!
//! The AWS managed policies come from one table of the PyPI package `moto` (Apache-2.0), raised
//! on purpose. Nothing else of that package is read. Facts about services come from [`services`].

mod services;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

const MOTO_VERSION: &str = "5.2.5";
const MOTO_SHA256: &str = "eef62cdcf3bfe73e0863743511ba042dfaba04ba3d5ecdcb896a196c693ad528";

/// The table within the package: a JSON text in triple quotes.
const TABLE: &str = "moto/iam/aws_managed_policies.py";

/// Where the release is unpacked, and where the packs belong, from the root of the workspace.
const DOWNLOADS: &str = "target/moto";
const PACKS: &str = "crates/core/data";

/// Path of policies that only service-linked roles carry.
const SERVICE_LINKED_PATH: &str = "/aws-service-role/";

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fails if the packs are damaged or, where the release was downloaded, not what it gives.
    #[arg(long)]
    check: bool,
    /// Downloads the pinned release and writes the packs anew.
    #[arg(long, conflicts_with = "check")]
    update: bool,
}

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let root = crate::workspace_root()?;
    services::run(&root, arguments.update, arguments.check)?;
    if arguments.update {
        download(&root)?;
    }
    let folder = root.join(PACKS);
    let table = root.join(DOWNLOADS).join(TABLE);
    let fresh = match table.exists() {
        true => Some(packs(&read(&table)?)?),
        false => None,
    };
    match fresh {
        Some(packs) if !arguments.check => write(&folder, &packs),
        Some(packs) => check_fresh(&folder, &packs).and_then(|()| check_whole(&folder)),
        None if arguments.check => {
            println!("data: without `cargo xtask data --update`, freshness is not checked");
            check_whole(&folder)
        }
        None => Err("the release is not there: run `cargo xtask data --update`".to_owned()),
    }
}

/// Downloads the pinned release, whose hash pip verifies, and unpacks its one table.
fn download(root: &Path) -> Result<(), String> {
    let folder = root.join(DOWNLOADS);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let requirements = folder.join("requirements.txt");
    let pinned = format!("moto=={MOTO_VERSION} --hash=sha256:{MOTO_SHA256}\n");
    fs::write(&requirements, pinned).map_err(|error| error.to_string())?;
    let (target, requirements) = (folder.to_string_lossy(), requirements.to_string_lossy());
    python(&[
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
        &requirements,
        "--dest",
        &target,
    ])?;
    let wheel = folder.join(format!("moto-{MOTO_VERSION}-py3-none-any.whl"));
    let unpack =
        "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])";
    python(&["-c", unpack, &wheel.to_string_lossy(), TABLE, &target])
}

fn python(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("python3").args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("python3 {}: {status}", arguments.join(" "))),
        Err(error) => Err(format!("python3: {error}")),
    }
}

/// The files of the pack: a line for each policy, and its document in the same line of another
/// file, so that listing policies never touches the documents.
struct Packs {
    index: String,
    documents: String,
    notice: String,
}

impl Packs {
    fn files(&self) -> [(&'static str, &str); 3] {
        [
            ("aws_managed_policies.tsv", &self.index),
            ("aws_managed_policies.jsonl", &self.documents),
            ("NOTICE", &self.notice),
        ]
    }
}

fn packs(module: &str) -> Result<Packs, String> {
    let table = literal(module)?;
    let mut policies: Vec<(&String, &Value)> = table.iter().collect();
    policies.sort_by_key(|(name, _)| *name);
    let mut packs = Packs { index: String::new(), documents: String::new(), notice: notice() };
    for (name, policy) in policies {
        let document = policy.get("Document").ok_or_else(|| format!("{name} has no document"))?;
        let document = serde_json::to_string(document).map_err(|error| error.to_string())?;
        packs.index.push_str(&index_line(name, policy, document.len())?);
        packs.documents.push_str(&document);
        packs.documents.push('\n');
    }
    Ok(packs)
}

/// The JSON text between the triple quotes, as data: nothing of the module is run.
fn literal(module: &str) -> Result<Map<String, Value>, String> {
    let mut parts = module.split("\"\"\"");
    let (Some(_), Some(text), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("{TABLE} is not one text in triple quotes any more"));
    };
    if text.contains('\\') {
        return Err(format!("{TABLE} has escapes, which mean something else in Python"));
    }
    serde_json::from_str(text).map_err(|error| format!("{TABLE}: {error}"))
}

/// ARN, id, default version, creation and update (seconds since 1970), whether it can be
/// attached, length of the document.
fn index_line(name: &str, policy: &Value, document_bytes: usize) -> Result<String, String> {
    let member = |member: &str| {
        let text = policy.get(member).and_then(Value::as_str);
        text.ok_or_else(|| format!("{name} has no {member}"))
    };
    let seconds = |text: &str| {
        let time: jiff::Timestamp = text.parse().map_err(|error| format!("{name}: {error}"))?;
        Ok::<i64, String>(time.as_second())
    };
    let path = member("Path")?;
    let arn = format!("arn:aws:iam::aws:policy{path}{name}");
    let line = [
        member("DefaultVersionId")?.to_owned(),
        seconds(member("CreateDate")?)?.to_string(),
        seconds(member("UpdateDate")?)?.to_string(),
        if path == SERVICE_LINKED_PATH { "service-linked" } else { "attachable" }.to_owned(),
        document_bytes.to_string(),
    ];
    let id = policy_id(&arn);
    let line = format!("{arn}\t{id}\t{}\n", line.join("\t"));
    let is_sound = line.is_ascii() && line.matches('\t').count() == 6 && path.ends_with('/');
    if is_sound { Ok(line) } else { Err(format!("{name} does not fit into a line")) }
}

/// A stable id for a policy whose real one is not in the table.
// CHOICE: derived from the ARN, so that every server answers the same. Like the ids that AWS
// issued before 2019 it begins so that it carries no account number.
fn policy_id(arn: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a with 128 bits: well spread, and nothing secret about it.
    let hash = arn.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    });
    let character = |place: u32| {
        let bits = usize::try_from((hash >> (place * 5)) & 31).unwrap_or_default();
        ALPHABET.get(bits).copied().map_or('A', char::from)
    };
    format!("ANPAI{}", (0..16).map(character).collect::<String>())
}

fn notice() -> String {
    format!(
        "The files aws_managed_policies.tsv and aws_managed_policies.jsonl hold facts (names, paths,\n\
         versions, dates and documents of AWS managed policies) taken from the table of AWS managed\n\
         policies in moto {MOTO_VERSION}, in another form. The ids are not AWS's but derived from the ARNs.\n\
         \n\
         moto: Copyright 2012 Steve Pulec. Licensed under the Apache License, Version 2.0.\n\
         The policy documents are published by Amazon Web Services, Inc.\n"
    )
}

fn write(folder: &Path, packs: &Packs) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, text) in packs.files() {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("data: wrote {} policies", packs.index.lines().count());
    Ok(())
}

fn check_fresh(folder: &Path, packs: &Packs) -> Result<(), String> {
    for (name, text) in packs.files() {
        let path = folder.join(name);
        if read(&path)? != text {
            return Err(format!("{} is stale: run `cargo xtask data`", path.display()));
        }
    }
    println!("data: the packs are what moto {MOTO_VERSION} gives");
    Ok(())
}

/// Checks what can be checked without the release: order, lengths, and that documents are JSON.
fn check_whole(folder: &Path) -> Result<(), String> {
    let index = read(&folder.join("aws_managed_policies.tsv"))?;
    let documents = read(&folder.join("aws_managed_policies.jsonl"))?;
    let mut last = "";
    let mut lines = documents.lines();
    for entry in index.lines() {
        let mut fields = entry.split('\t');
        let name = fields.next().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let document = lines.next().ok_or_else(|| format!("{name} has no document"))?;
        if name <= last {
            return Err(format!("{name} is out of order"));
        }
        if fields.next_back() != Some(document.len().to_string().as_str()) {
            return Err(format!("the document of {name} has another length"));
        }
        serde_json::from_str::<Value>(document).map_err(|error| format!("{name}: {error}"))?;
        last = name;
    }
    match lines.next() {
        Some(_) => Err("there are more documents than policies".to_owned()),
        None => {
            println!("data: {} policies are whole", index.lines().count());
            Ok(())
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
