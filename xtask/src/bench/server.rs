//! The measured servers: started on a free port, stopped by the id they were started with.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cpu;
use super::load::{self, Load};
use super::sign::{Rest, Signer};

/// How long a server is left alone after a load: it syncs its audit trail every second.
const SETTLING: Duration = Duration::from_millis(2_500);

/// A running server.
pub(super) struct Server {
    process: Child,
    host: String,
    account: String,
    signer: Signer,
    /// Where the gateway is, if there is one.
    gateway: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM lets iamd close its store; a bare server just ends.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").arg(&id).status();
        let _ = self.process.wait();
    }
}

impl Server {
    /// A bare server that answers this many bytes.
    pub(super) fn bare(program: &Path, bytes: usize) -> Result<Server, String> {
        Server::unsigned(program, &bytes.to_string())
    }

    /// A bare reverse proxy before a server.
    pub(super) fn proxy(program: &Path, upstream: &str) -> Result<Server, String> {
        Server::unsigned(program, &format!("http://{upstream}"))
    }

    /// A program that knows nobody, and prints where it listens.
    fn unsigned(program: &Path, argument: &str) -> Result<Server, String> {
        let mut command = Command::new(program);
        command.arg(argument);
        let (process, line) = started(command)?;
        let signer = Signer { access_key_id: String::new(), secret_access_key: String::new() };
        let host = line.trim().trim_start_matches("http://").to_owned();
        Ok(Server { process, host, account: String::new(), signer, gateway: None })
    }

    /// iamd in memory, reached by its gateway before a server.
    pub(super) fn gateway(program: &Path, upstream: &str) -> Result<Server, String> {
        let upstream = format!("s3=http://{upstream}");
        let options = ["--gateway", "127.0.0.1:0", "--upstream", &upstream];
        let mut server = Server::iamd_with(program, None, 10, &options)?;
        let gateway = server.gateway.take().ok_or("iamd named no gateway")?;
        server.host = gateway.trim_start_matches("http://").to_owned();
        Ok(server)
    }

    /// iamd, in memory or on a folder; the quota of users is raised.
    pub(super) fn iamd(
        program: &Path,
        folder: Option<&Path>,
        users: usize,
    ) -> Result<Server, String> {
        Server::iamd_with(program, folder, users, &[])
    }

