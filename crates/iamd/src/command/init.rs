//! `iamd init`: the data folder of a production server, with its first account and authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::printout::{self, InitFacts};
use super::settings::Settings;
use super::{OutputFormat, folder, secret_file};
use crate::clock::Clock;
use crate::config::Config;
use crate::fault::Fault;
use crate::founder::{self, Order};
use crate::node::Node;
use crate::password;
use crate::tls::authority::{self, Authority};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// Root's e-mail address.
    #[arg(long, required_unless_present = "new_authority")]
    root_email: Option<String>,
    /// A file with root's password, or `-` for standard input; drawn and printed if absent.
    #[arg(long, value_name = "FILE")]
    root_password_file: Option<PathBuf>,
    /// The number of the account, 12 digits; drawn if absent.
    #[arg(long)]
    account_id: Option<String>,
    /// Makes an administrator with an access key, which is printed once.
    #[arg(long)]
    with_access_key: bool,
    /// Whose that access key is: `root`, or a user who is created as administrator.
    #[arg(long, requires = "with_access_key", default_value = "admin")]
    key_owner: String,
    /// Only makes a new certificate authority in a folder that is there; clients must trust it anew.
    #[arg(long, conflicts_with_all = ["root_email", "root_password_file", "account_id", "with_access_key"])]
    new_authority: bool,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let config = options.settings.load(Vec::new())?.config;
    password::limit(&config.passwords);
    if options.new_authority {
        return new_authority(&config);
    }
    let chosen = options.root_password_file.as_deref().map(secret_file::password).transpose()?;
    let order = Order {
        account_id: options.account_id.clone(),
        root_email: options.root_email.clone().unwrap_or_default(),
        root_password: chosen.clone(),
        key_owner: options.with_access_key.then(|| options.key_owner.clone()),
        ..Order::default()
    };
    let node = folder::open_new(&config.data, &config.master_key).await?;
    let outcome = fill(&config, &node, order).await;
    node.close().await?;
    let mut facts = outcome?;
    if chosen.is_some() {
        facts.root_password = None;
    }
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&facts),
        OutputFormat::Table => printout::init(&facts),
    }
}

async fn fill(config: &Config, node: &Arc<Node>, order: Order) -> Result<InitFacts, Fault> {
    Authority::create(&config.data, Clock::default().now())?;
    let founded = founder::found(node, order).await?;
    // Last: a folder without this mark is not served.
    folder::mark_initialized(&config.data)?;
    let data = absolute(&config.data);
    Ok(InitFacts {
        account_id: founded.account_id,
        root_email: founded.root_email,
        root_password: Some(founded.root_password),
        key_owner: founded.key_owner,
        access_key_id: founded.access_key_id,
        secret_access_key: founded.secret_access_key,
        ca_bundle: authority::certificate_path(&data).display().to_string(),
        data: data.display().to_string(),
    })
}

fn new_authority(config: &Config) -> Result<(), Fault> {
    folder::check_production(&config.data)?;
    Authority::renew(&config.data, Clock::default().now())?;
    let bundle = authority::certificate_path(&absolute(&config.data));
    printout::text(&format!("export AWS_CA_BUNDLE={}\n", bundle.display()))
}

/// A path that other processes can use.
pub(super) fn absolute(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}
