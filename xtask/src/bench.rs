//! The task `bench`: what requests cost beside a bare server, in one interleaved run.
//!
//! A request's cost is the CPU time of the server process, user and kernel, per request. It is set
//! beside the cost of a bare hyper server with an answer of the same size, measured in the same
//! round: the machine may be slow or busy, the ratio stays. Nothing fails here; the reader judges.

mod audit;
mod cpu;
mod disk;
mod gateway;
mod large;
mod load;
mod page;
mod plot;
mod rivals;
mod server;
mod sign;

use std::path::PathBuf;
use std::process::Command;

use load::Load;
use server::Server;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of one kind in one round.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Users in the account for the large case.
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    /// Writes the table and the plot into docs/.
    #[arg(long)]
    write: bool,
    /// The profile of the measured programs.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Measures what the audit trail costs, and nothing else.
    #[arg(long)]
    audit: bool,
    /// Measures the gateway, and nothing else.
    #[arg(long)]
    gateway: bool,
    /// Measures other policy engines on the same policies, and nothing else; builds them first.
    #[arg(long)]
    rivals: bool,
    /// Measures a server with very many users, and nothing else: `--users 1000000` takes some ten
    /// minutes to fill.
    #[arg(long)]
    large: bool,
    /// Where the very many users are kept, so that the next run finds them there; filled if it is not
    /// there yet.
    #[arg(long, value_name = "DIR", requires = "large")]
    folder: Option<PathBuf>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Connections at one time. The limits are set for this many.
const CONNECTIONS: usize = 32;
/// Bytes of the bare answer beside small answers, and beside a page of 100 users.
const SMALL_ANSWER: usize = 600;
const PAGE_ANSWER: usize = 20_000;

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    name: String,
    /// What was measured, in words.
    measured: String,
    ratio: f64,
    must: f64,
    stretch: f64,
}

impl Row {
    fn verdict(&self) -> &'static str {
        if self.ratio <= self.stretch {
            "stretch goal met"
        } else if self.ratio <= self.must {
            "met"
        } else if self.ratio <= self.must * 1.15 {
            "within noise of the limit"
        } else {
            "missed"
        }
    }
}

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let programs = Programs::build(&arguments.profile)?;
    if arguments.rivals {
        return beside_rivals(arguments, &programs);
    }
    let rows = if arguments.large {
        large::rows(arguments, &programs)?
    } else if arguments.audit {
        audit::rows(arguments, &programs)?
    } else if arguments.gateway {
        gateway::rows(arguments, &programs)?
    } else {
        let mut rows = decisions(&programs)?;
        rows.extend(requests(arguments, &programs)?);
        rows.extend(creations(&programs)?);
        rows.extend(audit::rows(arguments, &programs)?);
        rows.extend(gateway::rows(arguments, &programs)?);
        rows.extend(idle(&programs)?);
        rows
    };
    if arguments.json {
        println!("{}", page::json(&rows));
    } else {
        print!("{}", page::table(&rows));
    }
    if arguments.write {
        let root = crate::workspace_root()?;
        let page = root.join("docs/performance.md");
        if arguments.large {
            return page::write_large(&page, &rows);
        }
        page::write(&page, &rows)?;
        plot::write(&root.join("docs/performance.svg"), &rows)?;
    }
    Ok(())
}

/// Sets other engines beside `iamd-policy`.
fn beside_rivals(arguments: &Arguments, programs: &Programs) -> Result<(), String> {
    let root = crate::workspace_root()?;
    let costs = rivals::measure(&root, &programs.target)?;
    let own: Vec<(String, f64)> = decision_costs(programs)?.costs;
    let table = rivals::table(&own, &costs);
    print!("{table}");
    if arguments.write {
        page::write_rivals(&root.join("docs/performance.md"), &table)?;
    }
    Ok(())
}

/// The measured programs.
struct Programs {
    iamd: PathBuf,
    bare: PathBuf,
    proxy: PathBuf,
    seal_cost: PathBuf,
    decide_cost: PathBuf,
    scan: PathBuf,
    /// Where programs are built.
    target: PathBuf,
}

