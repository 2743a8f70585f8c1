//! A server with very many users, each with two access keys, an inline policy of its own and three
//! attached policies: memory of a user, cold start, and what requests cost there.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::load::Load;
use super::server::{Server, TemporaryFolder};
use super::{Arguments, CONNECTIONS, Case, PAGE_ANSWER, Programs, Row, SMALL_ANSWER, median};

/// Users whose requests are signed and held in memory at once.
const CHUNK: usize = 10_000;
/// Bytes of a user without its documents: the floor of `performance.md`.
const FLOOR_BYTES: f64 = 200.0;
/// How many more users the quota allows than there are at first.
const QUOTA_LEFT: usize = 100_000;
/// Users that are created in one round.
const CREATIONS: usize = 3_200;
/// Policies that every user has.
const ATTACHED: [&str; 3] = ["ReadOnlyAccess", "IAMUserChangePassword", "job-function/Billing"];

/// Measures everything with so many users.
pub(super) fn rows(arguments: &Arguments, programs: &Programs) -> Result<Vec<Row>, String> {
    let users = arguments.users;
    let temporary = TemporaryFolder::make()?;
    let folder = arguments.folder.as_deref().unwrap_or(temporary.path());
    let empty = {
        let folder = TemporaryFolder::make()?;
        Server::iamd(&programs.iamd, Some(folder.path()), users + QUOTA_LEFT)?
            .resident_mebibytes()?
    };
    if !folder.join("data").exists() {
        fill(&Server::iamd(&programs.iamd, Some(folder), users + QUOTA_LEFT)?, users)?;
    }
    let mut rows = vec![cold_start(programs, folder, users)?];
    let server = Server::iamd(&programs.iamd, Some(folder), users + QUOTA_LEFT)?;
    let requests = requests(arguments, programs, &server)?;
    // By now the allocator has given back what only the start needed.
    rows.push(memory(server.resident_mebibytes()? - empty, users));
    rows.extend(requests);
    rows.push(creations(arguments, programs, &server)?);
    Ok(rows)
}

/// Creates the users through the API, and says from time to time how far it is.
fn fill(server: &Server, users: usize) -> Result<(), String> {
    let start = Instant::now();
    for first in (0..users).step_by(CHUNK) {
        let numbers = first..users.min(first + CHUNK);
        let names: Vec<String> = numbers.map(|number| format!("user{number:07}")).collect();
        let send = |action: &str, more: &dyn Fn(&str) -> Vec<(&'static str, String)>| {
            let requests: Result<Vec<Vec<u8>>, String> = names
                .iter()
                .map(|name| {
                    let more = more(name);
                    let mut parameters = vec![("UserName", name.as_str())];
                    parameters.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
                    server.signed("iam", action, &parameters)
                })
                .collect();
            Load::each(requests?).send(server.host(), names.len(), CONNECTIONS)
        };
        send("CreateUser", &|_| Vec::new())?;
        for _ in 0..2 {
            send("CreateAccessKey", &|_| Vec::new())?;
        }
        send("PutUserPolicy", &|name| {
            vec![("PolicyName", "own".to_owned()), ("PolicyDocument", document(name))]
        })?;
        for policy in ATTACHED {
            let arn = format!("arn:aws:iam::aws:policy/{policy}");
            send("AttachUserPolicy", &|_| vec![("PolicyArn", arn.clone())])?;
        }
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("{} of {users} users after {seconds:.0} s", first + names.len());
    }
    Ok(())
}

