//! What commands print.

use std::io::{IsTerminal, Write};
use std::path::Path;

use iamd_wire::Secret;
use serde::Serialize;

use crate::backup::{Findings, Summary};
use crate::fault::Fault;
use crate::founder::NewAccountFacts;
use crate::operator::AccountLine;

/// The facts that `iamd dev --json` prints as one line. Secrets are there on the first start only.
#[derive(Debug, Serialize)]
pub(super) struct DevFacts {
    pub(super) account_id: String,
    pub(super) endpoint: String,
    /// The console is not part of this version.
    pub(super) console: Option<String>,
    pub(super) root_email: String,
    pub(super) root_password: Option<Secret>,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<Secret>,
    /// The address of the gateway, if there is one.
    pub(super) gateway: Option<String>,
    /// The metadata door is not part of this version.
    pub(super) metadata: Option<String>,
    /// Where the operator's commands find this process: `--data`.
    pub(super) data: String,
}

/// One line of JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), Fault> {
    let text = serde_json::to_string(value).map_err(|error| Fault::Bug(error.to_string()))?;
    print(&(text + "\n"))
}

/// Text for people.
pub(super) fn text(text: &str) -> Result<(), Fault> {
    print(text)
}

/// The first printout of `iamd dev`, for people.
pub(super) fn dev(facts: &DevFacts, key_owner: &str, kept_in: &str) -> Result<(), Fault> {
    let style = Style::of_output();
    let mut text = format!("{}\n\n", style.bold("iamd is running."));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<18} {value}\n"));
    line("Account", &facts.account_id);
    line("Endpoint", &facts.endpoint);
    line("Data", kept_in);
    line("Root e-mail", &facts.root_email);
    match (&facts.root_password, &facts.access_key_id, &facts.secret_access_key) {
        (Some(password), Some(id), Some(secret)) => {
            line("Root password", password.expose());
            line("Access key of", key_owner);
            text.push_str(&format!(
                "\nPassword and secret key are shown this once. Copy into a shell:\n\n{}\n\
                 Or into ~/.aws/config, for `aws --profile iamd ...`:\n\n{}\n",
                style.code(&export_lines(&facts.endpoint, id, secret.expose())),
                style.code(&profile_lines(&facts.endpoint, id, secret.expose())),
            ));
        }
        _ => {
            if let Some(id) = &facts.access_key_id {
                line("Access key", id);
            }
            text.push_str("\nPassword and secret key were shown on the first start.\n\n");
        }
    }
    text.push_str("Try: aws sts get-caller-identity\nStop: Ctrl+C\n");
    print(&text)
}

/// A new account, for people.
pub(super) fn account(facts: &NewAccountFacts) -> Result<(), Fault> {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name:<18} {value}\n"));
    line("Account", &facts.account_id);
    line("Root e-mail", &facts.root_email);
    line("Root password", facts.root_password.expose());
    if let (Some(owner), Some(id), Some(secret)) =
        (&facts.key_owner, &facts.access_key_id, &facts.secret_access_key)
    {
        line("Access key of", owner);
        line("Access key id", id);
        line("Secret access key", secret.expose());
    }
    text.push_str("Password and secret key are shown this once.\n");
    print(&text)
}

/// What `iamd init` prints. Secrets are there this once.
#[derive(Debug, Serialize)]
pub(super) struct InitFacts {
    pub(super) account_id: String,
    pub(super) root_email: String,
    /// None if the operator chose it.
    pub(super) root_password: Option<Secret>,
    pub(super) key_owner: Option<String>,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<Secret>,
    pub(super) data: String,
    /// The certificate of the own authority.
    pub(super) ca_bundle: String,
}

/// The same for people.
pub(super) fn init(facts: &InitFacts) -> Result<(), Fault> {
    let mut text = format!("{}\n\n", Style::of_output().bold("The data folder is made."));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<18} {value}\n"));
    line("Data", &facts.data);
    line("Account", &facts.account_id);
    line("Root e-mail", &facts.root_email);
    let password = facts.root_password.as_ref().map(Secret::expose);
    line("Root password", password.unwrap_or("the one that you gave"));
    if let (Some(owner), Some(id), Some(secret)) =
        (&facts.key_owner, &facts.access_key_id, &facts.secret_access_key)
    {
        line("Access key of", owner);
        line("Access key id", id);
        line("Secret access key", secret.expose());
    }
    text.push_str(&format!(
        "\nSecrets are shown this once. Keep a copy of the master key outside of the folder.\n\
         Clients trust the certificate with:\n\n  export AWS_CA_BUNDLE={}\n\n\
         Next: iamd serve --data {}\n",
        facts.ca_bundle, facts.data
    ));
    print(&text)
}

/// What `iamd serve` prints once it listens.
#[derive(Debug, Serialize)]
pub(super) struct ServeFacts {
    pub(super) endpoint: String,
    /// The certificate of the own authority, where it is used.
    pub(super) ca_bundle: Option<String>,
    pub(super) data: String,
}