impl Programs {
    fn build(profile: &str) -> Result<Programs, String> {
        let root = crate::workspace_root()?;
        for arguments in [
            vec!["build", "--profile", profile, "-p", "iamd", "--bins", "--examples"],
            vec!["build", "--profile", profile, "-p", "iamd-policy", "--example", "decide_cost"],
            vec!["build", "--profile", profile, "-p", "iamd-store", "--example", "scan"],
        ] {
            let status = Command::new("cargo").args(&arguments).current_dir(&root).status();
            let status = status.map_err(|error| format!("cargo cannot be started: {error}"))?;
            if !status.success() {
                return Err("the measured programs do not build".to_owned());
            }
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        let folder = target.join(if profile == "dev" { "debug" } else { profile });
        Ok(Programs {
            iamd: folder.join("iamd"),
            bare: folder.join("examples/bare_hyper"),
            proxy: folder.join("examples/bare_proxy"),
            seal_cost: folder.join("examples/seal_cost"),
            decide_cost: folder.join("examples/decide_cost"),
            scan: folder.join("examples/scan"),
            target,
        })
    }
}

/// What `decide_cost` measured.
struct DecisionCosts {
    /// Nanoseconds of each case; the first is the hash.
    costs: Vec<(String, f64)>,
    memory: Option<Row>,
}

fn decision_costs(programs: &Programs) -> Result<DecisionCosts, String> {
    let output = Command::new(&programs.decide_cost).output();
    let output = output.map_err(|error| format!("decide_cost cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut measured = DecisionCosts { costs: Vec::new(), memory: None };
    for line in text.lines() {
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("decide_cost: {error}"))?;
        let name = value.get("name").and_then(|name| name.as_str()).unwrap_or_default();
        let number = |name: &str| value.get(name).and_then(serde_json::Value::as_f64);
        if let (Some(bytes), Some(text)) = (number("bytes"), number("text")) {
            measured.memory = Some(statement_memory(bytes, text));
        }
        let cost = number("nanoseconds");
        measured.costs.push((name.to_owned(), cost.unwrap_or(f64::NAN)));
    }
    Ok(measured)
}

/// Decisions, beside the hash of what they are about.
fn decisions(programs: &Programs) -> Result<Vec<Row>, String> {
    let DecisionCosts { costs, memory } = decision_costs(programs)?;
    let hash = costs.first().map_or(f64::NAN, |(_, cost)| *cost);
    let five = costs.get(1).map_or(f64::NAN, |(_, cost)| *cost);
    let row = |(name, cost): &(String, f64)| {
        let (limit, must, stretch) = match name.as_str() {
            "5 statements" => (hash, 15.0, 8.0),
            "500 statements, none concerns the request" => (hash, 30.0, 8.0),
            "500 statements, 50 share the action" => (hash, 150.0, 50.0),
            "5,000 statements, none concerns the request" => (five, 2.0, 1.3),
            "parse and compile 100 policies of 5 statements" => (1e6, 1.0, 0.5),
            "worst document of 6,144 characters: parse" => (5e6, 1.0, 0.5),
            "worst document of 6,144 characters: decide" => (1e6, 1.0, 0.1),
            "worst document of 6,144 characters: decide, 50 tag keys" => (1e6, 1.0, 0.1),
            _ => return None,
        };
        let beside = match name.as_str() {
            "5,000 statements, none concerns the request" => "the same with 5 statements",
            _ if limit == hash => "a hash of action, resource and principal",
            _ => "its limit",
        };
        Some(Row {
            name: format!("decision: {name}"),
            measured: format!("{cost:.0} ns beside {limit:.0} ns: {beside}"),
            ratio: cost / limit,
            must,
            stretch,
        })
    };
    Ok(costs.iter().filter_map(row).chain(memory).collect())
}

/// Memory has no limit of its own but that of a user, whose documents may be unique.
fn statement_memory(bytes: f64, text: f64) -> Row {
    Row {
        name: "memory of a distinct statement, index included".to_owned(),
        measured: format!("{bytes:.0} bytes beside {text:.0} bytes: its share of the text"),
        ratio: bytes / text,
        must: 4.0,
        stretch: 2.0,
    }
}

/// The servers that requests are sent to.
struct Servers {
    small: Server,
    large: Server,
    few: Server,
    many: Server,
    users: usize,
}

/// A kind of request, and what its rounds gave.
struct Case<'a> {
    name: String,
    server: &'a Server,
    bare: &'a Server,
    load: Load,
    limits: (f64, f64),
    /// Nanoseconds of iamd and of the bare server, a pair for each round.
    costs: Vec<(f64, f64)>,
}

/// Requests over HTTP, beside the bare server, interleaved.
fn requests(arguments: &Arguments, programs: &Programs) -> Result<Vec<Row>, String> {
    let servers = Servers {
        small: Server::bare(&programs.bare, SMALL_ANSWER)?,
        large: Server::bare(&programs.bare, PAGE_ANSWER)?,
        few: Server::iamd(&programs.iamd, None, 10_000)?,
        many: Server::iamd(&programs.iamd, None, arguments.users + 10)?,
        users: arguments.users,
    };
    servers.many.create_users(arguments.users, CONNECTIONS)?;
    servers.few.create_role("bench")?;
    let mut cases = servers.cases()?;
    for round in 0..=arguments.rounds {
        for case in &mut cases {
            let is_page = std::ptr::eq(case.bare, &servers.large);
            let count = if is_page { arguments.requests / 4 } else { arguments.requests };
            // The first round warms caches and branch predictors.
            case.round(count, round > 0)?;
        }
    }
    Ok(cases.iter().map(Case::row).collect())
}

impl Servers {
    fn cases(&self) -> Result<Vec<Case<'_>>, String> {
        let middle = format!("user{:07}", self.users / 2);
        let marker = self.many.marker_near(self.users / 2)?;
        let role = self.few.role_arn("bench");
        let session = [("RoleArn", role.as_str()), ("RoleSessionName", "bench")];
        let page = [("MaxItems", "100"), ("Marker", marker.as_str())];
        let few = |name: &str, service, action, parameters: &[_], limits| {
            let load = self.few.load(service, action, parameters)?;
            Ok::<_, String>(Case::new(name, &self.few, &self.small, load, limits))
        };
        let many = |name: String, bare, action, parameters: &[_], limits| {
            let load = self.many.load("iam", action, parameters)?;
            Ok::<_, String>(Case::new(&name, &self.many, bare, load, limits))
        };
        let users = self.users;
        Ok(vec![
            few("GetCallerIdentity", "sts", "GetCallerIdentity", &[], (2.0, 1.4))?,
            few("AssumeRole", "sts", "AssumeRole", &session, (2.5, 1.7))?,
            few("GetUser, 1 user", "iam", "GetUser", &[("UserName", "admin")], (2.2, 1.6))?,
            many(
                format!("GetUser, {users} users"),
                &self.small,
                "GetUser",
                &[("UserName", middle.as_str())],
                (2.2, 1.6),
            )?,
            many(
                format!("ListUsers, page 1 of 100 of {users}"),
                &self.large,
                "ListUsers",
                &page[..1],
                (2.5, 1.7),
            )?,
            many(
                "ListUsers, a page in the middle".to_owned(),
                &self.large,
                "ListUsers",
                &page,
                (2.5, 1.7),
            )?,
        ])
    }
}