    /// The same with further options.
    pub(super) fn iamd_with(
        program: &Path,
        folder: Option<&Path>,
        users: usize,
        options: &[&str],
    ) -> Result<Server, String> {
        let mut command = Command::new(program);
        command.args(["dev", "--listen", "127.0.0.1:0", "--json", "--log", "warn"]);
        command.args(["--account-id", "111122223333"]);
        command.args([
            "--access-key-id",
            "AKIABENCHBENCHBENCH1",
            "--secret-access-key",
            "bench-secret",
        ]);
        command.args(options);
        command.args(["--key-owner", "admin", "--quota", &format!("users={users}")]);
        if std::env::var_os("IAMD_BENCH_NO_AUDIT").is_some() {
            command.arg("--no-audit");
        }
        match folder {
            Some(folder) => command.arg("--data").arg(folder.join("data")),
            None => command.arg("--ephemeral"),
        };
        let (process, line) = started(command)?;
        let facts: serde_json::Value = serde_json::from_str(&line)
            .map_err(|error| format!("iamd printed no JSON: {error}"))?;
        let text =
            |name| facts.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Ok(Server {
            process,
            host: text("endpoint").trim_start_matches("http://").to_owned(),
            account: text("account_id"),
            signer: Signer {
                access_key_id: text("access_key_id"),
                secret_access_key: text("secret_access_key"),
            },
            gateway: facts.get("gateway").and_then(|it| it.as_str()).map(str::to_owned),
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// A signed request of an operation, ready to be sent over and over.
    pub(super) fn load(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Load, String> {
        Ok(Load::of(self.signed(service, action, parameters)?))
    }

    /// A signed request of an operation, as bytes.
    pub(super) fn signed(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, String> {
        let version = if service == "iam" { "2010-05-08" } else { "2011-06-15" };
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            form.push_str(&format!("&{name}={}", escaped(value)));
        }
        Ok(self.signer.request(&self.host, service, &form, &now()))
    }

    /// A signed request of S3, as bytes.
    pub(super) fn signed_rest(&self, rest: &Rest<'_>) -> Vec<u8> {
        self.signer.rest(&self.host, rest, &now())
    }

    /// Sends one request; the answer must be a 200.
    pub(super) fn exchange(&self, request: &[u8]) -> Result<(), String> {
        let mut stream = TcpStream::connect(&self.host).map_err(|error| error.to_string())?;
        stream.write_all(request).map_err(|error| error.to_string())?;
        load::answer(&mut stream, &mut Vec::new()).map(|_| ())
    }

    /// Seconds that requests take one after the other, and nanoseconds of the server's CPU time.
    pub(super) fn seconds_and_cost(&self, load: &Load, count: usize) -> Result<(f64, f64), String> {
        let (before, start) = (cpu::nanoseconds(self.process.id())?, Instant::now());
        load.send(&self.host, count, 1)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok((seconds, cpu::nanoseconds(self.process.id())? - before))
    }

    /// Nanoseconds of the server's CPU time per request.
    pub(super) fn cost(
        &self,
        load: &Load,
        count: usize,
        connections: usize,
    ) -> Result<f64, String> {
        let before = cpu::nanoseconds(self.process.id())?;
        load.send(&self.host, count, connections)?;
        self.settle();
        Ok((cpu::nanoseconds(self.process.id())? - before) / count as f64)
    }

    /// Waits until the server has done what it put off, such as writing its audit trail, so that each
    /// request pays for all that it causes, and no other. Bare servers put nothing off.
    fn settle(&self) {
        if !self.account.is_empty() {
            std::thread::sleep(SETTLING);
        }
    }

    /// Creates `user0000000` and so on.
    pub(super) fn create_users(&self, count: usize, connections: usize) -> Result<(), String> {
        let names = (0..count).map(|number| format!("user{number:07}"));
        let requests: Result<Vec<_>, String> =
            names.map(|name| self.signed("iam", "CreateUser", &[("UserName", &name)])).collect();
        Load::each(requests?).send(&self.host, count, connections)
    }

    /// Seconds per creation, over all connections together.
    pub(super) fn creation_seconds(
        &self,
        prefix: &str,
        count: usize,
        connections: usize,
    ) -> Result<f64, String> {
        let names = (0..count).map(|number| format!("{prefix}{number}"));
        let requests: Result<Vec<_>, String> =
            names.map(|name| self.signed("iam", "CreateUser", &[("UserName", &name)])).collect();
        let load = Load::each(requests?);
        let start = Instant::now();
        load.send(&self.host, count, connections)?;
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }

    /// Nanoseconds of the server's CPU time per creation.
    pub(super) fn creation_cost(
        &self,
        prefix: &str,
        count: usize,
        connections: usize,
    ) -> Result<f64, String> {
        let before = cpu::nanoseconds(self.process.id())?;
        self.creation_seconds(prefix, count, connections)?;
        self.settle();
        Ok((cpu::nanoseconds(self.process.id())? - before) / count as f64)
    }

    /// A role that the administrator may assume.
    pub(super) fn create_role(&self, name: &str) -> Result<(), String> {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:user/admin"}},"Action":"sts:AssumeRole"}}}}"#,
            self.account
        );
        self.call("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)])
            .map(|_| ())
    }

    pub(super) fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// The marker of a page of ListUsers about this many users in.
    pub(super) fn marker_near(&self, users: usize) -> Result<String, String> {
        let mut marker: Option<String> = None;
        for _ in 0..(users / 1_000).max(1) {
            let mut parameters = vec![("MaxItems", "1000")];
            if let Some(marker) = &marker {
                parameters.push(("Marker", marker));
            }
            let answer = self.call("ListUsers", &parameters)?;
            let found =
                answer.split_once("<Marker>").and_then(|(_, rest)| rest.split_once("</Marker>"));
            marker =
                Some(found.map(|(marker, _)| marker.to_owned()).ok_or("there is no second page")?);
        }
        marker.ok_or_else(|| "there is no second page".to_owned())
    }

    fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        let request = self.signed("iam", action, parameters)?;
        let mut stream = TcpStream::connect(&self.host).map_err(|error| error.to_string())?;
        stream.write_all(&request).map_err(|error| error.to_string())?;
        let mut buffer = Vec::new();
        let body = load::answer(&mut stream, &mut buffer)?;
        Ok(String::from_utf8_lossy(body).into_owned())
    }

    /// Memory that the process holds, in MiB.
    pub(super) fn resident_mebibytes(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/status", self.process.id());
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kibibytes
            .map(|kibibytes| kibibytes / 1024.0)
            .ok_or_else(|| format!("{path} names no VmRSS"))
    }
}

/// Starts a program and reads the first line that it prints.
fn started(mut command: Command) -> Result<(Child, String), String> {
    let mut process = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let mut line = String::new();
    if let Some(output) = process.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    if line.is_empty() {
        let _ = process.wait();
        return Err(format!("{command:?} ended before it was ready"));
    }
    Ok((process, line))
}

/// The present time, as signatures have it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A folder that ends with the measurement.
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Below the target folder, so that it is on the disk of the workspace, not in memory.
    pub(super) fn make() -> Result<TemporaryFolder, String> {
        let root = crate::workspace_root()?;
        let name = format!("bench-{}-{:?}", std::process::id(), Instant::now());
        let name: String = name
            .chars()
            .filter(|character| character.is_ascii_alphanumeric() || *character == '-')
            .collect();
        let path = root.join("target").join(name);
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(TemporaryFolder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