/// A document that no other user has.
fn document(name: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::home/{name}/*"}}}}"#
    )
}

/// The first signed answer of a process, beside a bare scan of the same rows.
fn cold_start(programs: &Programs, folder: &Path, users: usize) -> Result<Row, String> {
    let database = folder.join("data/store.sqlite3");
    let mut ratios = Vec::new();
    let mut shown = (0.0, 0.0);
    for _ in 0..3 {
        let scan = scan(&programs.scan, &database)?;
        let start = Instant::now();
        let server = Server::iamd(&programs.iamd, Some(folder), users + QUOTA_LEFT)?;
        let load = server.load("sts", "GetCallerIdentity", &[])?;
        load.send(server.host(), 1, 1)?;
        shown = (start.elapsed().as_secs_f64(), scan);
        ratios.push(shown.0 / shown.1);
    }
    Ok(Row {
        name: format!("cold start, {users} users"),
        measured: format!(
            "{:.2} s to the first signed answer beside {:.2} s: a bare scan with SQLite",
            shown.0, shown.1
        ),
        ratio: median(ratios),
        must: 2.5,
        stretch: 1.3,
    })
}

fn scan(program: &Path, database: &Path) -> Result<f64, String> {
    let output = Command::new(program).arg(database).output();
    let output = output.map_err(|error| format!("scan cannot be started: {error}"))?;
    let value: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("scan: {error}"))?;
    let seconds = value.get("seconds").and_then(serde_json::Value::as_f64);
    seconds.ok_or_else(|| "scan printed no seconds".to_owned())
}

fn memory(mebibytes: f64, users: usize) -> Row {
    let each = mebibytes * 1024.0 * 1024.0 / users as f64;
    let floor = FLOOR_BYTES + document("user0000000").len() as f64;
    Row {
        name: format!("memory of a user, {users} users"),
        measured: format!(
            "{each:.0} bytes beside {floor:.0}: 200 and the user's own document; 2 keys, 1 inline and 3 attached policies"
        ),
        ratio: each / floor,
        must: 4.0,
        stretch: 2.0,
    }
}

/// Requests there, beside the bare server.
fn requests(
    arguments: &Arguments,
    programs: &Programs,
    server: &Server,
) -> Result<Vec<Row>, String> {
    let small = Server::bare(&programs.bare, SMALL_ANSWER)?;
    let large = Server::bare(&programs.bare, PAGE_ANSWER)?;
    let users = arguments.users;
    let middle = format!("user{:07}", users / 2);
    let get = server.load("iam", "GetUser", &[("UserName", middle.as_str())])?;
    let page = server.load("iam", "ListUsers", &[("MaxItems", "100")])?;
    let mut cases = [
        Case::new(&format!("GetUser, {users} users"), server, &small, get, (2.2, 1.6)),
        Case::new(&format!("ListUsers of 100, {users} users"), server, &large, page, (2.5, 1.7)),
    ];
    for round in 0..=arguments.rounds {
        for case in &mut cases {
            case.round(arguments.requests / 4, round > 0)?;
        }
    }
    Ok(cases.iter().map(Case::row).collect())
}

/// A durable CreateUser there, beside one on a server that is new.
fn creations(arguments: &Arguments, programs: &Programs, server: &Server) -> Result<Row, String> {
    let folder = TemporaryFolder::make()?;
    let new = Server::iamd(&programs.iamd, Some(folder.path()), QUOTA_LEFT)?;
    let (mut ratios, mut shown) = (Vec::new(), (0.0, 0.0));
    for round in 0..=arguments.rounds {
        // Of no earlier run on the same folder.
        let names = format!("created{}x{round}x", std::process::id());
        let beside = new.creation_cost(&names, CREATIONS, CONNECTIONS)?;
        let cost = server.creation_cost(&names, CREATIONS, CONNECTIONS)?;
        if round > 0 {
            shown = (cost / 1e3, beside / 1e3);
            ratios.push(cost / beside);
        }
    }
    Ok(Row {
        name: format!("CreateUser, durable, 32 clients, {} users", arguments.users),
        measured: format!(
            "{:.1} µs of CPU beside {:.1} µs: the same on a new server",
            shown.0, shown.1
        ),
        ratio: median(ratios),
        must: 1.3,
        stretch: 1.15,
    })
}