impl<'a> Case<'a> {
    fn new(
        name: &str,
        server: &'a Server,
        bare: &'a Server,
        load: Load,
        limits: (f64, f64),
    ) -> Case<'a> {
        Case { name: name.to_owned(), server, bare, load, limits, costs: Vec::new() }
    }

    /// One round: the bare server, then iamd.
    fn round(&mut self, count: usize, counts: bool) -> Result<(), String> {
        let floor = self.bare.cost(&Load::plain(self.bare), count, CONNECTIONS)?;
        let cost = self.server.cost(&self.load, count, CONNECTIONS)?;
        if counts {
            self.costs.push((cost, floor));
        }
        Ok(())
    }

    fn row(&self) -> Row {
        let microseconds =
            |pick: fn(&(f64, f64)) -> f64| median(self.costs.iter().map(pick).collect()) / 1e3;
        let (cost, floor) = (microseconds(|costs| costs.0), microseconds(|costs| costs.1));
        Row {
            name: self.name.clone(),
            measured: format!("{cost:.1} µs of CPU beside {floor:.1} µs: a bare hyper server"),
            ratio: median(self.costs.iter().map(|(cost, floor)| cost / floor).collect()),
            must: self.limits.0,
            stretch: self.limits.1,
        }
    }
}

/// Durable writes, beside a write and fdatasync on the same disk.
fn creations(programs: &Programs) -> Result<Vec<Row>, String> {
    let folder = server::TemporaryFolder::make()?;
    let node = Server::iamd(&programs.iamd, Some(folder.path()), 1_000_000)?;
    let mut alone = Vec::new();
    let mut together = Vec::new();
    let mut shown = (0.0, 0.0, 0.0);
    for round in 0..6 {
        let floor = disk::write_and_sync(folder.path(), 200)?;
        let one = node.creation_seconds(&format!("a{round}x"), 200, 1)?;
        let many = node.creation_seconds(&format!("b{round}x"), 3_200, CONNECTIONS)?;
        if round > 0 {
            alone.push(one / floor);
            // Each client alone could do one write in the time of a sync.
            together.push((floor / CONNECTIONS as f64) / many);
            shown = (floor, one, many);
        }
    }
    let (floor, one, many) = shown;
    Ok(vec![
        Row {
            name: "CreateUser, durable, 1 client".to_owned(),
            measured: format!(
                "{:.0} µs beside {:.0} µs: write and fdatasync",
                one * 1e6,
                floor * 1e6
            ),
            ratio: median(alone),
            must: 1.5,
            stretch: 1.2,
        },
        Row {
            name: "CreateUser, durable, 32 clients (cost; share of 32/F inverted)".to_owned(),
            measured: format!(
                "{:.0} a second beside {:.0}",
                1.0 / many,
                CONNECTIONS as f64 / floor
            ),
            ratio: 1.0 / median(together),
            must: 1.0 / 0.6,
            stretch: 1.0 / 0.85,
        },
    ])
}

