//! `iamd revoke`: ending credentials before their time.

use std::path::PathBuf;

use clap::Args;

use super::confirm::confirm;
use super::place::Place;
use super::secret_file;
use crate::fault::Fault;
use crate::operator::{Granted, RevokeOrder, Wish};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    target: Target,
    /// With --account: makes all access keys and service-specific credentials inactive, too.
    #[arg(long, requires = "account")]
    with_access_keys: bool,
    /// Does not ask again.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// All sessions of this user, role or root that were issued before now.
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// This access key, which is made inactive.
    #[arg(long, value_name = "AKIA...")]
    access_key: Option<String>,
    /// This service-specific credential, which is made inactive.
    #[arg(long, value_name = "ACCA...")]
    service_credential: Option<String>,
    /// The temporary credential of this access key id.
    #[arg(long, value_name = "ASIA...")]
    session: Option<String>,
    /// The temporary credential whose session token is in this file, or on standard input for `-`.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// All sessions of everybody in this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let (what, words) = order(options.target, options.with_access_keys)?;
    confirm(options.yes, &format!("This ends {words}"), "revoke")?;
    let granted = options.place.ask(Wish::Revoke { what }).await?;
    options.place.show(&granted)?;
    kept(&granted)
}

fn order(target: Target, with_access_keys: bool) -> Result<(RevokeOrder, String), Fault> {
    let Target { principal, access_key, service_credential, session, token, account } = target;
    if let Some(arn) = principal {
        let words = format!("all sessions of {arn}");
        return Ok((RevokeOrder::Principal(arn), words));
    }
    if let Some(id) = access_key {
        let words = format!("the access key {id}");
        return Ok((RevokeOrder::AccessKey(id), words));
    }
    if let Some(id) = service_credential {
        let words = format!("the service-specific credential {id}");
        return Ok((RevokeOrder::ServiceCredential(id), words));
    }
    if let Some(id) = session {
        let words = format!("the session {id}");
        return Ok((RevokeOrder::Session(id), words));
    }
    if let Some(path) = token {
        let token = secret_file::token(&path)?;
        return Ok((RevokeOrder::Token(token), "the session of that token".to_owned()));
    }
    let account_id = account.unwrap_or_default();
    let keys = if with_access_keys { " and long-term credentials" } else { "" };
    let words = format!("all sessions{keys} of account {account_id}");
    Ok((RevokeOrder::Account { account_id, with_access_keys }, words))
}

/// Says what is not as it should be: the code of the process tells it to programs.
fn kept(granted: &Granted) -> Result<(), Fault> {
    let Granted::Revocation(facts) = granted else {
        return Err(Fault::Bug("a revocation was answered with something else".to_owned()));
    };
    let problem = facts.problem.as_deref().unwrap_or("no reason was given");
    match (facts.stored, facts.journalled) {
        (true, _) => Ok(()),
        (false, true) => {
            eprintln!(
                "iamd: in force on this node; the store will know of it when it is back ({problem})"
            );
            Ok(())
        }
        (false, false) => Err(Fault::Refused(format!(
            "in force on this node, but only until it stops: neither store nor journal could be written ({problem}); revoke again once they can"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::RevocationFacts;

    #[test]
    fn only_what_would_be_forgotten_is_a_failure() {
        let facts = |stored, journalled| {
            Granted::Revocation(RevocationFacts {
                account_id: "111122223333".to_owned(),
                revoked: "something".to_owned(),
                access_keys: Vec::new(),
                service_credentials: Vec::new(),
                sessions_ended: None,
                stored,
                journalled,
                problem: None,
            })
        };
        assert_eq!(kept(&facts(true, true)), Ok(()));
        assert_eq!(kept(&facts(true, false)), Ok(()));
        assert_eq!(kept(&facts(false, true)), Ok(()));
        let forgotten = kept(&facts(false, false)).unwrap_err().to_string();
        assert!(forgotten.contains("only until it stops"), "{forgotten}");
    }
}
