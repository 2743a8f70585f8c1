//! What operators' commands print.

use std::fmt::Write;

use super::{OutputFormat, printout, status};
use crate::fault::Fault;
use crate::operator::{
    BucketsImported, Granted, MfaFacts, OperatorFacts, PasswordFacts, Purpose, RevocationFacts,
    StandingFacts, UsageLine,
};

/// Prints what was granted.
///
/// # Errors
/// [`Fault`] when nothing can be printed.
pub(super) fn show(granted: &Granted, output: OutputFormat) -> Result<(), Fault> {
    match output {
        OutputFormat::Json => json(granted),
        OutputFormat::Table => table(granted),
    }
}

fn json(granted: &Granted) -> Result<(), Fault> {
    match granted {
        Granted::Account(facts) => printout::json(facts),
        Granted::Accounts(lines) => printout::json(lines),
        Granted::Standing(facts) => printout::json(facts),
        Granted::Password(facts) => printout::json(facts),
        Granted::Mfa(facts) => printout::json(facts),
        Granted::Revocation(facts) => printout::json(facts),
        Granted::Buckets(facts) => printout::json(facts),
        // Only a process asks for that.
        Granted::Watched | Granted::Followed(_) => Ok(()),
        Granted::Usage(lines) => printout::json(lines),
        Granted::Status(facts) => printout::json(facts),
        Granted::Examination(facts) => printout::json(facts),
        Granted::Operator(facts) => printout::json(facts),
        Granted::Operators(lines) => printout::json(lines),
        Granted::Policies(texts) => printout::json(texts),
        Granted::Audit(report) => printout::json(report),
        Granted::MfaTokens(imported) => printout::json(imported),
        Granted::Backup(summary) => printout::json(summary),
        Granted::Keys(lines) => printout::json(lines),
        Granted::Rotation(facts) => printout::json(facts),
        Granted::Imported(facts) => printout::json(facts),
        Granted::Exported(facts) => printout::json(facts),
    }
}

fn table(granted: &Granted) -> Result<(), Fault> {
    match granted {
        Granted::Account(facts) => printout::account(facts),
        Granted::Accounts(lines) => printout::accounts(lines),
        Granted::Standing(facts) => printout::text(&standing(facts)),
        Granted::Password(facts) => printout::text(&password(facts)),
        Granted::Mfa(facts) => printout::text(&mfa(facts)),
        Granted::Revocation(facts) => printout::text(&revocation(facts)),
        Granted::Buckets(facts) => printout::text(&buckets(facts)),
        // Only a process asks for that.
        Granted::Watched | Granted::Followed(_) => Ok(()),
        Granted::Usage(lines) => printout::text(&usage(lines)),
        Granted::Status(facts) => printout::text(&status::text(facts)),
        // `iamd doctor` judges it, and prints findings.
        Granted::Examination(facts) => printout::json(facts),
        Granted::Operator(facts) => printout::text(&operator(facts)),
        Granted::Operators(lines) => printout::text(&operators(lines)),
        // Their own commands print them.
        Granted::Audit(_)
        | Granted::MfaTokens(_)
        | Granted::Backup(_)
        | Granted::Policies(_)
        | Granted::Keys(_)
        | Granted::Rotation(_)
        | Granted::Imported(_)
        | Granted::Exported(_) => json(granted),
    }
}

fn standing(facts: &StandingFacts) -> String {
    let mut text = lines(&[("Account", &facts.account_id), ("State", &facts.state)]);
    if let Some(until) = &facts.reopen_until {
        text.push_str(&lines(&[("Can be reopened until", until)]));
        text.push_str("Every credential of it is refused from now on.\n");
    }
    text
}

fn buckets(facts: &BucketsImported) -> String {
    lines(&[
        ("Account", &facts.account_id),
        ("Imported", &facts.imported.to_string()),
        ("Had already", &facts.already.to_string()),
    ])
}

fn password(facts: &PasswordFacts) -> String {
    let mut text = lines(&[("Account", &facts.account_id), ("Root e-mail", &facts.root_email)]);
    match &facts.root_password {
        Some(password) => {
            text.push_str(&lines(&[("Root password", password.expose())]));
            text.push_str("The password is shown this once. ");
        }
        None => text.push_str("The password is the one that you gave. "),
    }
    text.push_str("Root's sessions have ended.\n");
    if !facts.root_access_keys.is_empty() {
        let keys = facts.root_access_keys.join(", ");
        text.push_str(&format!(
            "Root has access keys, which are as they were: {keys}; see `iamd revoke --access-key`.\n"
        ));
    }
    text
}

fn mfa(facts: &MfaFacts) -> String {
    if facts.removed.is_empty() {
        return format!(
            "{} of account {} has no MFA devices; nothing was changed.\n",
            facts.owner, facts.account_id
        );
    }
    let removed = facts.removed.join(", ");
    lines(&[("Account", &facts.account_id), ("Of", &facts.owner), ("Removed", &removed)])
}

fn revocation(facts: &RevocationFacts) -> String {
    let mut text = lines(&[("Account", &facts.account_id), ("Revoked", &facts.revoked)]);
    if !facts.access_keys.is_empty() {
        text.push_str(&lines(&[("Inactive keys", &facts.access_keys.join(", "))]));
    }
    text.push_str(&lines(&[(
        "Sessions ended",
        "not known: sessions are sealed into their tokens, and stored nowhere",
    )]));
    text
}

fn operator(facts: &OperatorFacts) -> String {
    let Some(secret) = &facts.secret_access_key else {
        return format!("The credential {} of {} is deleted.\n", facts.access_key_id, facts.name);
    };
    format!(
        "# Operator {}; the secret is shown this once.\n\
         export IAMD_OPERATOR_ACCESS_KEY_ID={}\nexport IAMD_OPERATOR_SECRET_ACCESS_KEY={}\n",
        facts.name,
        facts.access_key_id,
        secret.expose()
    )
}

fn operators(all: &[OperatorFacts]) -> String {
    let mut text = format!("{:<24} {:<22} {:<20}\n", "OPERATOR", "ACCESS KEY ID", "CREATED");
    for facts in all {
        let created = facts.created.as_deref().unwrap_or("-");
        let purpose = match facts.purpose {
            None => "",
            Some(Purpose::Follower) => " for following only",
        };
        let (name, id) = (&facts.name, &facts.access_key_id);
        let line = writeln!(text, "{name:<24} {id:<22} {created:<20}{purpose}");
        // Writing to text does not fail.
        debug_assert!(line.is_ok());
    }
    text
}

fn usage(lines: &[UsageLine]) -> String {
    let mut text = format!(
        "{:<14} {:<10} {:<8} {:<28} {:>12} {:>10} {:>16} {:>16}\n",
        "ACCOUNT", "PERIOD", "SERVICE", "OPERATION", "REQUESTS", "DENIED", "BYTES IN", "BYTES OUT"
    );
    for line in lines {
        text.push_str(&format!(
            "{:<14} {:<10} {:<8} {:<28} {:>12} {:>10} {:>16} {:>16}\n",
            line.account_id,
            line.period,
            line.service,
            line.operation,
            line.requests,
            line.denied,
            line.bytes_in,
            line.bytes_out
        ));
    }
    text
}

/// Names and values in two columns.
pub(super) fn lines(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name:<22} {value}\n")).collect()
}