/// The program at rest.
fn idle(programs: &Programs) -> Result<Vec<Row>, String> {
    let size = std::fs::metadata(&programs.iamd).map_err(|error| error.to_string())?.len();
    let folder = server::TemporaryFolder::make()?;
    drop(Server::iamd(&programs.iamd, Some(folder.path()), 5_000)?);
    let starts: Result<Vec<(f64, f64)>, String> = (0..5)
        .map(|_| {
            let start = std::time::Instant::now();
            let node = Server::iamd(&programs.iamd, Some(folder.path()), 5_000)?;
            Ok((start.elapsed().as_secs_f64() * 1e3, node.resident_mebibytes()?))
        })
        .collect();
    let starts = starts?;
    let start = median(starts.iter().map(|(start, _)| *start).collect());
    let resident = median(starts.iter().map(|(_, resident)| *resident).collect());
    let row = |name: &str, value: f64, unit: &str, must: f64, stretch: f64| Row {
        name: name.to_owned(),
        measured: format!("{value:.1} {unit} beside a limit of {must:.0} {unit}"),
        ratio: value / must,
        must: 1.0,
        stretch: stretch / must,
    };
    Ok(vec![
        row("idle: program on disk", size as f64 / 1e6, "MB", 25.0, 15.0),
        row("idle: resident memory", resident, "MiB", 24.0, 14.0),
        row("idle: start with existing data", start, "ms", 50.0, 20.0),
    ])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