/// The same for people.
pub(super) fn serve(facts: &ServeFacts) -> Result<(), Fault> {
    let mut text = format!("export AWS_ENDPOINT_URL={}\n", facts.endpoint);
    if let Some(bundle) = &facts.ca_bundle {
        text.push_str(&format!("export AWS_CA_BUNDLE={bundle}\n"));
    }
    print(&text)
}

/// Where a gateway listens that follows a node.
#[derive(Serialize)]
pub(super) struct GatewayFacts {
    pub(super) gateway: String,
    /// Where it tells how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) health: Option<String>,
}

/// The same for people.
pub(super) fn gateway(facts: &GatewayFacts) -> Result<(), Fault> {
    print(&format!("export AWS_ENDPOINT_URL_S3={}\n", facts.gateway))
}

/// A backup that was written, for people.
pub(super) fn backup(summary: &Summary, file: &Path) -> Result<(), Fault> {
    let mut text = format!("{}\n\n", Style::of_output().bold("The backup is written."));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<18} {value}\n"));
    line("File", &file.display().to_string());
    line("Master key", &summary.master_key);
    line("Accounts", &summary.counts.accounts.to_string());
    line("Rows", &summary.counts.rows.to_string());
    line("Bytes", &summary.bytes.to_string());
    text.push_str(
        "\nIt opens only with the master key, which is not in it: keep a copy of that elsewhere.\n",
    );
    print(&text)
}

/// A backup that was checked, for people.
pub(super) fn verified(findings: &Findings) -> Result<(), Fault> {
    let title = Style::of_output().bold("Everything in the backup opens.");
    print(&format!("{title}\n\n{}", found(findings)))
}

/// A backup that was restored, for people.
pub(super) fn restored(findings: &Findings, data: &Path) -> Result<(), Fault> {
    let title = Style::of_output().bold("The backup is restored.");
    print(&format!(
        "{title}\n\n  {:<18} {}\n{}\nSessions from before are refused; access keys and passwords are as they were.\n",
        "Data",
        data.display(),
        found(findings)
    ))
}

fn found(findings: &Findings) -> String {
    let counts = &findings.counts;
    let lines = [
        ("Made", findings.created.clone()),
        ("By iamd", findings.version.clone()),
        ("Master key", findings.master_key.clone()),
        ("Accounts", counts.accounts.to_string()),
        ("Users", findings.users.to_string()),
        ("Rows", counts.rows.to_string()),
        ("Records", counts.records.to_string()),
        ("Files", findings.files.join(", ")),
        ("Content SHA-256", findings.content_sha256.clone()),
    ];
    lines.iter().map(|(name, value)| format!("  {name:<18} {value}\n")).collect()
}

/// A list of accounts, for people.
pub(super) fn accounts(accounts: &[AccountLine]) -> Result<(), Fault> {
    let mut text = format!(
        "{:<14} {:<10} {:<20} {:<30} {:<20} {:>6} {:>6}\n",
        "ACCOUNT", "STATE", "ALIAS", "ROOT E-MAIL", "CREATED", "USERS", "ROLES"
    );
    for account in accounts {
        let alias = account.alias.as_deref().unwrap_or("-");
        text.push_str(&format!(
            "{:<14} {:<10} {:<20} {:<30} {:<20} {:>6} {:>6}\n",
            account.account_id,
            account.state,
            alias,
            account.root_email,
            account.created,
            account.users,
            account.roles
        ));
    }
    print(&text)
}

/// Both names of the region are set: some clients read only one.
fn export_lines(endpoint: &str, id: &str, secret: &str) -> String {
    format!(
        "export AWS_ENDPOINT_URL={endpoint}\nexport AWS_ACCESS_KEY_ID={id}\n\
         export AWS_SECRET_ACCESS_KEY={secret}\nexport AWS_REGION=us-east-1\n\
         export AWS_DEFAULT_REGION=us-east-1\n"
    )
}

fn profile_lines(endpoint: &str, id: &str, secret: &str) -> String {
    format!(
        "[profile iamd]\nendpoint_url = {endpoint}\nregion = us-east-1\n\
         aws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
    )
}

fn print(text: &str) -> Result<(), Fault> {
    let mut output = std::io::stdout().lock();
    // A reader that has gone away, such as `head`, is no failure.
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::Unavailable(format!("the printout cannot be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Colours, where there is a terminal that wants them.
struct Style {
    colours: bool,
}

impl Style {
    fn of_output() -> Style {
        let wanted = std::env::var_os("NO_COLOR").is_none();
        Style { colours: wanted && std::io::stdout().is_terminal() }
    }

    fn bold(&self, text: &str) -> String {
        if self.colours { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn code(&self, text: &str) -> String {
        let line = |line: &str| {
            if self.colours {
                format!("  \u{1b}[36m{line}\u{1b}[0m\n")
            } else {
                format!("  {line}\n")
            }
        };
        text.lines().map(line).collect()
    }
}
